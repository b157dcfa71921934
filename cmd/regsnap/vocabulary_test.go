package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"
)

// reading are the commands that write nothing: not to a bucket, nor to a
// repository, nor files. All others have --dry-run.
var reading = []string{
	"serve", "inspect", "status", "history", "diff", "lint", "audit", "board", "check", "health", "version", "completion",
	"doctor", "find", "help", "man", "dev",
}

// silent are the commands whose result is not data.
var silent = []string{"serve", "dev", "health", "completion", "help", "man"}

// sense is the meaning of a flag, without what is special to a command.
func sense(f cli.Flag) string {
	text := f.(cli.DocGenerationFlag).GetUsage()
	if at := strings.IndexAny(text, "(;"); at >= 0 {
		text = text[:at]
	}
	return strings.TrimSpace(text)
}

// TestVocabulary holds every command's flags to one vocabulary: a name has one
// meaning, one kind of value, the same short name and the same variables in the
// environment, wherever it is.
func TestVocabulary(t *testing.T) {
	type use struct{ where, kind, sense, names, env string }
	first := map[string]use{}
	for _, l := range leaves(newApp(io.Discard, io.Discard).Commands, nil) {
		where := strings.Join(l.path, " ")
		for _, f := range l.command.Flags {
			name := f.Names()[0]
			u := use{where, fmt.Sprintf("%T", f), sense(f), strings.Join(f.Names(), " "), strings.Join(f.(cli.DocGenerationFlag).GetEnvVars(), " ")}
			if g, ok := f.(*cli.GenericFlag); ok {
				u.kind += fmt.Sprintf(" %T", g.Value)
			}
			before, known := first[name]
			if !known {
				first[name] = u
				continue
			}
			u.where = before.where
			if u != before {
				t.Errorf("--%s is one thing in %s and another in %s:\n%+v\n%+v", name, before.where, where, before, u)
			}
		}
	}
	if len(first) < 60 {
		t.Errorf("only %d flags were looked at", len(first))
	}
}

// TestVocabularyRules: what goes together, and how flags are named.
func TestVocabularyRules(t *testing.T) {
	for _, l := range leaves(newApp(io.Discard, io.Discard).Commands, nil) {
		where, has := strings.Join(l.path, " "), func(name string) bool { return hasFlag(l.command, name) }
		want := func(ok bool, rule string) {
			if !ok {
				t.Errorf("%s: %s", where, rule)
			}
		}
		want(has("dry-run") == !slices.Contains(reading, l.path[0]), "what writes has --dry-run, what only reads has none")
		want(has("json") || slices.Contains(silent, l.path[0]), "has no --json")
		want(has("quiet"), "has no --quiet")
		want(has("by") == has("reason"), "--by and --reason go together")
		want(!has("publish") || has("allow-older"), "what goes live can be told to go back: --allow-older")
		want(!has("bucket") || has("config"), "--bucket may be in --config")
		want(!has("source") || has("config"), "--source may be in --config")
		want(!regexp.MustCompile(`\b(ID|SNAPSHOT)\b`).MatchString(l.command.ArgsUsage) || has("snapshot"), "a snapshot as an argument is --snapshot as well")
		for _, f := range l.command.Flags {
			name, usage := f.Names()[0], f.(cli.DocGenerationFlag).GetUsage()
			_, isDuration := f.(*cli.DurationFlag)
			want(!isDuration, "--"+name+" is a length of time: timeFlag knows days")
			want(!strings.HasSuffix(name, "-days") && !strings.HasSuffix(name, "-seconds"), "--"+name+" has its unit in its value, not in its name")
			want(strings.Contains(usage, "at most") == strings.HasPrefix(name, "max-"), "--"+name+": a bound is called max-…, and says \"at most\"")
			want(name == strings.ToLower(name) && !strings.Contains(name, "_"), "--"+name+" is in small letters, with hyphens")
			want(usage != "" && !strings.HasSuffix(usage, "."), "--"+name+": its usage is a phrase")
			takes := f.(cli.DocGenerationFlag).TakesValue()
			want(takes == (strings.Count(usage, "`") == 2), "--"+name+": a value has a name in backquotes, and a switch has none")
			_, _, err := splitPlaceholder(usage)
			want(err == nil, "--"+name+": the name of a value is in capitals")
		}
	}
}

