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
	return follow(ctx, b, env, nil)
}

// FollowMove is Follow of who has just moved the pointer: what the move knows is not
// read again.
func FollowMove(ctx context.Context, b Bucket, m *publish.Moved) (*Result, error) {
	var known *live
	if m.Changed && !m.Held && m.Manifest != nil {
		known = &live{m.Generation, m.Live, m.Manifest}
	}
	return follow(ctx, b, m.Environment, known)
}

// live is what an index is made of.
type live struct {
	generation int64
	snapshot   string
	manifest   *layout.Manifest
}

// follow is Follow; known is what is or was live, if that is known.
func follow(ctx context.Context, b Bucket, env string, known *live) (*Result, error) {
	r := new(Result)
	err := races.Do(ctx, func() error {
		at, state, err := readCursor(ctx, b, env)
		if err != nil {
			return err
		}
		to := known
		known = nil // where this fails someone else was faster
		if to == nil || at >= to.generation {
			if to, err = r.look(ctx, b, env, at); to == nil || err != nil {
				return err
			}
		}
		r.State = State{Cursor: at, Generation: to.generation, Behind: true}
		if len(to.manifest.Packages) == 0 {
			r.Behind, r.Empty = false, true
			return nil
		}
		if err := r.index(ctx, b, env, *to, at); err != nil {
			return err
		}
		switch err := b.MoveCursor(ctx, env, to.generation, state); {
		case errors.Is(err, store.ErrConflict):
			return retry.Again(fmt.Errorf("move the cursor of %s: %w", env, err))
		case err != nil:
			return fmt.Errorf("move the cursor of %s: %w", env, err)
		}
		r.State = State{Cursor: to.generation, Generation: to.generation}
		r.Written = true
		return nil
	})
	return r, err
}

// look reads what is live; nil if nothing is, or a cursor's index is of it.
func (r *Result) look(ctx context.Context, b Bucket, env string, at int64) (*live, error) {
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.State = State{Cursor: at, Generation: p.Generation}
	if r.Behind, err = behind(ctx, b, p, at); err != nil || !r.Behind {
		return nil, err
	}
	m, err := b.Manifest(ctx, env, p.Snapshot)
	if errors.Is(err, publish.ErrNoSnapshot) { // the pointer has moved since, and prune came
		return nil, retry.Again(err)
	}
	return &live{p.Generation, p.Snapshot, m}, err
}

// index writes the index of a pointer's generation. If one is there it is right: it
// was made of the same snapshot.
func (r *Result) index(ctx context.Context, b Bucket, env string, to live, at int64) error {
	var before []byte
	if at > 0 {
		var err error
		before, err = b.Read(ctx, layout.IndexKey(env, at))
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, layout.ErrDamaged) {
			return err
		}
	}
	c := composer{b: b, parallel: b.Parallel()}
	body, err := c.compose(ctx, to.manifest, before)
	if err != nil {
		return fmt.Errorf("the index of %s: %w", to.snapshot, err)
	}
	r.Bytes, r.Packages, r.Read = int64(len(body)), len(to.manifest.Packages), c.read
	return b.Put(ctx, layout.IndexObject(env, to.generation).With(body))
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
// that found a dead writer write the pointer too, and change nothing for readers.
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
