package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/regsnap/regsnap/layout"
)

// fileStore writes the objects of a file:// bucket. It is not gocloud's
// fileblob because there an object may be half there after a crash of the
// machine, and because identical files need not be written twice: most files of
// a package version are those of the version before, and a hard link costs no
// data. Objects never change, so sharing is safe.
type fileStore struct {
	dir  string
	made sync.Map // folders that exist
	next atomic.Int64

	mu      sync.Mutex
	written map[string]string // SHA-256 of a content → a file that holds it
}

func newFileStore(dir string) *fileStore {
	return &fileStore{dir: dir, written: map[string]string{}}
}

func (s *fileStore) put(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := filepath.Join(s.dir, filepath.FromSlash(o.Key))
	folder := filepath.Dir(target)
	if _, ok := s.made.Load(folder); !ok {
		if err := os.MkdirAll(folder, 0o777); err != nil {
			return err
		}
		s.made.Store(folder, true)
	}
	if s.link(o.SHA256, target) {
		return nil
	}
	if _, err := os.Lstat(target); err == nil {
		return nil
	}
	if err := s.write(target, o.Body); err != nil {
		return err
	}
	if o.SHA256 != "" {
		s.mu.Lock()
		s.written[o.SHA256] = target
		s.mu.Unlock()
	}
	return nil
}

// link makes target another name of a file with the same content.
// Where that cannot be, because the file has too many names already or the file
// system has no links, it is written.
func (s *fileStore) link(sha256, target string) bool {
	s.mu.Lock()
	same := s.written[sha256]
	s.mu.Unlock()
	if sha256 == "" || same == "" {
		return false
	}
	err := os.Link(same, target)
	return err == nil || errors.Is(err, fs.ErrExist)
}

// write makes the file whole or not at all.
func (s *fileStore) write(target string, body []byte) error {
	temp := target + "." + strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(s.next.Add(1), 36) + tempSuffix
	f, err := os.OpenFile(temp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", target, err), os.Remove(temp))
	}
	if err := os.Rename(temp, target); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// tempSuffix marks files on their way; no key ends like this.
const tempSuffix = ".tmp"

// sync makes what was written survive a crash of the machine.
func (s *fileStore) sync() error { return syncFileSystem(s.dir) }
