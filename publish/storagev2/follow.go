package storagev2

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// Bucket is what an index is made of, and where it is put: a *publish.Bucket.
type Bucket interface {
	Read(ctx context.Context, key string) ([]byte, error)
	Put(ctx context.Context, o layout.Object) error
	Cursor(ctx context.Context, env string) (int64, store.Token, error)
	MoveCursor(ctx context.Context, env string, generation int64, old store.Token) error
	Pointer(ctx context.Context, env string) (layout.Pointer, error)
	Manifest(ctx context.Context, env, id string) (*layout.Manifest, error)
	Moves(ctx context.Context, env string) iter.Seq2[publish.Recorded, error]
	Parallel() int
}

// State is where a registry that reads the index is.
type State struct {
	// Cursor is the generation whose index is read; 0 before the first.
	Cursor int64 `json:"cursor"`
	// Generation is the pointer's, and Behind that another snapshot is live than
	// the one that the cursor's index is of.
	Generation int64 `json:"generation"`
	Behind     bool  `json:"behind,omitempty"`
	// Empty is that the live snapshot has no packages: readers refuse an index without
	// any, so the one that they have stays until there are some again.
	Empty bool `json:"empty,omitempty"`
	// Fault is what keeps it from being known.
	Fault string `json:"fault,omitempty"`
}

// Result says what Follow did.
type Result struct {
	State
	// Written tells that there is a new index, of so many bytes and documents.
	Written  bool  `json:"written"`
	Bytes    int64 `json:"bytes,omitempty"`
	Packages int   `json:"packages,omitempty"`
	// Read counts the documents that were read for it one by one.
	Read int `json:"read,omitempty"`
}

// errAhead: the cursor names a generation that the pointer never had.
var errAhead = errors.New("the cursor is ahead of the pointer")

// races say how often a move of the cursor is tried: each time someone else was faster.
var races = retry.Policy{Attempts: 20, Pause: 100 * time.Millisecond, MaxPause: 100 * time.Millisecond}

// Look says where the index of an environment is, and changes nothing.
func Look(ctx context.Context, b Bucket, env string) (State, error) {
	at, _, err := readCursor(ctx, b, env)
	s := State{Cursor: at}
	if err != nil {
		return s, err
	}
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	s.Generation = p.Generation
	if s.Behind, err = behind(ctx, b, p, at); err != nil || !s.Behind {
		return s, err
	}
	m, err := b.Manifest(ctx, env, p.Snapshot)
	if errors.Is(err, publish.ErrNoSnapshot) { // the pointer has moved since, and prune came
		return Look(ctx, b, env)
	}
	if err == nil && len(m.Packages) == 0 {
		s.Behind, s.Empty = false, true
	}
	return s, err
}

// Follow makes the index say what is live, if it does not. It may be called at any
// time, by several at once, and after any of them was stopped at any point: prune
// deletes nothing of a live snapshot, nor an index from the cursor on. Of a snapshot without
// packages there is no index: the last one stays.
func Follow(ctx context.Context, b Bucket, env string) (*Result, error) {
	f := follower{b: b, env: env}
	return f.follow(ctx)
}

// live is what an index is made of.
type live struct {
	generation int64
	snapshot   string
	manifest   *layout.Manifest
}

// follower makes the index of an environment say what is live.
type follower struct {
	b   Bucket
	env string
	// known is what is or was live, and draft what was read and made for it, if
	// that is known.
	known     *live
	draft     *draft
	documents *Documents

	result Result
}

func (f *follower) follow(ctx context.Context) (*Result, error) {
	r := &f.result
	err := races.Do(ctx, func() error {
		known, d := f.known, f.draft
		f.known, f.draft = nil, nil // where this fails someone else was faster
		if d == nil {
			d = new(draft)
			var err error
			if d.at, d.state, err = readCursor(ctx, f.b, f.env); err != nil {
				return err
			}
		}
		to := known
		if to == nil || d.at >= to.generation {
			var err error
			if to, err = f.look(ctx, d.at); to == nil || err != nil {
				return err
			}
		}
		r.State = State{Cursor: d.at, Generation: to.generation, Behind: true}
		if len(to.manifest.Packages) == 0 {
			r.Behind, r.Empty = false, true
			return nil
		}
		if err := f.index(ctx, *to, d); err != nil {
			return err
		}
		switch err := f.b.MoveCursor(ctx, f.env, to.generation, d.state); {
		case errors.Is(err, store.ErrConflict):
			return retry.Again(fmt.Errorf("move the cursor of %s: %w", f.env, err))
		case err != nil:
			return fmt.Errorf("move the cursor of %s: %w", f.env, err)
		}
		r.State = State{Cursor: to.generation, Generation: to.generation}
		r.Written = true
		return nil
	})
	return r, err
}

// look reads what is live; nil if nothing is, or a cursor's index is of it.
func (f *follower) look(ctx context.Context, at int64) (*live, error) {
	p, err := f.b.Pointer(ctx, f.env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &f.result
	r.State = State{Cursor: at, Generation: p.Generation}
	if r.Behind, err = behind(ctx, f.b, p, at); err != nil || !r.Behind {
		return nil, err
	}
	m, err := f.b.Manifest(ctx, f.env, p.Snapshot)
	if errors.Is(err, publish.ErrNoSnapshot) { // the pointer has moved since, and prune came
		return nil, retry.Again(err)
	}
	return &live{p.Generation, p.Snapshot, m}, err
}

// index writes the index of a pointer's generation. If one is there it is right: it
// was made of the same snapshot.
func (f *follower) index(ctx context.Context, to live, d *draft) (err error) {
	made := d.made
	if d.snapshot != to.snapshot {
		before := d.before
		if before == nil {
			if before, err = readIndex(ctx, f.b, f.env, d.at); err != nil {
				return err
			}
		}
		if made, err = compose(ctx, f.b, to.manifest, before, f.documents); err != nil {
			return fmt.Errorf("the index of %s: %w", to.snapshot, err)
		}
	}
	r := &f.result
	r.Bytes, r.Packages, r.Read = int64(len(made.body)), len(to.manifest.Packages), made.read
	return f.b.Put(ctx, layout.IndexObject(f.env, to.generation).With(made.body))
}

// readCursor reads which generation's index is read; 0 before the first.
func readCursor(ctx context.Context, b Bucket, env string) (int64, store.Token, error) {
	at, state, err := b.Cursor(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, "", nil
	}
	return at, state, err
}

// behind reports whether another snapshot went live since a generation. Pins and prunes
// that found a dead writer write the pointer too, and change nothing for readers. Where
// that is not known, it is false.
func behind(ctx context.Context, b Bucket, p layout.Pointer, at int64) (bool, error) {
	switch {
	case at == p.Generation:
		return false, nil
	case at > p.Generation:
		return false, fmt.Errorf("%w of %s: %d, and the pointer is at %d: if the environment was begun again, delete what is under %s/ and publish",
			errAhead, p.Environment, at, p.Generation, layout.StorageRoot(p.Environment))
	case at == 0:
		return true, nil
	}
	for r, err := range b.Moves(ctx, p.Environment) {
		if err != nil {
			return false, err
		}
		if r.Generation <= at {
			break
		}
		if r.Damaged != "" || r.Kind != layout.MovePin && r.Kind != layout.MoveUnpin {
			return true, nil
		}
	}
	return false, nil
}
