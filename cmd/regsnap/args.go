package main

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// completionFlag is what the completion scripts put last; the words before it
// are unfinished and stay as they are.
const completionFlag = "--generate-bash-completion"

// arrange puts flags before arguments, as the library wants them, wherever they
// were typed: "promote nginx-1.6.0 --dry-run" and "--config f status" become
// "promote --dry-run nginx-1.6.0" and "status --config f". What follows "--" is
// arguments. A flag that no command has stays in its place, for the library to
// refuse it. Flags by their old names get the new ones; notices say so.
func arrange(app *cli.App, args []string) (arranged, notices []string) {
	if len(args) < 2 || args[len(args)-1] == completionFlag {
		return args, nil
	}
	args, notices = withNewNames(app, args)
	return inOrder(app, args), notices
}

// withNewNames replaces the flags that have another name now.
func withNewNames(app *cli.App, args []string) (out, notices []string) {
	path := commandPath(app, args[1:])
	out = args[:1:1]
	for i := 1; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			return append(out, args[i:]...), notices
		}
		name, isFlag := flagName(word)
		r, old := oldName(path, name)
		if !isFlag || !old {
			out = append(out, word)
			continue
		}
		next := ""
		if !r.isSwitch && !strings.Contains(word, "=") {
			if i++; i == len(args) {
				return append(out, "--"+r.now), notices // the library says that a value is missing
			}
			next = args[i]
		}
		out, notices = append(out, r.typed(word, next)...), append(notices, r.notice())
	}
	return out, notices
}

// commandPath are the names of the command that a call is of, and those above it.
func commandPath(app *cli.App, words []string) (path []string) {
	commands := app.Commands
	flags := allFlags(commands)
	for i := 0; i < len(words) && words[i] != "--"; i++ {
		if name, isFlag := flagName(words[i]); isFlag {
			_, old := oldName(path, name)
			if (takesValue(flags, name) || old) && !strings.Contains(words[i], "=") {
				i++
			}
			continue
		}
		c := commandNamed(commands, words[i])
		if c == nil {
			break
		}
		path, commands = append(path, c.Name), c.Subcommands
	}
	return path
}

func inOrder(app *cli.App, args []string) []string {
	words := args[1:]
	commands, flags, path := app.Commands, allFlags(app.Commands), []string(nil)
	var options, arguments []string
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		name, isFlag := flagName(word)
		switch {
		case word == "--":
			arguments = append(arguments, words...)
			return slices.Concat(args[:1], path, options, []string{"--"}, arguments)
		case isFlag:
			options = append(options, word)
			if takesValue(flags, name) && !strings.Contains(word, "=") && len(words) > 0 {
				options = append(options, words[0])
				words = words[1:]
			}
		case len(arguments) == 0 && commandNamed(commands, word) != nil:
			c := commandNamed(commands, word)
			path = append(path, word)
			commands, flags = c.Subcommands, c.Flags
			if len(c.Subcommands) > 0 {
				flags = append(slices.Clone(flags), allFlags(c.Subcommands)...)
			}
		default:
			arguments = append(arguments, word)
		}
	}
	if len(path) == 0 && len(arguments) == 0 && slices.ContainsFunc(options, func(o string) bool { return o == "--version" || o == "-v" }) {
		path = []string{"version"}
		options = slices.DeleteFunc(options, func(o string) bool { return o == "--version" || o == "-v" })
	}
	if len(path) == 0 { // an unknown command is refused by its name, not by its flags
		return slices.Concat(args[:1], arguments, options)
	}
	return slices.Concat(args[:1], path, options, arguments)
}

// flagName is the name of the flag that a word is; "-" alone is an argument.
func flagName(word string) (name string, ok bool) {
	if len(word) < 2 || word[0] != '-' {
		return "", false
	}
	name, _, _ = strings.Cut(strings.TrimLeft(word, "-"), "=")
	return name, true
}

// takesValue reports whether the word after a flag belongs to it.
func takesValue(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			_, isSwitch := f.(*cli.BoolFlag)
			return !isSwitch
		}
	}
	return false
}

func commandNamed(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

// allFlags are the flags of commands and of those below them.
func allFlags(commands []*cli.Command) []cli.Flag {
	var out []cli.Flag
	for _, c := range commands {
		out = append(append(out, c.Flags...), allFlags(c.Subcommands)...)
	}
	return out
}
