package main

import (
	"bytes"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/urfave/cli/v2"
	"golang.org/x/term"
)

// screen is how output looks: how wide it may be, and whether it has colour.
type screen struct {
	// width is how many columns there are; 0 sets no bound, as in a pipe.
	width  int
	colour bool
}

// Colours of the terminal's own palette, so that they fit light and dark.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func (s screen) paint(colour, text string) string {
	if !s.colour || text == "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// choices are the options that concern every command. They are looked for in the
// words of a call before it is parsed: errors in it are shown by them too.
type choices struct {
	verbose, quiet, json bool
	colour               string
}

func choicesOf(args []string) choices {
	c := choices{colour: "auto"}
	for i, word := range args {
		name, isFlag := flagName(word)
		_, value, attached := strings.Cut(word, "=")
		switch {
		case word == "--":
			return c
		case !isFlag:
		case name == "verbose" || name == "v" && i > 1:
			c.verbose = value != "false"
		case name == "quiet" || name == "q":
			c.quiet = value != "false"
		case name == "json":
			c.json = value != "false"
		case name == "color" && attached:
			c.colour = value
		case name == "color" && i+1 < len(args):
			c.colour = args[i+1]
		}
	}
	return c
}

// screenFor finds out how output to w should look. NO_COLOR: https://no-color.org
func screenFor(w io.Writer, colour string) screen {
	s := screen{}
	f, terminal := w.(*os.File)
	terminal = terminal && term.IsTerminal(int(f.Fd()))
	if terminal {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			s.width = width
		}
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		s.width = n
	}
	switch colour {
	case "always":
		s.colour = true
	case "never":
	default:
		s.colour = terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return s
}

const (
	screenKey      = "screen"
	errorScreenKey = "error screen"
)

// fromEnvironment is a variable of the environment.
func fromEnvironment(name string) string { return os.Getenv(name) }

// screenOf is how the results of a command should look.
func screenOf(c *cli.Context) screen {
	s, _ := c.App.Metadata[screenKey].(screen)
	return s
}

// errorScreenOf is screenOf for what goes to standard error.
func errorScreenOf(c *cli.Context) screen {
	s, _ := c.App.Metadata[errorScreenKey].(screen)
	return s
}

var escapes = regexp.MustCompile("\x1b\\[[0-9;]*m")

// columns is how much room a text takes.
func columns(s string) int { return uniseg.StringWidth(escapes.ReplaceAllString(s, "")) }

// shorten cuts a text to a number of columns.
func shorten(s string, room int) string {
	if columns(s) <= room {
		return s
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(s); g.Next(); used += g.Width() {
		if used+g.Width() > room-1 {
			break
		}
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// wrapped is a writer that breaks lines between words where they would not fit.
// Lines that can be pasted into a shell stay whole.
type wrapped struct {
	to    io.Writer
	width int
	rest  []byte
}

// unwrapped is what a writer writes to in the end.
func unwrapped(w io.Writer) io.Writer {
	if x, ok := w.(*wrapped); ok {
		return x.to
	}
	return w
}

func (w *wrapped) Write(p []byte) (int, error) {
	w.rest = append(w.rest, p...)
	for {
		at := bytes.IndexByte(w.rest, '\n')
		if at < 0 {
			return len(p), nil
		}
		line := string(w.rest[:at])
		w.rest = w.rest[at+1:]
		if _, err := io.WriteString(w.to, strings.Join(broken(line, w.width), "\n")+"\n"); err != nil {
			return 0, err
		}
	}
}

// flush writes what no line break has ended.
func (w *wrapped) flush() {
	_, _ = w.to.Write(w.rest) // a reader that is gone is no error
	w.rest = nil
}

// pasted begin the lines that are commands.
var pasted = []string{"regsnap ", "git ", "gh ", "curl ", "docker "}

// broken breaks a line into those that fit.
func broken(line string, width int) []string {
	text := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(text)]
	if columns(line) <= width || slices.ContainsFunc(pasted, func(p string) bool { return indent != "" && strings.HasPrefix(text, p) }) {
		return []string{line}
	}
	var out []string
	now := indent
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0:
			now += word
		case columns(now)+1+columns(word) <= width:
			now += " " + word
		default:
			out = append(out, now)
			now = indent + "    " + word
		}
	}
	return append(out, now)
}
