package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// ErrConflict: the pointer was moved by somebody else since it was read.
var ErrConflict = errors.New("the pointer was moved meanwhile")

// Token stands for one state of a pointer; empty means that there was none.
type Token string

// PointerStore keeps the pointers. It is apart from the store of immutable
// objects because it is the only thing that changes and must be swapped whole.
type PointerStore interface {
	// Load returns fs.ErrNotExist, and no token, when there is no pointer.
	Load(ctx context.Context, key string) ([]byte, Token, error)
	// Swap writes body if the pointer is still in the state of the token, and
	// else returns ErrConflict. It is atomic: readers see old or new.
	// Where two writers could write the same bytes it must not matter which of
	// them did: after a lost answer that is how a swap finds out that it was it.
	Swap(ctx context.Context, key string, body []byte, old Token) error
}

// lockName is the lock of all pointers in a folder: leases come and go, and a
// lock for each would stay behind. No key holds a tilde.
const lockName = "~lock"

// filePointers are files that are replaced by renaming, one writer at a time
// under an advisory lock that the system frees when its holder dies.
type filePointers struct{ dir string }

func (s filePointers) Load(_ context.Context, key string) ([]byte, Token, error) {
	body, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(key)))
	if err != nil {
		return nil, "", err
	}
	return body, Token(body), nil
}

func (s filePointers) Swap(ctx context.Context, key string, body []byte, old Token) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := filepath.Join(s.dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(filepath.Dir(target), lockName)).Lock()
	if err != nil {
		return err
	}
	defer unlock()
	_, now, err := s.Load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != old {
		return ErrConflict
	}
	temp, err := os.CreateTemp(filepath.Dir(target), "*"+TempSuffix)
	if err != nil {
		return err
	}
	_, err = temp.Write(body)
	err = errors.Join(err, temp.Chmod(0o644), temp.Sync(), temp.Close())
	if err == nil {
		err = os.Rename(temp.Name(), target)
	}
	if err != nil {
		return errors.Join(err, os.Remove(temp.Name()))
	}
	return syncDir(filepath.Dir(target))
}

// syncDir makes a rename in dir survive a crash of the machine.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
