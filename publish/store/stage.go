package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"gocloud.dev/blob"

	"github.com/regsnap/regsnap/layout"
)

// staged is an object on its way into a bucket, whose content is not at hand as
// a whole. What is written to it is in no bucket before commit.
type staged interface {
	io.Writer
	// Commit stores the object, whole or not at all, unless its key is taken.
	Commit(ctx context.Context) error
	// Discard gives up what was not committed; after commit it clears up.
	Discard() error
}

// Stager is an objectStore that takes objects bit by bit. It is apart from
// objectStore because only copies need it.
type Stager interface {
	Stage(o layout.Object) (staged, error)
}

var (
	_ Stager = (*FileStore)(nil)
	_ Stager = (*retrying)(nil)
)

// Stage writes to a temporary file beside the object.
func (s *FileStore) Stage(o layout.Object) (staged, error) {
	target := s.FileOf(o.Key)
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
	store          *FileStore
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

// spoolSize is up to how many bytes an object for the cloud is held in memory; a
// larger one is put aside on disk, because a request that failed is made again.
const spoolSize = 1 << 20

// Stage collects the object in memory or, if it is large, in a temporary file.
func (s *retrying) Stage(o layout.Object) (staged, error) {
	return &spool{store: s, object: o}, nil
}

type spool struct {
	store  *retrying
	object layout.Object
	memory bytes.Buffer
	file   *os.File
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.file == nil && s.memory.Len()+len(p) > spoolSize {
		f, err := os.CreateTemp("", "regsnap-*")
		if err != nil {
			return 0, err
		}
		s.file = f
		if _, err := s.memory.WriteTo(f); err != nil {
			return 0, err
		}
		s.memory = bytes.Buffer{}
	}
	var n int
	var err error
	if s.file != nil {
		n, err = s.file.Write(p)
	} else {
		n, err = s.memory.Write(p)
	}
	s.size += int64(n)
	return n, err
}

func (s *spool) Commit(ctx context.Context) error {
	var body io.ReadSeeker = bytes.NewReader(s.memory.Bytes())
	if s.file != nil {
		body = s.file
	}
	return s.store.policy.limited(ctx, s.store.policy.timeout(int(s.size)), func(ctx context.Context) error {
		if _, err := body.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return s.store.remote.(*cloudStore).putFrom(ctx, s.object, body, s.size)
	})
}

func (s *spool) Discard() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}

// putFrom is put of a content that need not be in memory; size is in bytes.
func (s *cloudStore) putFrom(ctx context.Context, o layout.Object, body io.ReadSeeker, size int64) error {
	var err error
	if s.s3 != nil && size <= onePart {
		err = s.putS3(ctx, o, body, size)
	} else {
		err = s.blobs.Upload(ctx, o.Key, body, &blob.WriterOptions{
			ContentType: o.ContentType, CacheControl: o.CacheControl, ContentEncoding: o.ContentEncoding,
			BufferSize: s.bufferSize(), IfNotExist: true,
		})
	}
	if s.refused(err) {
		return nil // it is there
	}
	return s.named(o.Key, err)
}

// Linker is a store that can give a content it has another name, without being
// told the content again.
type Linker interface {
	// Linked tells whether the object is there now under its key.
	Linked(o layout.Object) (bool, error)
}

// Linked also finds the object there already.
func (s *FileStore) Linked(o layout.Object) (bool, error) {
	target := s.FileOf(o.Key)
	if _, err := s.folder(filepath.Dir(target)); err != nil {
		return false, err
	}
	if exists(target) {
		return true, nil
	}
	return s.link(o.SHA256, target), nil
}