func splitPlaceholder(usage string) (before, name string, err error) {
	parts := strings.Split(usage, "`")
	if len(parts) == 3 && parts[1] != strings.ToUpper(parts[1]) {
		err = fmt.Errorf("%s", parts[1])
	}
	return parts[0], parts[min(1, len(parts)-1)], err
}

// TestRenamedFlags: an old name is one no more, its new one is there, and a call
// with the old one becomes that with the new one, however it is written.
func TestRenamedFlags(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	commands := map[string]*cli.Command{}
	for _, l := range leaves(app.Commands, nil) {
		commands[strings.Join(l.path, " ")] = l.command
	}
	for _, r := range renamedFlags {
		c := commands[r.command]
		if c == nil || hasFlag(c, r.old) || !hasFlag(c, r.now) {
			t.Errorf("%s: --%s, now --%s", r.command, r.old, r.now)
			continue
		}
		path := strings.Fields(r.command)
		for _, typed := range [][]string{
			slices.Concat(path, r.oldWords(false)), slices.Concat(path, r.oldWords(true)), slices.Concat(path, []string{"x"}, r.oldWords(false)),
		} {
			got, notices := arrange(app, append([]string{"regsnap"}, typed...))
			text := strings.ReplaceAll(strings.Join(got, " "), "=", " ")
			want := "--" + r.now + " 7" + r.unit
			if r.isSwitch {
				want = "--" + r.now + " " + r.value
			}
			if !strings.Contains(text, want) || len(notices) != 1 || !strings.Contains(notices[0], "--"+r.now) {
				t.Errorf("%q becomes %q, with the notices %q", typed, got, notices)
			}
		}
		if got, notices := arrange(app, slices.Concat([]string{"regsnap"}, path, []string{"--", "--" + r.old})); len(notices) != 0 || got[len(got)-1] != "--"+r.old {
			t.Errorf("behind --, %q becomes %q %q", r.old, got, notices)
		}
	}
}

func (r renamed) oldWords(attached bool) []string {
	switch {
	case r.isSwitch:
		return []string{"--" + r.old}
	case attached:
		return []string{"--" + r.old + "=7"}
	}
	return []string{"--" + r.old, "7"}
}

func TestParseTime(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "10s": 10 * time.Second, "1h30m": 90 * time.Minute, "14d": 14 * day, "2w": 14 * day, "1d12h": 36 * time.Hour,
		"1.5d": 36 * time.Hour, "1w1d": 8 * day, "250ms": 250 * time.Millisecond, "36h": 36 * time.Hour, "0d": 0,
	} {
		got, err := parseTime(text)
		if err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
		if again, err := parseTime(timeText(want)); err != nil || again != want {
			t.Errorf("%s is written %q, which is read as %s, %v", want, timeText(want), again, err)
		}
	}
	for _, text := range []string{"", "d", "1", "-1d", "1d-1h", "1d1d", "1d1w", "1h1d", "1y", "1 d", "14days", "99999d", "d1", "1d ", "∞"} {
		if got, err := parseTime(text); err == nil {
			t.Errorf("%q is read as %s", text, got)
		}
	}
	for d, want := range map[time.Duration]string{0: "0s", time.Hour: "1h", 30 * day: "30d", 36 * time.Hour: "1d12h", 10 * time.Second: "10s", 90 * time.Minute: "1h30m"} {
		if got := timeText(d); got != want {
			t.Errorf("%d is written %q, want %q", d, got, want)
		}
	}
}
