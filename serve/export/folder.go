package export

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/regsnap/regsnap/internal/folderlock"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

const (
	// currentLink is the link to the snapshot that is served.
	currentLink = "current"
	lockName    = ".lock"
	// unfinished begins the names of what is not whole, or no longer.
	unfinished = ".unfinished-"
)

// folder is where exports lie. Only one process writes to it at a time.
type folder struct {
	dir    string
	unlock func()
}

// openFolder makes the folder if it is not there, and waits for others that
// write to it. What those left behind that were killed is removed.
func openFolder(ctx context.Context, dir string, waiting func()) (*folder, error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	if err := onlyExports(dir); err != nil {
		return nil, err
	}
	unlock, err := folderlock.Lock(ctx, filepath.Join(dir, lockName), func(folderlock.Holder) {
		if waiting != nil {
			waiting()
		}
	})
	if err != nil {
		return nil, err
	}
	f := &folder{dir, unlock}
	err = f.each(func(name string) error {
		if strings.HasPrefix(name, unfinished) {
			return os.RemoveAll(filepath.Join(dir, name))
		}
		return nil
	})
	if err != nil {
		unlock()
		return nil, err
	}
	return f, nil
}

func (f *folder) close() { f.unlock() }

// onlyExports refuses a folder with anything that is not an export's: it could be
// someone's home, and what an export no longer needs is removed.
func onlyExports(dir string) error {
	f := &folder{dir: dir}
	return f.each(func(name string) error {
		if name == currentLink || name == lockName || strings.HasPrefix(name, unfinished) || layout.ValidSnapshot(name) {
			return nil
		}
		return fmt.Errorf("%s: %w: it has %q. Give the export a folder of its own", dir, ErrNoExport, name)
	})
}

func (f *folder) each(fn func(name string) error) error {
	entries, err := os.ReadDir(f.dir)
	for _, e := range entries {
		err = errors.Join(err, fn(e.Name()))
	}
	return err
}

// snapshot is the folder of a snapshot.
func (f *folder) snapshot(id string) string { return filepath.Join(f.dir, id) }

// has reports whether the snapshot is there. It is whole if it has its name.
func (f *folder) has(id string) bool {
	_, err := os.Stat(f.snapshot(id))
	return err == nil
}

// current is the snapshot that is served; "" when there is none.
func (f *folder) current() string {
	id, err := os.Readlink(filepath.Join(f.dir, currentLink))
	if err != nil || !layout.ValidSnapshot(id) {
		return ""
	}
	return id
}

// isOf refuses a folder with another environment's export: its clients would get
// that environment's packages under this one's address.
func (f *folder) isOf(env string) error {
	id := f.current()
	if id == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(f.snapshot(id), filepath.FromSlash(manifestName)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	m, err := layout.DecodeOrigin(data)
	if err != nil {
		return fmt.Errorf("%s: %w", f.snapshot(id), err)
	}
	if m.Environment != env {
		return fmt.Errorf("%s: %w of %s, but of %s. Give each environment a folder of its own", f.dir, ErrNoExport, env, m.Environment)
	}
	return nil
}

// serve makes a snapshot current, and removes all but that and the one before. If
// it is current already, the one before is not known, and nothing is removed.
func (f *folder) serve(id, previous string) error {
	if f.current() != id {
		// A link of another name takes the place of the old one at once.
		temp := filepath.Join(f.dir, unfinished+currentLink)
		if err := os.Symlink(id, temp); err != nil {
			return err
		}
		if err := os.Rename(temp, filepath.Join(f.dir, currentLink)); err != nil {
			return errors.Join(err, os.Remove(temp))
		}
	}
	if err := store.SyncFileSystem(f.dir); err != nil {
		return err
	}
	if id == previous {
		return nil
	}
	return f.each(func(name string) error {
		if !layout.ValidSnapshot(name) || name == id || name == previous {
			return nil
		}
		// Without its name first: one that is half there must not count for whole.
		gone := filepath.Join(f.dir, unfinished+name)
		return errors.Join(os.Rename(f.snapshot(name), gone), os.RemoveAll(gone))
	})
}

// replaceFile writes a file of which nobody sees a part.
func replaceFile(name string, content []byte) error {
	temp := name + ".new"
	if err := os.WriteFile(temp, content, 0o666); err != nil {
		return err
	}
	return os.Rename(temp, name)
}
