package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/regsnap/regsnap/layout"
)

// stage writes to a temporary file beside the object.
func (s *fileStore) stage(o layout.Object) (Staged, error) {
	target := s.file(o.Key)
	var temp *os.File
	err := s.inFolder(target, func(bool) (err error) {
		temp, err = os.OpenFile(s.temporary(target), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &stagedFile{File: temp, store: s, target: target, sha256: o.SHA256}, nil
}

type stagedFile struct {
	*os.File
	store          *fileStore
	target, sha256 string
	closed, gone   bool
}

func (f *stagedFile) Commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f.closed = true
	if err := f.Close(); err != nil {
		return fmt.Errorf("write %s: %w", f.target, err)
	}
	if err := renameNew(f.Name(), f.target); err != nil {
		return err
	}
	f.gone = true
	f.store.remember(f.sha256, f.target)
	return nil
}

func (f *stagedFile) Discard() error {
	var err error
	if !f.closed {
		f.closed = true
		err = f.Close()
	}
	if !f.gone {
		f.gone = true
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// linked also finds the object there already.
func (s *fileStore) linked(o layout.Object) (bool, error) {
	target := s.file(o.Key)
	if _, err := s.folder(filepath.Dir(target)); err != nil {
		return false, err
	}
	if exists(target) {
		return true, nil
	}
	return s.link(o.SHA256, target), nil
}

// replace writes a new file, never into the old one: the same file may be other
// objects too, by hard links.
func (s *fileStore) replace(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := s.file(o.Key)
	return s.inFolder(target, func(bool) error { return s.write(target, o.Body, os.Rename) })
}

// TempSuffix marks files on their way; no key holds a tilde.
const TempSuffix = "~tmp"

// temporary names a new file beside target.
func (s *fileStore) temporary(target string) string {
	return target + "." + s.run + "-" + strconv.FormatInt(s.next.Add(1), 36) + TempSuffix
}

// write makes the file whole or not at all: under a temporary name, which rename
// then turns into target.
func (s *fileStore) write(target string, body []byte, rename func(from, to string) error) error {
	temp := s.temporary(target)
	if err := writeFile(temp, body); err != nil {
		return fmt.Errorf("write %s: %w", target, err)
	}
	if err := rename(temp, target); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// renameUnlessThere is renameNew where the system has no call for it. Of two
// writers at the same moment the later one wins: both have the same bytes.
func renameUnlessThere(from, to string) error {
	if exists(to) {
		return os.Remove(from)
	}
	return os.Rename(from, to)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
