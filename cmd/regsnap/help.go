package main

import (
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// The groups in which commands are listed.
const (
	groupPublish = "Publish"
	groupOperate = "Operate"
	groupAuthor  = "Author packages"
	groupOffline = "Offline and other registries"
	groupServe   = "Serve"
	groupHelp    = "Help"
)

// topics are what regsnap help explains beside commands.
var topics = []struct {
	name, usage string
	write       func(io.Writer, *cli.App)
}{
	{"exit-codes", "what the exit code of a command means", writeExitCodes},
	{"environment", "the environment variables that are read", writeVariables},
	{"configuration", "the keys of regsnap.yml", writeKeys},
	{"queries", "how searches are answered, and how to find out why", writeQueries},
}

func helpCommand() *cli.Command {
	return &cli.Command{
		Name: "help", Aliases: []string{"h"}, Category: groupHelp,
		Usage:     "explain a command or a topic",
		ArgsUsage: "[COMMAND|TOPIC]",
		Description: `The topics are exit-codes, environment, configuration and queries.

   regsnap help build
   regsnap help exit-codes`,
		Action: func(c *cli.Context) error {
			name := c.Args().First()
			for _, t := range topics {
				if t.name == name {
					t.write(c.App.Writer, c.App)
					return nil
				}
			}
			above := c.Lineage()[len(c.Lineage())-2]
			switch {
			case name == "":
				return cli.ShowAppHelp(above)
			case commandNamed(c.App.Commands, name) == nil:
				return usagef("there is no command or topic %q%s; regsnap help lists the commands", name, didYouMean(name, append(commandNames(c.App.Commands), topicNames()...)))
			}
			return cli.ShowCommandHelp(above, name)
		},
	}
}

func topicNames() []string {
	var out []string
	for _, t := range topics {
		out = append(out, t.name)
	}
	return out
}

func writeExitCodes(w io.Writer, _ *cli.App) {
	fmt.Fprintln(w, "What a command ends with:")
	for _, e := range exitCodes {
		fmt.Fprintf(w, "  %3d  %s\n", e.code, e.meaning)
	}
	fmt.Fprintln(w, "\nWith --json an error is printed as JSON on standard error, with a word for its kind.")
}

func writeVariables(w io.Writer, app *cli.App) {
	uses := map[string][]string{}
	for _, f := range allFlags(app.Commands) {
		d, ok := f.(cli.DocGenerationFlag)
		if !ok {
			continue
		}
		for _, v := range d.GetEnvVars() {
			if flag := "--" + f.Names()[0]; !slices.Contains(uses[v], flag) {
				uses[v] = append(uses[v], flag)
			}
		}
	}
	fmt.Fprintln(w, "A flag wins over its variable, and both over regsnap.yml. An empty variable counts as not set.")
	for _, v := range slices.Sorted(func(yield func(string) bool) {
		for v := range uses {
			if !yield(v) {
				return
			}
		}
	}) {
		fmt.Fprintf(w, "  %-30s %s\n", v, strings.Join(uses[v], ", "))
	}
	fmt.Fprintf(w, `
Read besides:
  %-30s passphrase of --sign-key
  %-30s token for promote --open
  %-30s no colour, whatever it is set to
  %-30s width of the output, for tests and pipes
  AWS_*, GOOGLE_*, HTTPS_PROXY    as the stores' own programs read them
`, passphraseVariable, "GITHUB_TOKEN, GH_TOKEN", "NO_COLOR", "COLUMNS")
}

func writeKeys(w io.Writer, _ *cli.App) {
	fmt.Fprintln(w, "The keys of regsnap.yml (--config FILE); NAME is an environment. docs/configuration.md explains each:")
	for _, key := range configKeys() {
		fmt.Fprintln(w, "  "+key)
	}
}

// configKeys are the keys of a configuration, dotted.
func configKeys() []string {
	keys := yamlKeys(reflect.TypeFor[config](), "")
	slices.Sort(keys)
	return keys
}

// yamlKeys are the keys of a struct and those below, dotted; NAME stands for
// the key of a map.
func yamlKeys(typ reflect.Type, prefix string) (keys []string) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			continue
		}
		key := prefix + f.Tag.Get("yaml")
		below := f.Type
		if below.Kind() == reflect.Pointer && below.Elem().Kind() == reflect.Struct {
			below = below.Elem()
		}
		if below.Kind() == reflect.Map {
			below, key = below.Elem(), key+".NAME"
		}
		if below.Kind() == reflect.Struct {
			keys = append(keys, yamlKeys(below, key+".")...)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func writeQueries(w io.Writer, _ *cli.App) {
	fmt.Fprint(w, `A search depends on few facts per package version, which the routes of a snapshot hold. The parameters:
  package=NAME                   only this package
  all=true                       every version, not only the newest that fits
  prerelease=true                versions that are not released too (experimental=true, as older clients say)
  kibana.version=X.Y.Z           only what this Kibana can use
  agent.version=X.Y.Z            only what this agent can use
  spec.min=X.Y, spec.max=X.Y     only packages of these specification versions
  capabilities=A,B               only what needs no other capabilities than these
  category=NAME, type=NAME, discovery=…

To see what a query returns, and why a version is left out:
   regsnap inspect --env production '/search?kibana.version=8.5.0&package=nginx'
   regsnap inspect --env production --why nginx '/search?kibana.version=8.5.0'
To see which queries answer differently in two snapshots:
   regsnap diff --env production previous live
`)
}

func manCommand() *cli.Command {
	return &cli.Command{
		Name: "man", Category: groupHelp,
		Usage: "print the manual page",
		Description: `In the format of man(1), made from the same texts as --help.

   regsnap man > /usr/local/share/man/man1/regsnap.1`,
		Action: func(c *cli.Context) error {
			if err := noArgs(c); err != nil {
				return err
			}
			page, err := c.App.ToManWithSection(1)
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(unwrapped(c.App.Writer), page)
			return err
		},
	}
}
