// Package failtest has a source of packages of which one call fails, for tests.
package failtest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// Err is what the calls of a Source end in that are to fail.
var Err = errors.New("the source failed, as the test wanted")

// Source is a source of which the call At, from 1, fails, as where a disk is
// broken; with 0, none does.
type Source struct {
	index.Source
	At int

	mu     sync.Mutex
	calls  int
	failed string
}

// Failed says which call failed; "" if none did.
func (f *Source) Failed() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed
}

func (f *Source) call(what string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.calls++; f.calls != f.At {
		return nil
	}
	f.failed = what
	return fmt.Errorf("%s: %w", what, Err)
}

// Branch is index.Source's.
func (f *Source) Branch(ctx context.Context, name string) (*index.Branch, error) {
	if err := f.call("branch " + name); err != nil {
		return nil, err
	}
	return f.Source.Branch(ctx, name)
}

// List is index.Source's.
func (f *Source) List(ctx context.Context, e index.Entry) ([]index.File, error) {
	if err := f.call("list " + e.Path); err != nil {
		return nil, err
	}
	return f.Source.List(ctx, e)
}

// Read is index.Source's. It fails at its end, when all is read.
func (f *Source) Read(ctx context.Context, ids []index.ID, fn func(id index.ID, content []byte) error) error {
	if err := f.Source.Read(ctx, ids, fn); err != nil {
		return err
	}
	return f.call(fmt.Sprintf("read %d contents", len(ids)))
}

// Size is index.Source's.
func (f *Source) Size(ctx context.Context, id index.ID) (int64, error) {
	if err := f.call("size"); err != nil {
		return 0, err
	}
	return f.Source.Size(ctx, id)
}

// LastChange is index.Source's.
func (f *Source) LastChange(ctx context.Context, branch, path string) (*index.Commit, error) {
	if err := f.call("last change of " + path); err != nil {
		return nil, err
	}
	return f.Source.LastChange(ctx, branch, path)
}

// Prefetch is index.Prefetcher's; it does nothing if the source inside cannot.
func (f *Source) Prefetch(ctx context.Context, entries []index.Entry) error {
	if err := f.call("prefetch"); err != nil {
		return err
	}
	if p, ok := f.Source.(index.Prefetcher); ok {
		return p.Prefetch(ctx, entries)
	}
	return nil
}
