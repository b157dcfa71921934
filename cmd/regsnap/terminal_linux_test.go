package main

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// terminal is one that a command of this process writes to and reads from.
type terminal struct {
	program *os.File
	seen    chan string
}

// lastLine is what a test writes when the program is through.
const lastLine = "(the end)\n"

// newTerminal makes a terminal of a width, on which someone has typed lines already.
func newTerminal(t *testing.T, width int, typed string) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile("/dev/pts/"+strconv.Itoa(number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: uint16(width)}); err != nil {
		t.Fatal(err)
	}
	settings, err := unix.IoctlGetTermios(int(program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	settings.Lflag &^= unix.ECHO
	settings.Oflag &^= unix.OPOST
	if err := unix.IoctlSetTermios(int(program.Fd()), unix.TCSETS, settings); err != nil {
		t.Fatal(err)
	}
	if _, err := person.WriteString(typed); err != nil {
		t.Fatal(err)
	}
	x := &terminal{program: program, seen: make(chan string, 1)}
	go func() {
		var all []byte
		for part := make([]byte, 4096); !bytes.HasSuffix(all, []byte(lastLine)); {
			n, err := person.Read(part)
			if all = append(all, part[:n]...); err != nil {
				break
			}
		}
		x.seen <- strings.TrimSuffix(string(all), lastLine)
		person.Close()
		program.Close()
	}()
	return x
}

// text is what the program has written, which does so no more.
func (x *terminal) text(t *testing.T) string {
	t.Helper()
	if _, err := x.program.WriteString(lastLine); err != nil {
		t.Fatal(err)
	}
	return <-x.seen
}

// onTerminal runs a command whose outputs and input are a terminal.
func onTerminal(t *testing.T, s store.Store, width int, typed string, args ...string) (code int, text string) {
	t.Helper()
	x := newTerminal(t, width, typed)
	input := os.Stdin
	os.Stdin = x.program
	defer func() { os.Stdin = input }()
	ctx := context.WithValue(t.Context(), opening{}, func(string) (*publish.Bucket, error) { return publish.In(unclosed{s}), nil })
	code = run(ctx, append([]string{"regsnap"}, args...), x.program, x.program)
	return code, x.text(t)
}

// TestAsked: what takes something away asks a person first, and does it if the answer is yes.
func TestAsked(t *testing.T) {
	w := newTwoBuilds(t)
	whole := strings.TrimPrefix(w.bucket, "file://")
	const in = " --bucket gs://b --env production"
	const prune = "prune --bucket gs://b --keep-last 0 --keep-within 0s --grace 0s --retire production --config "
	config := t.TempDir() + "/regsnap.yml"
	if err := os.WriteFile(config, []byte("environments:\n  other:\n    branches: [production]\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command, typed string
		asked          int
		code           int
		done           bool
	}{
		{"rollback" + in, "y\n", 1, 0, true}, {"rollback" + in, "YES \n", 1, 0, true}, {"rollback" + in, "n\n", 1, 1, false}, {"rollback" + in, "\n", 1, 1, false}, {"rollback" + in, "yess\n", 1, 1, false},
		{"rollback --yes" + in, "n\n", 0, 0, true}, {"rollback -y" + in, "n\n", 0, 0, true}, {"rollback --json" + in, "n\n", 0, 0, true}, {"rollback --dry-run" + in, "y\n", 0, 0, false}, {"rollback" + in + " live", "y\n", 0, 0, false},
		{prune + config, "y\n", 1, 0, true}, {prune + config, "n\n", 1, 1, false}, {prune + config + " --yes", "n\n", 0, 0, true}, {prune + config + " --json", "n\n", 0, 0, true}, {prune + config + " --dry-run", "y\n", 0, 0, false},
		{"prune --bucket gs://b", "n\n", 0, 0, false}, // there is nothing to delete
	} {
		s := memoryStore(t, whole)
		before := storeText(t, s)
		code, text := onTerminal(t, s, 200, c.typed, strings.Fields(c.command)...)
		after := storeText(t, s)
		if code != c.code || strings.Count(text, "? [y/N] ") != c.asked || (before != after) != c.done {
			t.Errorf("%s, %q: exit code %d, changed %v\n%s", c.command, c.typed, code, before != after, text)
		}
		if c.asked == 1 && strings.HasPrefix(c.command, "prune") && (strings.Count(text, "to delete; ") != 1 || c.done && !strings.Contains(text, "deleted\n") || !c.done && !strings.Contains(text, "nothing was changed")) {
			t.Errorf("%s, %q: %s", c.command, c.typed, text)
		}
	}
	if code, text := onTerminal(t, memoryStore(t, whole), 200, "", "prune", "--bucket", "gs://b"); code != 0 || !strings.HasSuffix(text, "nothing to delete\n") {
		t.Errorf("%d %s", code, text)
	}
	// init asks for what no flag says.
	dir := t.TempDir()
	code, text := onTerminal(t, nil, 200, "file:///b\nexample.org\n\n", "init", "--dir", dir)
	if written, err := os.ReadFile(dir + "/regsnap.yml"); code != 0 || err != nil || strings.Count(text, "> ") != 3 || !strings.Contains(string(written), `bucket: "file:///b"`) {
		t.Errorf("%d %v %s", code, err, text)
	}
}

// storeText is all that a store has.
func storeText(t *testing.T, s store.Store) string {
	t.Helper()
	var b strings.Builder
	for o, err := range s.List(t.Context(), "") {
		body, _, e := s.Load(t.Context(), o.Key)
		if err != nil || e != nil {
			t.Fatal(err, e)
		}
		b.WriteString(o.Key + " " + string(body) + "\n")
	}
	return b.String()
}

// TestTerminal: on a terminal output has colour, fits, and says how far work is in a line that
// is drawn over.
func TestTerminal(t *testing.T) {
	w := newTwoBuilds(t)
	whole := strings.TrimPrefix(w.bucket, "file://")
	registry := registryOf(t, w.bucket, "production")
	const colour, cleared = "\x1b[32m", "\x1b[K"
	for _, c := range []struct {
		command  string
		width    int
		env      string
		has, not []string
	}{
		{"status --bucket gs://b", 200, "", []string{colour, w.second}, []string{cleared}},
		{"status --bucket gs://b", 60, "", []string{colour, shortID(w.second)}, []string{w.second}},
		{"status --bucket gs://b", 60, "COLUMNS=200", []string{w.second}, nil},
		{"status --bucket gs://b", 200, "NO_COLOR=1", nil, []string{colour}},
		{"status --bucket gs://b", 200, "TERM=dumb", nil, []string{colour}},
		{"status --bucket gs://b --color never", 200, "", nil, []string{colour}},
		{"status --bucket gs://b --color always", 200, "NO_COLOR=1", []string{colour}, nil},
		{"status --json --bucket gs://b", 20, "", []string{w.second}, []string{colour}},
		{"status --bucket gs://b --env none", 200, "", []string{"\x1b[31mregsnap:"}, nil},
		{"verify --bucket gs://b --env production", 200, "", []string{cleared, " of ", ": sound"}, nil},
		{"verify --quiet --bucket gs://b --env production", 200, "", []string{": sound"}, []string{cleared}},
		{"verify --json --bucket gs://b --env production", 200, "", []string{`"sound": true`}, []string{cleared}},
		{"status --watch --max-rate 100000 --timeout 0s --bucket gs://b --env production --edge " + registry, 200, "", []string{"SHOWS", colour, "the host shows what is live"}, []string{"UTC production"}},
		{"status --watch --max-rate 100000 --timeout 0s --bucket gs://b --env production --edge " + registry, 200, "TERM=dumb", []string{"UTC production"}, []string{"SHOWS"}},
		{"status --watch --json --max-rate 100000 --timeout 0s --bucket gs://b --env production --edge " + registry, 200, "", []string{`"at":`}, []string{"SHOWS", "the host shows"}},
	} {
		t.Setenv("TERM", "xterm")
		for _, name := range []string{"NO_COLOR", "COLUMNS"} {
			t.Setenv(name, "")
		}
		if name, value, ok := strings.Cut(c.env, "="); ok {
			t.Setenv(name, value)
		}
		_, text := onTerminal(t, memoryStore(t, whole), c.width, "", strings.Fields(c.command)...)
		for _, part := range c.has {
			if !strings.Contains(text, part) {
				t.Errorf("%s, %d columns, %s: no %q in\n%q", c.command, c.width, c.env, part, text)
			}
		}
		for _, part := range c.not {
			if strings.Contains(text, part) {
				t.Errorf("%s, %d columns, %s: %q is in\n%q", c.command, c.width, c.env, part, text)
			}
		}
	}
}
