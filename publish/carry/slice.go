package carry

import (
	"context"
	"reflect"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// slice makes the slice of a snapshot in the target and returns its id.
func (o Options) slice(ctx context.Context, of string) (r *Result, err error) {
	r = &Result{Environment: o.Environment, Of: of}
	// The digests of a slice are only known once it is rendered; one that is live
	// says of what it is one.
	if r.Snapshot, err = o.live(ctx, of); err != nil || r.Snapshot != "" {
		return r, err
	}
	s, err := o.planned(ctx, of)
	if err != nil {
		return nil, err
	}
	c := o.To.CopyFrom(o.From, o.Copy)
	if err := c.Content(ctx, s.Content(), of); err != nil {
		return nil, err
	}
	snapshot, err := s.Write(ctx, o.To)
	if err != nil {
		return nil, err
	}
	r.Snapshot, r.Copied = snapshot.ID, c.Copied()
	return r, nil
}

// planned finds out what belongs to the slice.
func (o Options) planned(ctx context.Context, of string) (*build.Sliced, error) {
	m, routes, err := o.From.Snapshot(ctx, o.Environment, of)
	if err != nil {
		return nil, err
	}
	return build.NewSlice(build.SliceOptions{
		Of: build.Live{Manifest: m, Routes: routes}, From: o.From, Slice: o.Slice, Regsnap: o.Regsnap,
		Parallel: o.Copy.Parallel, Progress: o.Render,
	})
}

// PlanSlice finds out whether the slice of a snapshot can be made, and how many package
// versions it has. It stores nothing.
func PlanSlice(ctx context.Context, o Options, of string) (int, error) {
	s, err := o.planned(ctx, of)
	if err != nil {
		return 0, err
	}
	return len(s.Content().Packages), nil
}

// live gives the id of the same slice if it is live in the target.
func (o Options) live(ctx context.Context, of string) (string, error) {
	slice, err := answer.NormalSlice(o.Slice)
	if err != nil {
		return "", err
	}
	for _, m := range o.To.Live() {
		same := m.Environment == o.Environment && m.Regsnap == o.Regsnap && m.Render == build.RenderVersion
		if same && m.Slice != nil && reflect.DeepEqual(*m.Slice, layout.SliceOf{Snapshot: of, Slice: slice}) {
			return m.ID(), nil
		}
	}
	return "", nil
}
