package durable_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/regsnap/regsnap/internal/durable"
)

// TestWriteFile: a file is replaced as a whole, anyone may read it, and nothing
// else stays in its folder.
func TestWriteFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "live")
	for _, body := range []string{"one", "", "a longer one than before"} {
		if err := durable.WriteFile(name, "*.new", strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
		holds(t, name, body)
	}
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o644 {
		t.Errorf("mode %v, %v; want 0644", info.Mode(), err)
	}
}

// TestFailures: whatever fails, the file stays as it was, and the error says why.
func TestFailures(t *testing.T) {
	broken := errors.New("the source broke")
	for what, write := range map[string]func(name string) error{
		"a body that breaks": func(name string) error {
			return durable.WriteFile(name, "*.new", io.MultiReader(strings.NewReader("half"), iotest.ErrReader(broken)))
		},
		"a file that was closed": func(name string) error {
			f, err := os.CreateTemp(filepath.Dir(name), "*.new")
			if err != nil {
				return err
			}
			f.Close()
			return durable.Keep(f, name)
		},
		"a name in no folder": func(name string) error {
			f, err := os.CreateTemp(filepath.Dir(name), "*.new")
			if err != nil {
				return err
			}
			return durable.Keep(f, filepath.Join(name, "below a file"))
		},
		"no folder": func(name string) error {
			return durable.WriteFile(filepath.Join(filepath.Dir(name), "none", "live"), "*.new", strings.NewReader("x"))
		},
	} {
		t.Run(what, func(t *testing.T) {
			name := filepath.Join(t.TempDir(), "live")
			if err := os.WriteFile(name, []byte("as before"), 0o644); err != nil {
				t.Fatal(err)
			}
			err := write(name)
			if err == nil {
				t.Error("no error")
			}
			if what == "a body that breaks" && !errors.Is(err, broken) {
				t.Errorf("the error is %v", err)
			}
			holds(t, name, "as before")
		})
	}
}

// holds checks a file's content, and that it is alone in its folder.
func holds(t *testing.T, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
}
