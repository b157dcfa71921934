package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

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
