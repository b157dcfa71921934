package pack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/layout"
)

// Store answers reads of a bucket's objects out of a folder of packs. What it has
// is one snapshot of one environment. It is safe for concurrent use.
type Store struct {
	dir    string
	list   *list
	files  []*file
	blocks *blocks
}

// Open opens the folder of a packed snapshot. A pack that is missing, cut short or
// whose tables are damaged is an error that names it; what is damaged otherwise is
// one when it is read.
func Open(dir string) (_ *Store, err error) {
	name := filepath.Join(dir, listName)
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("packed snapshot: %w", err)
	}
	s := &Store{dir: dir}
	if s.list, err = decodeList(data); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if s.blocks, err = newBlocks(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for _, p := range s.list.Packs {
		f, err := openFile(filepath.Join(dir, filepath.FromSlash(p.path())), p.Size)
		if err != nil {
			return nil, fmt.Errorf("packed snapshot: %w", err)
		}
		s.files = append(s.files, f)
	}
	return s, nil
}

// Close closes the packs.
func (s *Store) Close() error {
	var errs []error
	for _, f := range s.files {
		errs = append(errs, f.r.Close())
	}
	s.blocks.close()
	return errors.Join(errs...)
}

// Pointer is that of the one environment; fs.ErrNotExist for any other.
func (s *Store) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	body, err := s.Read(ctx, layout.PointerKey(env))
	if err != nil {
		return layout.Pointer{}, err
	}
	p, err := layout.DecodePointer(body, env)
	if err != nil {
		return layout.Pointer{}, fmt.Errorf("%s: %w", layout.PointerKey(env), err)
	}
	return p, nil
}

// Routes reads the routes of the one snapshot; fs.ErrNotExist for any other.
func (s *Store) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	body, err := s.Read(ctx, layout.RoutesKey(env, id))
	if err != nil {
		return nil, err
	}
	r, err := layout.DecodeRoutes(body, env)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", layout.RoutesKey(env, id), err)
	}
	return r, nil
}

// Read returns an object as a bucket stores it; fs.ErrNotExist when there is none.
func (s *Store) Read(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.plain(key) {
		return os.ReadFile(s.pathOf(key))
	}
	c, err := s.find(key)
	if err != nil {
		return nil, err
	}
	body := make([]byte, c.size())
	if _, err := io.ReadFull(c.open(0, int64(len(body))), body); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return body, nil
}

// Open streams length bytes of an object from offset on; a length of -1 is all
// the rest, and what lies behind the end does not come. It gives fs.ErrNotExist
// when there is no such object, and an error when offset is behind its end.
func (s *Store) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var c *composition
	if s.plain(key) {
		body, err := os.ReadFile(s.pathOf(key))
		if err != nil {
			return nil, err
		}
		c = literal(body)
	} else {
		var err error
		if c, err = s.find(key); err != nil {
			return nil, err
		}
	}
	size := c.size()
	if offset < 0 || offset > size {
		return nil, fmt.Errorf("%s: offset %d is behind the end of %d bytes", key, offset, size)
	}
	n := size - offset
	if length >= 0 {
		n = min(n, length)
	}
	return c.open(offset, n), nil
}

// plain tells which objects are files of their own.
func (s *Store) plain(key string) bool {
	env, id := s.list.Environment, s.list.Snapshot
	switch key {
	case layout.PointerKey(env), layout.ManifestKey(env, id), layout.RoutesKey(env, id):
		return true
	}
	return false
}

func (s *Store) pathOf(key string) string { return filepath.Join(s.dir, filepath.FromSlash(key)) }
