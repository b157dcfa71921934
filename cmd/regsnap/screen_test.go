package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
)

// TestTableFits: whatever is in a table, no line of it is wider than the screen,
// and where there is room nothing is shortened or left out.
func TestTableFits(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	word := func() string {
		letters := []string{"a", "b", "-", "手", "é", "😀", "W", " "}
		var b strings.Builder
		for range r.IntN(30) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		return strings.TrimSpace(b.String())
	}
	for range 500 {
		table := table{indent: strings.Repeat(" ", r.IntN(3))}
		for range 1 + r.IntN(8) {
			table.columns = append(table.columns, column{title: strings.ToUpper(word()), right: r.IntN(4) == 0, least: r.IntN(2) * (4 + r.IntN(8)), drop: r.IntN(4)})
		}
		for range 1 + r.IntN(5) {
			row := make([]cell, r.IntN(len(table.columns)+1))
			for i := range row {
				row[i].text = word()
				if r.IntN(3) == 0 {
					row[i].short = shorten(row[i].text, 3)
				}
			}
			table.row(row...)
		}
		for _, width := range []int{0, 40, 80, 140, 1000} {
			var out strings.Builder
			if err := table.write(&out, screen{width: width, colour: r.IntN(2) == 0}); err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(out.String()) {
				if n := columns(strings.TrimRight(line, "\n")); width > 0 && n > width {
					t.Fatalf("%d columns on a screen of %d: %q", n, width, line)
				}
			}
			if width == 0 || width == 1000 {
				for _, row := range table.rows {
					for _, c := range row {
						if !strings.Contains(out.String(), c.text) {
							t.Fatalf("%q is not in\n%s", c.text, out.String())
						}
					}
				}
			}
		}
	}
}

// TestBroken: lines that do not fit are broken between words, and nothing is lost.
func TestBroken(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for range 500 {
		line := strings.Repeat(" ", r.IntN(4))
		for range r.IntN(40) {
			line += strings.Repeat("x", 1+r.IntN(12)) + " "
		}
		line = strings.TrimRight(line, " ")
		parts := broken(line, 40)
		for _, p := range parts {
			if columns(p) > 40 {
				t.Fatalf("%q is too wide", p)
			}
		}
		if !slices.Equal(strings.Fields(strings.Join(parts, " ")), strings.Fields(line)) {
			t.Fatalf("%q becomes %q", line, parts)
		}
	}
	command := "   regsnap publish --source git:PATH --env production 20240506T070809Z-0123456789ab"
	if got := broken(command, 40); len(got) != 1 {
		t.Errorf("a command is broken: %q", got)
	}
}

func TestScreen(t *testing.T) {
	t.Setenv("COLUMNS", "80")
	t.Setenv("NO_COLOR", "")
	for _, test := range []struct {
		choice string
		want   bool
	}{{"auto", false}, {"always", true}, {"never", false}} {
		if s := screenFor(io.Discard, test.choice); s.colour != test.want || s.width != 80 {
			t.Errorf("%s: %+v", test.choice, s)
		}
	}
	os.Unsetenv("COLUMNS")
	if s := screenFor(io.Discard, "auto"); s.width != 0 {
		t.Errorf("a pipe is %d wide", s.width)
	}
	if got := (screen{}).paint(red, "x"); got != "x" {
		t.Errorf("%q", got)
	}
}

func TestGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1041579: "1,041,579", -12345: "-12,345", 100000: "100,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is written %s", n, got)
		}
	}
}

