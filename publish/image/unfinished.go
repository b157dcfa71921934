package image

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

const (
	lockName = ".regsnap.lock"
	// unfinished begins the names of files that are not whole yet.
	unfinished = ".regsnap-"
)

// removeUnfinished removes what writers left behind that were killed. Only who has
// the lock may.
func removeUnfinished(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), unfinished) {
			err = errors.Join(err, os.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return err
}
