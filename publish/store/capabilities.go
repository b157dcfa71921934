package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// Capabilities are what a store can do beyond the contract of Store, or does
// better than by that alone. Whoever wants one asks CapabilitiesOf, which fills
// in what every store can do; no function of its answer is nil.
//
// A store has capabilities by a method
//
//	Capabilities() Capabilities
//
// in which it leaves out what it cannot do.
type Capabilities struct {
	// Parallel is how many objects to store at once: in the cloud each waits for
	// the network, on disk for a core. Default: 16.
	Parallel int
	// Sync makes what was Put survive a crash of the machine. Default: it does
	// by itself.
	Sync func() error
	// Replace is Put over what is there: readers see that or the new object.
	// Only a repair may do that. Default: ErrUnsupported.
	Replace func(ctx context.Context, o layout.Object) error
	// Stage begins an object whose content is not at hand as a whole; its Body
	// is not looked at. Default: collected in memory or, if it is large, on disk.
	Stage func(o layout.Object) (Staged, error)
	// Link gives a content that the store has, by its SHA-256, another key, and
	// reports whether the object is there now. Default: it is not.
	Link func(o layout.Object) (bool, error)
	// DeleteOnce is Delete, and reports whether one request was enough. If not,
	// an earlier one of which no answer came may be carried out by the store
	// later. Default: one is.
	DeleteOnce func(ctx context.Context, key string) (once bool, err error)
	// DeleteBatch is DeleteOnce of several objects, at most MostDeletes, in one
	// request. Default, and of a server that does not know such requests:
	// ErrUnsupported; then none or some are deleted.
	DeleteBatch func(ctx context.Context, keys []string) (once bool, err error)
	// File is the file on this machine that holds an object, which must not be
	// written to. Default: "", there is none.
	File func(key string) string
	// Leftovers lists what writers that were killed left unfinished before a
	// time; SweepFile removes one of them, SweepFolders what is empty, which is
	// safe while objects are Put there. Default: nothing is left.
	Leftovers    func(ctx context.Context, before time.Time) ([]ObjectInfo, error)
	SweepFile    func(key string) error
	SweepFolders func(ctx context.Context) error
	// OtherState is a state that an object which changes is not in, for a swap that
	// must not happen. Default: one that begins like the object's.
	OtherState func(now Token) Token
	// Settings reads what the store says of the bucket as a whole. there is the key
	// of an object that exists. Default: nothing.
	Settings func(ctx context.Context, there string) []Setting

	// putFrom is Put of a content of size bytes that need not be in memory. It
	// may be read several times. Default: it is read into memory.
	putFrom func(ctx context.Context, o layout.Object, body content, size int64) error
	// page lists the objects after a page, which is nil for the first; next is
	// empty after the last. Default: all are one page.
	page func(ctx context.Context, prefix string, page []byte) (objects []ObjectInfo, next []byte, err error)
}

// ErrUnsupported: the store has no such capability.
var ErrUnsupported = errors.New("this store cannot do that")

// MostDeletes is how many objects a batch of deletions has at most.
const MostDeletes = 256

// defaultParallel is for stores that do not say how many objects fit them.
const defaultParallel = 16

// offered are the capabilities that a store has of its own. A decorator takes
// them from what it decorates and replaces what is to go through itself; what is
// left out is then filled in on top of the decorator.
func offered(s Store) Capabilities {
	if able, ok := s.(interface{ Capabilities() Capabilities }); ok {
		return able.Capabilities()
	}
	return Capabilities{}
}

// CapabilitiesOf is the one place where a store is asked what it can do.
func CapabilitiesOf(s Store) Capabilities {
	c := offered(s)
	if c.Parallel == 0 {
		c.Parallel = defaultParallel
	}
	if c.Sync == nil {
		c.Sync = func() error { return nil }
	}
	if c.Replace == nil {
		c.Replace = func(_ context.Context, o layout.Object) error {
			return fmt.Errorf("replace %s: %w", o.Key, ErrUnsupported)
		}
	}
	if c.putFrom == nil {
		c.putFrom = func(ctx context.Context, o layout.Object, body content, _ int64) (err error) {
			if o.Body, err = io.ReadAll(body); err != nil {
				return err
			}
			return s.Put(ctx, o)
		}
	}
	if c.Stage == nil {
		putFrom := c.putFrom
		c.Stage = func(o layout.Object) (Staged, error) { return &spool{put: putFrom, object: o}, nil }
	}
	if c.Link == nil {
		c.Link = func(layout.Object) (bool, error) { return false, nil }
	}
	if c.DeleteOnce == nil {
		c.DeleteOnce = func(ctx context.Context, key string) (bool, error) { return true, s.Delete(ctx, key) }
	}
	if c.DeleteBatch == nil {
		c.DeleteBatch = func(context.Context, []string) (bool, error) {
			return true, fmt.Errorf("delete in batches: %w", ErrUnsupported)
		}
	}
	if c.File == nil {
		c.File = func(string) string { return "" }
	}
	if c.Leftovers == nil {
		c.Leftovers = func(context.Context, time.Time) ([]ObjectInfo, error) { return nil, nil }
		c.SweepFile = func(string) error { return nil }
		c.SweepFolders = func(context.Context) error { return nil }
	}
	if c.OtherState == nil {
		c.OtherState = func(now Token) Token { return now + "0" }
	}
	if c.Settings == nil {
		c.Settings = func(context.Context, string) []Setting { return nil }
	}
	if c.page == nil {
		c.page = func(ctx context.Context, prefix string, _ []byte) (objects []ObjectInfo, _ []byte, err error) {
			for o, err := range s.List(ctx, prefix) {
				if err != nil {
					return nil, nil, err
				}
				objects = append(objects, o)
			}
			return objects, nil, nil
		}
	}
	return c
}
