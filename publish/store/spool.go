package store

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/regsnap/regsnap/layout"
)

// Staged is an object on its way into a bucket. What is written to it is in no
// bucket before Commit.
type Staged interface {
	io.Writer
	// Commit stores the object as Put does.
	Commit(ctx context.Context) error
	// Discard gives up what was not committed; after Commit it clears up.
	Discard() error
}

// spoolSize is up to how many bytes of an object are held in memory; a larger one
// is put aside on disk, because a request that failed is made again.
const spoolSize = 1 << 20

// spool collects an object, and stores it when it is there as a whole.
type spool struct {
	put    func(ctx context.Context, o layout.Object, body content, size int64) error
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
	var body content = bytes.NewReader(s.memory.Bytes())
	if s.file != nil {
		body = s.file
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return s.put(ctx, s.object, body, s.size)
}

func (s *spool) Discard() error {
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close(), os.Remove(f.Name()))
}
