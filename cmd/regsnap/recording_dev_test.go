package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// authorsRecording is the session at a terminal that docs/authors.md shows.
const authorsRecording = "../../docs/authors.svg"

// developed are its commands, and what regsnap dev, which runs beside them, says last of
// each. A file is saved as editors do it: a new one takes the place of the old one.
var developed = []struct{ command, until string }{
	{"sed 's/^title: .*/title: Good morning/' good.yml > new.yml && mv new.yml packages/hello/1.0.0/manifest.yml", "rebuilt in"},
	{"curl -s 'localhost:8080/search?prerelease=true' | grep title", ""},
	{"grep -v ^description good.yml > new.yml && mv new.yml packages/hello/1.0.0/manifest.yml", "shown as before"},
	{"cp good.yml new.yml && mv new.yml packages/hello/1.0.0/manifest.yml", "all packages are valid"},
	{"regsnap lint packages/hello 2>&1 | head -1", ""},
}

// TestRecordingOfDev runs the commands beside a live registry, and holds the picture to
// what is printed: every line, but for the time of day and how long something took.
func TestRecordingOfDev(t *testing.T) {
	dir := t.TempDir()
	manifest := "format_version: 1.0.0\nname: hello\ntitle: Hello\nversion: 1.0.0\ndescription: A first package.\ntype: integration\nowner.github: example/hello\n"
	for name, content := range map[string]string{
		"packages/hello/1.0.0/manifest.yml": manifest, "good.yml": manifest, "packages/hello/1.0.0/docs/README.md": "# Hello\n",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	said := &transcript{}
	dev := exec.CommandContext(t.Context(), "regsnap", "dev", "--listen", "127.0.0.1:0")
	dev.Dir, dev.Stderr = dir, said
	dev.Cancel = func() error { return dev.Process.Signal(os.Interrupt) }
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = dev.Process.Signal(os.Interrupt)
		_ = dev.Wait() // it ends by the signal
	}()
	lines := append([]string{"$ regsnap dev &"}, said.next(t, " built in")...)
	_, after, _ := strings.Cut(lines[1], "serving on ")
	address, _, _ := strings.Cut(after, ";")
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatalf("%v in %q", err, lines)
	}
	for _, step := range developed {
		lines = append(lines, "$ "+step.command)
		cmd := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(step.command, ":8080", ":"+port)+" 2>&1")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s\n%s", step.command, err, out, said)
		}
		if len(out) > 0 {
			lines = append(lines, strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")...)
		}
		if step.until != "" {
			lines = append(lines, said.next(t, step.until)...)
		}
	}
	// A machine that is slow says how long clients waited.
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Contains(line, " answering clients after ") })
	for i := range lines {
		lines[i] = strings.ReplaceAll(lines[i], ":"+port, ":8080")
	}
	holdPicture(t, authorsRecording, terminalPicture("A session at a terminal: a package is edited, broken and mended while regsnap dev shows it", lines),
		`"title": "Good morning"`, "grep -v ^description", "all packages are valid")
}

// transcript keeps what a program says while it runs.
type transcript struct {
	mu   sync.Mutex
	text string
	read int
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text += string(p)
	return len(p), nil
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text
}

// next waits until a line with a text was said, and is what was said since the last time.
func (w *transcript) next(t *testing.T, until string) []string {
	t.Helper()
	for {
		text := w.String()
		fresh := text[w.read:]
		if at := strings.Index(fresh, until); at >= 0 {
			if end := strings.IndexByte(fresh[at:], '\n'); end >= 0 {
				w.read += at + end + 1
				return strings.Split(fresh[:at+end], "\n")
			}
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("not said: %q\n%s", until, text)
		case <-time.After(5 * time.Millisecond):
		}
	}
}