// TestReport: an error is a line or more for people, or one object for programs.
func TestReport(t *testing.T) {
	ctx := context.Background()
	trouble := &store.Trouble{Place: "s3://b", Kind: "region", Problem: "no region is set", Advice: "set it", Err: errors.New("operation error S3")}
	for _, test := range []struct {
		err  error
		ch   choices
		want string
	}{
		{errors.Join(errors.New("one"), usagef("two")), choices{}, "regsnap: one\nregsnap: two\n"},
		{errors.Join(errReported, errDamaged), choices{}, ""},
		{fmt.Errorf("list: %w", trouble), choices{}, "regsnap: list: s3://b: no region is set: set it\nregsnap: --verbose shows every request, and what the store said\n"},
		{trouble, choices{verbose: true}, "regsnap: s3://b: no region is set: set it\nregsnap: the store's own words: operation error S3\n"},
	} {
		var out strings.Builder
		report(ctx, test.err, &out, test.ch, screen{})
		if out.String() != test.want {
			t.Errorf("%v is\n%swant\n%s", test.err, out.String(), test.want)
		}
		out.Reset()
		code := report(ctx, test.err, &out, choices{json: true}, screen{})
		var got struct{ Error failure }
		if err := json.Unmarshal([]byte(out.String()), &got); err != nil || got.Error.ExitCode != code || got.Error.Kind != kindOf(code) || got.Error.Message == "" {
			t.Errorf("%v is %s (%v)", test.err, out.String(), err)
		}
	}
}

// TestAnswered: only yes is yes.
func TestAnswered(t *testing.T) {
	for text, want := range map[string]bool{"y\n": true, "YES\n": true, " yes ": true, "\n": false, "": false, "no\n": false, "yess\n": false} {
		if err := answered(strings.NewReader(text), io.Discard, "?"); (err == nil) != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestTeller: what fails often is said once a second, and what is silent now and then.
func TestTeller(t *testing.T) {
	var out strings.Builder
	tell := &teller{w: &out}
	for n := 1; n < 5; n++ {
		tell.tell(store.Notice{Place: "s3://b", Request: "read k", Err: io.EOF, Attempt: n, Of: 10, Pause: 1500 * time.Millisecond})
		tell.tell(store.Notice{Place: "s3://b", Request: "read k", Silent: time.Second})
		tell.tell(store.Notice{Place: "s3://b", Request: "read k", Took: time.Second})
	}
	want := "s3://b: the connection was lost; trying again in 1.5 s (2 of 10)\ns3://b: no answer to read k yet, still waiting\n"
	if out.String() != want {
		t.Errorf("says\n%s", out.String())
	}
}

// TestHelp: every command is in a group, and every topic says something.
func TestHelp(t *testing.T) {
	app := newApp(io.Discard, io.Discard)
	for _, c := range app.Commands {
		if c.Category == "" {
			t.Errorf("%s is in no group", c.Name)
		}
	}
	for _, topic := range topics {
		var out strings.Builder
		if run(t.Context(), []string{"regsnap", "help", topic.name}, &out, io.Discard) != 0 || strings.Count(out.String(), "\n") < 8 {
			t.Errorf("help %s says\n%s", topic.name, out.String())
		}
	}
	var page strings.Builder
	if run(t.Context(), []string{"regsnap", "man"}, &page, io.Discard) != 0 || !strings.HasPrefix(page.String(), ".") || !strings.Contains(page.String(), "rollback") {
		t.Errorf("the manual page is\n%.200s", page.String())
	}
}

// TestCompletions: what can come next is offered.
func TestCompletions(t *testing.T) {
	t.Chdir(t.TempDir())
	app := newApp(io.Discard, io.Discard)
	for typed, want := range map[string]string{
		"": "build", "build --env": "staging", "status --en": "--env", "rollback --snapshot": "previous", "rollback": "live", "edge": "cloudfront",
		"completion": "fish", "help": "exit-codes", "promote --to": "production", "check --level": "exact", "lint --color": "never",
		"publish --env production": "live", "--config x status --ver": "--verbose", "inspect --env=production --snapshot": "live",
	} {
		if got := completions(t.Context(), app, strings.Fields(typed)); !slices.Contains(got, want) {
			t.Errorf("%q offers %q, want %s among them", typed, got, want)
		}
	}
	for _, typed := range []string{"build --bucket", "export", "status --nonsense"} {
		if got := completions(t.Context(), app, strings.Fields(typed)); len(got) > 0 {
			t.Errorf("%q offers %q", typed, got)
		}
	}
}
