// Package durable writes files that are there whole or not at all, also when the
// program is killed or the machine loses its power.
//
// The content is on disk before the file has its name, and the name is on disk
// before WriteFile returns. What a killed writer leaves has a temporary name, by
// which the owner of the folder knows it and removes it.
package durable

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
)

// WriteFile writes body to name, in place of a file that is there. Until it is
// whole it has a name in the same folder that temporary is the pattern of, as in
// [os.CreateTemp]. The mode is 0644 whatever the umask.
func WriteFile(name, temporary string, body io.Reader) error {
	f, err := os.CreateTemp(filepath.Dir(name), temporary)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, body); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := Keep(f, name); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(name))
}

// Keep closes f, which is whole and has a temporary name on the same file system,
// and names it name. If that fails it removes f. After a crash of the machine the
// name may be missing, unless the folder was synced.
func Keep(f *os.File, name string) error {
	err := errors.Join(f.Chmod(0o644), f.Sync(), f.Close())
	if err == nil {
		err = rename(f.Name(), name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// syncFolder makes new names in dir last. Windows keeps them without being asked,
// and has no call for it.
func syncFolder(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
