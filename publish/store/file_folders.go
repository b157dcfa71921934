package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// folderAttempts is how often a folder is made that goes again before anything
// is in it: prune removes those that are empty.
const folderAttempts = 10

// inFolder makes the folder of a file that is about to be written, and says
// whether it is new.
func (s *fileStore) inFolder(target string, write func(fresh bool) error) (err error) {
	folder := filepath.Dir(target)
	for range folderAttempts {
		var fresh bool
		if fresh, err = s.folder(folder); err == nil {
			err = write(fresh)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		s.made.Clear() // a folder above it may be gone as well
	}
	return err
}

// folder sees to it that a folder is there, and reports whether this store has
// made it. It asks for none twice, and for those above first: there are nearly as
// many folders as files, and most are new.
func (s *fileStore) folder(dir string) (fresh bool, err error) {
	if fresh, ok := s.made.Load(dir); ok {
		return fresh.(bool), nil
	}
	if above := filepath.Dir(dir); dir == s.dir || dir == above {
		err = os.MkdirAll(dir, 0o777)
	} else {
		if _, err := s.folder(above); err != nil {
			return false, err
		}
		err = os.Mkdir(dir, 0o777)
		fresh = err == nil
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	// Whoever comes second finds the folder there: it is new all the same.
	made, _ := s.made.LoadOrStore(dir, fresh)
	return made.(bool), nil
}
