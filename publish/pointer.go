package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/lockedfile"

	"github.com/regsnap/regsnap/layout"
)

// ErrConflict: the pointer was moved by somebody else since it was read.
var ErrConflict = errors.New("the pointer was moved meanwhile")

// token stands for one state of a pointer; empty means that there was none.
type token string

// pointerStore keeps the pointers. It is apart from the store of immutable
// objects because it is the only thing that changes and must be swapped whole.
type pointerStore interface {
	// load returns fs.ErrNotExist, and no token, when there is no pointer.
	load(ctx context.Context, key string) ([]byte, token, error)
	// swap writes body if the pointer is still in the state of the token, and
	// else returns ErrConflict. It is atomic: readers see old or new.
	// Where two writers could write the same bytes it must not matter which of
	// them did: after a lost answer that is how a swap finds out that it was it.
	swap(ctx context.Context, key string, body []byte, old token) error
}

// Pointer reads which snapshot of an environment is live; fs.ErrNotExist when
// none ever was.
func (b *Bucket) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	p, _, err := b.pointer(ctx, env)
	return p, err
}

func (b *Bucket) pointer(ctx context.Context, env string) (layout.Pointer, token, error) {
	key := layout.PointerKey(env)
	body, t, err := b.pointers.load(ctx, key)
	if err != nil {
		return layout.Pointer{}, "", err
	}
	p, err := layout.DecodePointer(body)
	if err == nil && p.Environment != env {
		err = fmt.Errorf("pointer: is of environment %s", p.Environment)
	}
	if err != nil {
		return layout.Pointer{}, "", fmt.Errorf("%s: %w", key, err)
	}
	return p, t, nil
}

// lockName is the lock of all pointers in a folder: leases come and go, and a
// lock for each would stay behind. No key holds a tilde.
const lockName = "~lock"

// filePointers are files that are replaced by renaming, one writer at a time
// under an advisory lock that the system frees when its holder dies.
type filePointers struct{ dir string }

func (s filePointers) load(_ context.Context, key string) ([]byte, token, error) {
	body, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(key)))
	if err != nil {
		return nil, "", err
	}
	return body, token(body), nil
}

func (s filePointers) swap(ctx context.Context, key string, body []byte, old token) error {
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
	_, now, err := s.load(ctx, key)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if now != old {
		return ErrConflict
	}
	temp, err := os.CreateTemp(filepath.Dir(target), "*"+tempSuffix)
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
