package main

import (
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func TestArrange(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	for typed, want := range map[string]string{
		"":                                      "",
		"status":                                "status",
		"promote nginx-1.6.0 --dry-run":         "promote --dry-run nginx-1.6.0",
		"promote --dry-run nginx-1.6.0":         "promote --dry-run nginx-1.6.0",
		"--config f status":                     "status --config f",
		"--config=f status --json":              "status --config=f --json",
		"rollback abc --env production --json":  "rollback --env production --json abc",
		"inspect /search?a=-b --env production": "inspect --env production /search?a=-b",
		"completion bash -h":                    "completion -h bash",
		"edge cloudflare x --r2 b":              "edge cloudflare --r2 b x",
		"edge --env a cloudflare":               "edge cloudflare --env a",
		"lint -- --odd":                         "lint -- --odd",
		"lint a -- --odd --json":                "lint -- a --odd --json",
		"--version":                             "version",
		"-v":                                    "version",
		"--version --json":                      "version --json",
		"--help":                                "--help",
		"biuld --env a":                         "biuld --env a",
		"status --evn a":                        "status --evn a",
		"promote - --dry-run":                   "promote --dry-run -",
		"build --env":                           "build --env",
		"status --generate-bash-completion":     "status --generate-bash-completion",
		"rollback a --generate-bash-completion": "rollback a --generate-bash-completion",
	} {
		got, _ := arrange(app, append([]string{"regsnap"}, strings.Fields(typed)...))
		if s := strings.Join(got[1:], " "); s != want {
			t.Errorf("%q becomes %q, want %q", typed, s, want)
		}
	}
}

// TestArrangeAnyOrder: however the words of a call are mixed, as long as a flag
// keeps its value and arguments their order, the command sees the same call.
func TestArrangeAnyOrder(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range leaves(app.Commands, nil) {
		for range 20 {
			var flags [][]string
			for _, f := range c.command.Flags {
				if r.IntN(2) == 0 {
					continue
				}
				word := "--" + f.Names()[0]
				if _, isSwitch := f.(*cli.BoolFlag); isSwitch {
					flags = append(flags, []string{word})
				} else if r.IntN(2) == 0 {
					flags = append(flags, []string{word + "=1"})
				} else {
					flags = append(flags, []string{word, "1"})
				}
			}
			words := [][]string{{"a"}, {"b"}}
			want := slices.Concat([]string{"regsnap"}, c.path, slices.Concat(flags...), []string{"a", "b"})
			for i := len(flags) - 1; i >= 0; i-- { // each goes somewhere behind those before it
				at := r.IntN(len(words) + 1)
				words = slices.Insert(words, at, flags[i])
			}
			typed := slices.Concat([]string{"regsnap"}, c.path, slices.Concat(words...))
			got, _ := arrange(app, typed)
			slices.Sort(got[1+len(c.path) : len(got)-2])
			slices.Sort(want[1+len(c.path) : len(want)-2])
			if !slices.Equal(got, want) {
				t.Fatalf("%q becomes %q, want %q", typed, got, want)
			}
		}
	}
}

type leaf struct {
	path    []string
	command *cli.Command
}

// leaves are the commands that do something.
func leaves(commands []*cli.Command, above []string) []leaf {
	var out []leaf
	for _, c := range commands {
		path := append(slices.Clone(above), c.Name)
		if len(c.Subcommands) > 0 {
			out = append(out, leaves(c.Subcommands, path)...)
		} else {
			out = append(out, leaf{path, c})
		}
	}
	return out
}

// TestSwitchesAreSwitchesEverywhere: a flag before its command can only be read
// if it takes a value in every command that has it, or in none.
func TestSwitchesAreSwitchesEverywhere(t *testing.T) {
	isSwitch := map[string]bool{}
	for _, f := range allFlags(newApp(io.Discard, io.Discard).Commands) {
		_, now := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			if before, known := isSwitch[name]; known && before != now {
				t.Errorf("--%s takes a value in one command and none in another", name)
			}
			isSwitch[name] = now
		}
	}
}

func TestDidYouMean(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	for typed, want := range map[string]string{
		"biuld": "build", "publsh": "publish", "rolback": "rollback", "statsu": "status", "histroy": "history", "verfy": "verify",
		"prnue": "prune", "promot": "promote", "inspet": "inspect", "mirorr": "mirror", "exprot": "export", "lnit": "lint",
		"xyzzy": "", "q": "",
	} {
		got := didYouMean(typed, commandNames(app.Commands))
		if want != "" {
			want = " (did you mean " + want + "?)"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
	for typed, want := range map[string]string{"--evn": "--env", "--buket": "--bucket", "--jsno": "--json", "--sorce": "--source"} {
		if got := didYouMean(typed, flagNames(allFlags(app.Commands))); got != " (did you mean "+want+"?)" {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}
