package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/internal/durable"
	"github.com/regsnap/regsnap/internal/folderlock"
	"github.com/regsnap/regsnap/layout"
)

// Objects of a folder that change are files that are replaced by renaming, one
// writer at a time under an advisory lock that the system frees when its holder
// dies.

type waitingKey struct{}

// WithWaiting is a context in which waiting learns for whom a call waits that wants
// to change a pointer or a lease of a folder: some other process has the lock.
func WithWaiting(ctx context.Context, waiting func(who string)) context.Context {
	return context.WithValue(ctx, waitingKey{}, waiting)
}

func waitingIn(ctx context.Context) func(folderlock.Holder) {
	waiting, ok := ctx.Value(waitingKey{}).(func(string))
	if !ok {
		return nil
	}
	return func(h folderlock.Holder) { waiting(h.String()) }
}

// lockName is the lock of all pointers in a folder: leases come and go, and a
// lock for each would stay behind. No key holds a tilde.
const lockName = "~lock"

func (s *fileStore) Load(ctx context.Context, key string) ([]byte, Token, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	body, err := readMost(s.file(key), layout.MaxSize(key)+1) // its reader refuses what is longer
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	if err != nil {
		return nil, "", err
	}
	return body, contentToken(body), nil
}

func (s *fileStore) Swap(ctx context.Context, key string, body []byte, old Token) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	target := s.file(key)
	if err := os.MkdirAll(filepath.Dir(target), 0o777); err != nil {
		return err
	}
	unlock, err := folderlock.Lock(ctx, filepath.Join(filepath.Dir(target), lockName), waitingIn(ctx))
	if err != nil {
		return err
	}
	defer unlock()
	_, now, err := s.Load(ctx, key)
	if err := ifThere(err); err != nil {
		return err
	}
	if now != old {
		return ErrConflict
	}
	return durable.WriteFile(target, "*"+TempSuffix, bytes.NewReader(body))
}

// readMost reads a file, at most so many bytes of it.
func readMost(name string, most int64) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(f, most))
	return body, errors.Join(err, f.Close())
}
