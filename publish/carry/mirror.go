package carry

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// Options say what to take from where to where.
type Options struct {
	From *publish.Bucket
	// To is a lease in the target that knows what is live there; see LiveManifests.
	To          *publish.Lease
	Environment string
	// Snapshot is the one to take; empty is the live one.
	Snapshot string
	// History is how many of the environment's newest snapshots to take beside
	// that one.
	History int
	// Slice, unless it is empty, takes only a part of the snapshot; History then
	// has no meaning.
	Slice layout.Slice
	// Regsnap is the version of this program, as the manifest of a slice records it.
	Regsnap string
	// Stay leaves the target's pointer where it is.
	Stay bool
	// Back allows the target's pointer to go back to what was published earlier.
	Back bool
	Note publish.Note
	Copy publish.CopyOptions
	// Render, if set, is told how far the rendering of a slice is.
	Render func(build.Progress)
}

// Result is what was taken.
type Result struct {
	Environment string `json:"environment"`
	// Snapshot is what the target has now, and others are what came with it.
	Snapshot string `json:"snapshot"`
	// Of is the snapshot that Snapshot is a slice of.
	Of string `json:"slice_of,omitempty"`
	// Packages is, in a plan, how many package versions the slice would have.
	Packages int            `json:"packages,omitempty"`
	History  []string       `json:"history,omitempty"`
	Copied   publish.Copied `json:"copied"`
	// Tags came with the snapshots; TagsKept stand for other snapshots in the target,
	// and stay there.
	Tags     []string `json:"tags,omitempty"`
	TagsKept []string `json:"tags_kept,omitempty"`
	// Moved is nil when the pointer was to stay.
	Moved *publish.Moved `json:"moved,omitempty"`
}

// Mirror copies what the target lacks of the snapshots, the oldest first, or makes
// the slice, and then moves the target's pointer. One that was interrupted goes on
// where it was.
func Mirror(ctx context.Context, o Options) (*Result, error) {
	id, err := o.From.Chosen(ctx, o.Environment, o.Snapshot)
	if err != nil {
		return nil, err
	}
	take := o.snapshots
	if !o.Slice.Empty() {
		take = o.slice
	}
	r, err := take(ctx, id)
	if err != nil {
		return nil, err
	}
	if !o.Stay {
		r.Moved, err = o.publish(ctx, r.Snapshot)
	}
	return r, err
}

// snapshots copies a snapshot and its history.
func (o Options) snapshots(ctx context.Context, id string) (*Result, error) {
	r := &Result{Environment: o.Environment, Snapshot: id}
	ids, err := o.history(ctx, id)
	if err != nil {
		return nil, err
	}
	c := o.To.CopyFrom(o.From, o.Copy)
	for _, each := range ids {
		// What the target knows to have is not even read.
		if o.To.Knows(o.Environment, each) {
			continue
		}
		m, err := o.From.Manifest(ctx, o.Environment, each)
		if err != nil {
			return nil, err
		}
		if err := c.Snapshot(ctx, m); err != nil {
			return nil, err
		}
		if each != id {
			r.History = append(r.History, each)
		}
	}
	r.Copied = c.Copied()
	r.Tags, r.TagsKept, err = c.Tags(ctx, o.Environment, ids)
	return r, err
}

// history lists the snapshots to take, the chosen one last.
func (o Options) history(ctx context.Context, id string) ([]string, error) {
	if o.History <= 0 {
		return []string{id}, nil
	}
	stored, err := o.From.Snapshots(ctx, o.Environment)
	if err != nil {
		return nil, err
	}
	list := stored[o.Environment]
	var ids []string
	for _, s := range list[:min(o.History, len(list))] {
		if s.ID != id {
			ids = append(ids, s.ID)
		}
	}
	slices.Reverse(ids)
	return append(ids, id), nil
}

// publish makes the snapshot live in the target.
func (o Options) publish(ctx context.Context, id string) (*publish.Moved, error) {
	p, err := o.From.Pointer(ctx, o.Environment)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	n := o.Note
	n.Preview = p.Preview
	moved, err := o.To.Publish(ctx, o.Environment, id, n, byRecord(o.From, o.Environment))
	if !o.Back || !errors.Is(err, publish.ErrOlder) && !errors.Is(err, publish.ErrUnordered) {
		return moved, err
	}
	back, err := o.To.PrepareRollback(ctx, o.Environment, id)
	if err != nil {
		return nil, err
	}
	return back.Do(ctx, o.Note, false)
}

// Plan says what Mirror would do, and stores nothing: what it would copy of whole
// snapshots, and whether the pointer of the target, to, would move. What a slice
// comes to is known only once it is made; its Snapshot is empty.
func Plan(ctx context.Context, o Options, to *publish.Bucket) (*Result, error) {
	id, err := o.From.Chosen(ctx, o.Environment, o.Snapshot)
	if err != nil {
		return nil, err
	}
	if !o.Slice.Empty() {
		n, err := PlanSlice(ctx, o, id)
		return &Result{Environment: o.Environment, Of: id, Packages: n}, err
	}
	r := &Result{Environment: o.Environment, Snapshot: id}
	ids, err := o.history(ctx, id)
	if err != nil {
		return nil, err
	}
	c := o.To.CopyFrom(o.From, o.Copy)
	var chosen *layout.Manifest
	for _, each := range ids {
		m, err := o.From.Manifest(ctx, o.Environment, each)
		if err != nil {
			return nil, err
		}
		if each == id {
			chosen = m
		} else if !o.To.Knows(o.Environment, each) {
			r.History = append(r.History, each)
		}
		if err := c.Plan(m); err != nil {
			return nil, err
		}
	}
	r.Copied = c.Copied()
	if o.Stay {
		return r, nil
	}
	r.Moved, err = to.PlanPublish(ctx, o.Environment, id, chosen, byRecord(o.From, o.Environment))
	if o.Back && (errors.Is(err, publish.ErrOlder) || errors.Is(err, publish.ErrUnordered)) {
		r.Moved, err = to.PlanPublish(ctx, o.Environment, id, chosen, func(context.Context, *publish.Ordered, *publish.Ordered) ([]string, error) { return nil, nil })
	}
	return r, err
}
