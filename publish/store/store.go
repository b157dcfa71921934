// Package store keeps objects in a folder, in S3, in Google Cloud Storage or in
// memory. Store is the contract that all of them hold, and that package storetest
// tests; Open opens one by its URL. Each has a file of its own: file.go, s3.go,
// gcs.go and mem.go. What only some can do is in Capabilities.
package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// Store keeps the objects of a bucket. Those that are Put never change; those
// that are Swapped, pointers and leases, change as a whole. A key is one or the
// other, for ever.
//
// Concurrency: all methods are safe for concurrent use, also by several
// processes and machines on one bucket. They are strongly consistent: what one
// has stored or deleted, every call that begins after it sees, listings too.
//
// Durability: when Put, Delete or Swap returns nil, it has happened, whole, and
// outlives this process. What was Put outlives a crash of the machine once
// Capabilities.Sync has returned; a Swap does so by itself. After an error it may
// have happened, may happen later, or never; making the same call again is safe.
//
// Errors: fs.ErrNotExist means that there is no such object, and nothing else:
// a missing bucket or a missing right is another error. When ctx ends, calls
// return its error. No error holds a secret of the bucket's URL or of a request.
type Store interface {
	// Put stores an object, whole or not at all, unless its key is taken: then
	// what is there stays, and Put returns nil.
	Put(ctx context.Context, o layout.Object) error
	// Open streams an object from offset on, at most length bytes or, if that
	// is negative, all the rest. It returns how many bytes will come. An offset
	// behind the end is an error.
	Open(ctx context.Context, key string, offset, length int64) (body io.ReadCloser, size int64, err error)
	// List goes through the objects whose keys begin with prefix, in any order.
	// After an error it ends.
	List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error]
	// Delete removes an object; that there is none is no error.
	Delete(ctx context.Context, key string) error
	// Load returns an object that changes, and the token of its state; without
	// a token, and fs.ErrNotExist, when there is none.
	Load(ctx context.Context, key string) ([]byte, Token, error)
	// Swap writes body if the object is still in the state of the token, and
	// else returns ErrConflict. It is atomic: readers see old or new, and of all
	// that swap the same state one wins. Where two writers could write the same
	// bytes it must not matter which of them did: after a lost answer that is
	// how a swap finds out that it was it.
	Swap(ctx context.Context, key string, body []byte, old Token) error
	// Close releases the connections.
	Close() error
}

// ObjectInfo is what a listing tells of an object.
type ObjectInfo struct {
	Key      string
	Size     int64 // in bytes
	Modified time.Time
}

// Token stands for one state of an object that changes; empty means that there
// was none.
type Token string

// ErrConflict: the pointer was moved by someone else since it was read.
var ErrConflict = errors.New("the pointer was moved meanwhile")
