package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

// The scripts ask the program itself for what can come next: with the words that
// are complete, and the unfinished one if it begins with a hyphen.
const (
	bashCompletion = `# regsnap completion for bash: source <(regsnap completion bash)
_regsnap() {
  local IFS=$'\n'
  local words=("${COMP_WORDS[@]:0:$COMP_CWORD}")
  local current="${COMP_WORDS[COMP_CWORD]}"
  if [[ "$current" == -* ]]; then words+=("$current"); fi
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$current"))
}
complete -o bashdefault -o default -F _regsnap regsnap
`
	zshCompletion = `#compdef regsnap
# regsnap completion for zsh: source <(regsnap completion zsh)
_regsnap() {
  local -a options
  local current="${words[CURRENT]}"
  if [[ "$current" == -* ]]; then
    options=("${(@f)$(${words[@]:0:$((CURRENT-1))} ${current} --generate-bash-completion 2>/dev/null)}")
  else
    options=("${(@f)$(${words[@]:0:$((CURRENT-1))} --generate-bash-completion 2>/dev/null)}")
  fi
  if [[ -n "${options[1]}" ]]; then compadd -- $options; else _files; fi
}
compdef _regsnap regsnap
`
	fishCompletion = `# regsnap completion for fish: regsnap completion fish > ~/.config/fish/completions/regsnap.fish
function __regsnap_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  string match -q -- '-*' $current; and set words $words $current
  $words --generate-bash-completion 2>/dev/null
end
complete -c regsnap -a '(__regsnap_complete)'
`
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name: "completion", Category: groupHelp,
		Usage:     "print a script that completes commands, flags, environments, ids and packages",
		ArgsUsage: "bash|zsh|fish",
		Description: `   source <(regsnap completion bash)
   source <(regsnap completion zsh)
   regsnap completion fish > ~/.config/fish/completions/regsnap.fish

Environments come from regsnap.yml; ids and packages from the bucket that the command
line, regsnap.yml or REGSNAP_BUCKET names.`,
		Action: func(c *cli.Context) error {
			script, ok := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Args().First()]
			if !ok {
				return usagef("which shell? regsnap completion bash, zsh or fish")
			}
			_, err := fmt.Fprint(unwrapped(c.App.Writer), script)
			return err
		},
	}
}

// completing is how long a shell waits for what is in a bucket.
const completing = 2 * time.Second

// complete prints what can follow the words of a call, a line each.
func complete(ctx context.Context, app *cli.App, words []string, w io.Writer) {
	ctx, cancel := context.WithTimeout(ctx, completing)
	defer cancel()
	for _, s := range completions(ctx, app, words) {
		fmt.Fprintln(w, s)
	}
}

func completions(ctx context.Context, app *cli.App, words []string) []string {
	last := ""
	if len(words) > 0 {
		last = words[len(words)-1]
	}
	path := commandPath(app, words)
	commands, flags := app.Commands, commonFlags()
	var command *cli.Command
	for _, name := range path {
		command = commandNamed(commands, name)
		commands, flags = command.Subcommands, command.Flags
	}
	k := known{ctx: ctx, words: words}
	if name, isFlag := flagName(last); isFlag {
		if takesValue(append(slices.Clone(flags), allFlags(commands)...), name) && !strings.Contains(last, "=") {
			return k.values(name)
		}
		return beginning(flagNames(append(slices.Clone(flags), &cli.BoolFlag{Name: "help"})), last)
	}
	switch {
	case len(commands) > 0:
		return commandNames(commands)
	case command == nil:
		return nil
	case command.Name == "completion":
		return []string{"bash", "zsh", "fish"}
	case command.Name == "help":
		return append(commandNames(app.Commands), topicNames()...)
	case command.Name == "tag":
		return k.tags()
	case strings.Contains(command.ArgsUsage, "NAME"):
		return k.packages(strings.Contains(command.ArgsUsage, "VERSION"))
	case strings.Contains(command.ArgsUsage, "ID"), strings.Contains(command.ArgsUsage, "OLD NEW"):
		return k.snapshots()
	}
	return nil
}

func beginning(list []string, with string) []string {
	return slices.DeleteFunc(list, func(s string) bool { return !strings.HasPrefix(s, with) })
}

// known finds what the configuration and the bucket of a call have.
type known struct {
	ctx   context.Context
	words []string
}

// flag is the value of a flag in the words of the call.
func (k known) flag(name string) string {
	for i, w := range k.words {
		if n, isFlag := flagName(w); isFlag && n == name {
			if _, value, ok := strings.Cut(w, "="); ok {
				return value
			}
			if i+1 < len(k.words) {
				return k.words[i+1]
			}
		}
	}
	return ""
}

// enumerated are the flags whose values are few.
var enumerated = map[string][]string{
	"spec": {"off", "warn", "error", "strict"}, "overwrite": {overwriteNever, overwriteIfNeeded, overwriteAlways},
	"color": {"auto", "always", "never"}, "level": {"api", "edge", "exact"},
}

func (k known) values(name string) []string {
	if list := enumerated[name]; list != nil {
		return list
	}
	cfg, err := loadConfig(k.ctx, k.configFile(), k.flag("source"))
	if err != nil {
		return nil
	}
	switch name {
	case "env":
		return cfg.names()
	case "branch", "from", "to", "branches":
		return cfg.ownBranches()
	case "snapshot":
		return k.snapshots()
	case "why", "package", "exclude":
		return k.packages(name != "why")
	}
	return nil
}

// bucket opens the bucket of the call; nil if the call has no bucket. The environment is
// that of --env, or the first that is configured.
func (k known) bucket() (*publish.Bucket, string) {
	cfg, err := loadConfig(k.ctx, k.configFile(), k.flag("source"))
	if err != nil {
		return nil, ""
	}
	if b := k.flag("bucket"); b != "" {
		cfg.Bucket = b
	} else if b := fromEnvironment("REGSNAP_BUCKET"); b != "" {
		cfg.Bucket = b
	}
	env := k.flag("env")
	if env == "" && len(cfg.names()) > 0 {
		env = cfg.names()[0]
	}
	b, err := cfg.openBucket(k.ctx, publish.Open)
	if err != nil {
		return nil, ""
	}
	return b, env
}

func (k known) configFile() string {
	if f := k.flag("config"); f != "" {
		return f
	}
	return fromEnvironment("REGSNAP_CONFIG")
}

func (k known) snapshots() []string {
	out := []string{"live", "previous"}
	b, env := k.bucket()
	if b == nil {
		return out
	}
	defer b.Close()
	stored, err := b.Snapshots(k.ctx, env)
	if err != nil {
		return out
	}
	for _, s := range stored[env] {
		out = append(out, s.ID)
	}
	return append(out, tagNames(k.ctx, b, env)...)
}

// tags are those of the environment.
func (k known) tags() []string {
	b, env := k.bucket()
	if b == nil {
		return nil
	}
	defer b.Close()
	return tagNames(k.ctx, b, env)
}

// packages are those that are live, by name or with their versions.
func (k known) packages(versions bool) []string {
	b, env := k.bucket()
	if b == nil {
		return nil
	}
	defer b.Close()
	m, err := b.Live(k.ctx, env)
	if err != nil {
		return nil
	}
	var out []string
	for _, p := range m.Packages {
		if out = append(out, p.Name); versions {
			out = append(out, p.Name+"-"+p.Version)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
