package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/regsnap/regsnap/internal/durable"
	"github.com/regsnap/regsnap/layout"
)

// fileStore is a folder. It is not gocloud's
// fileblob because there an object may be half there after a crash of the
// machine, and because identical files need not be written twice: most files of
// a package version are those of the version before, and a hard link costs no
// data. Objects never change, so sharing is safe.
type fileStore struct {
	dir  string
	made sync.Map // folders that exist: whether this store has made them
	// run and next name temporary files. A process id would not do: in a
	// container it is the same each time, and one that was killed left its files.
	run  string
	next atomic.Int64

	mu      sync.Mutex
	written map[string]string // SHA-256 of a content → a file that holds it
}

func newFileStore(dir string) *fileStore {
	return &fileStore{dir: filepath.Clean(dir), run: strconv.FormatUint(rand.Uint64(), 36), written: map[string]string{}}
}

func (s *fileStore) Put(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := s.file(o.Key)
	return s.inFolder(target, func(fresh bool) error {
		if s.link(o.SHA256, target) {
			return nil
		}
		// In a folder that was just made nothing is to be found.
		if !fresh && exists(target) {
			return nil
		}
		if err := s.write(target, o.Body, renameNew); err != nil {
			return err
		}
		s.remember(o.SHA256, target)
		return nil
	})
}

// file is the file of an object.
func (s *fileStore) file(key string) string { return filepath.Join(s.dir, filepath.FromSlash(key)) }

// remember notes which file holds a content, if its SHA-256 is known.
func (s *fileStore) remember(sha256, target string) {
	if sha256 == "" {
		return
	}
	s.mu.Lock()
	s.written[sha256] = target
	s.mu.Unlock()
}

// link makes target another name of a file with the same content.
// Where that cannot be, because the file has too many names already or the file
// system has no links, it is written.
func (s *fileStore) link(sha256, target string) bool {
	s.mu.Lock()
	same := s.written[sha256]
	s.mu.Unlock()
	if same == "" {
		return false
	}
	err := os.Link(same, target)
	return err == nil || errors.Is(err, fs.ErrExist)
}

func (s *fileStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	f, size, err := s.find(key)
	if err != nil {
		return nil, 0, err
	}
	if offset < 0 || offset > size {
		return nil, 0, errors.Join(behindEnd(key, offset, size), f.Close())
	}
	n := size - offset
	if length >= 0 {
		n = min(n, length)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return fileReader{io.LimitReader(f, n), f}, n, nil
}

// fileReader is a part of a file.
type fileReader struct {
	io.Reader
	io.Closer
}

// find opens the file of an object and tells its size in bytes. What no key can
// name does not exist: folders, and anything outside of the bucket.
func (s *fileStore) find(key string) (*os.File, int64, error) {
	missing := fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	name := filepath.FromSlash(key)
	if !filepath.IsLocal(name) || unfinished(key) {
		return nil, 0, missing
	}
	f, err := os.Open(filepath.Join(s.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return nil, 0, missing
	case err != nil:
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = missing
	}
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, info.Size(), nil
}

func (s *fileStore) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		for f, err := range s.walk(ctx, prefix) {
			if (err != nil || !unfinished(f.Key)) && !yield(f, err) {
				return
			}
		}
	}
}

// walk goes through the files of the folders that can hold the prefix.
func (s *fileStore) walk(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) {
		top := path.Dir(prefix + "x") // a prefix may end within a name
		if !filepath.IsLocal(filepath.FromSlash(top)) {
			return
		}
		err := filepath.WalkDir(filepath.Join(s.dir, filepath.FromSlash(top)), func(name string, d fs.DirEntry, err error) error {
			if err == nil {
				err = ctx.Err()
			}
			if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
				return nil // a file may go while its folder is read
			}
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(s.dir, name)
			if err != nil {
				return err
			}
			key := filepath.ToSlash(rel)
			if !strings.HasPrefix(key, prefix) {
				return nil
			}
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil {
				return err
			}
			if !yield(ObjectInfo{Key: key, Size: info.Size(), Modified: info.ModTime()}, nil) {
				return fs.SkipAll
			}
			return nil
		})
		if err != nil {
			yield(ObjectInfo{}, fmt.Errorf("list %s: %w", prefix, err))
		}
	}
}

// unfinished tells that a file is no object: it is on its way, or a lock.
func unfinished(key string) bool {
	return strings.Contains(key, "~")
}

// Delete leaves the folder, even if it is empty now: sweepFolders removes it.
func (s *fileStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, _, err := s.find(key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := durable.Remove(f.Name()); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *fileStore) Close() error { return nil }

func (s *fileStore) Capabilities() Capabilities {
	return Capabilities{
		Parallel: 2 * runtime.GOMAXPROCS(0), Sync: func() error { return SyncFileSystem(s.dir) },
		Replace: s.replace, Stage: s.stage, Link: s.linked, File: s.file,
		Settings:  s.settings,
		Leftovers: s.leftovers, SweepFile: s.sweepFile, SweepFolders: s.sweepFolders,
	}
}
