package testtools

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// counted is a tool whose installation fails a number of times before it works.
type counted struct{ failures, attempts *atomic.Int64 }

func newCounted(failures int64) counted {
	c := counted{new(atomic.Int64), new(atomic.Int64)}
	c.failures.Store(failures)
	return c
}

func (counted) system() (Place, bool)                 { return Place{}, false }
func (counted) version(module string) ([]byte, error) { return contents(module, "go.mod") }
func (counted) place(dir string) Place {
	return Place{Program: filepath.Join(dir, "program"), Root: dir}
}

func (c counted) install(_ context.Context, _, dir, _ string) error {
	c.attempts.Add(1)
	if err := os.WriteFile(filepath.Join(dir, "program"), nil, 0o777); err != nil {
		return err
	}
	if c.failures.Add(-1) >= 0 {
		return errors.New("interrupted half-way")
	}
	return nil
}

func TestInstall(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	method := newCounted(1)
	tool := Tool{"a tool", method}
	if _, err := tool.find(); err == nil || !strings.Contains(err.Error(), `run "make tools"`) {
		t.Errorf("a missing tool: %v, want an error that names the command", err)
	}
	other := Tool{"another", newCounted(0)}
	err := Install(t.Context(), io.Discard, tool, other)
	if err == nil || !strings.Contains(err.Error(), "a tool: interrupted half-way") {
		t.Errorf("an installation that fails: %v", err)
	}
	if _, err := other.find(); err != nil {
		t.Errorf("the tool after one that failed: %v", err)
	}
	if _, err := tool.find(); !errors.Is(err, errMissing) {
		t.Errorf("a tool whose installation failed: %v, want %v", err, errMissing)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := Install(t.Context(), io.Discard, tool); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := method.attempts.Load(); n != 2 {
		t.Errorf("%d installations, want the one that failed and one more", n)
	}
	if place, err := tool.find(); err != nil {
		t.Error(err)
	} else if _, err := os.Stat(place.Program); err != nil {
		t.Error(err)
	}
	var log bytes.Buffer
	if err := Install(t.Context(), &log, tool, other); err != nil || log.Len() > 0 {
		t.Errorf("installing what is there: %v, and says %q", err, &log)
	}
}

// TestVersions: each tool of the table can be looked up, and no two share a
// folder.
func TestVersions(t *testing.T) {
	module, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	dirs := map[string]string{}
	for _, tool := range All {
		dir, err := tool.cacheDir(module)
		if err != nil {
			t.Errorf("%s: %v", tool.Name, err)
		}
		if other, taken := dirs[dir]; taken {
			t.Errorf("%s and %s share %s", tool.Name, other, dir)
		}
		dirs[dir] = tool.Name
	}
}
