package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// Status is an environment at a glance.
type Status struct {
	Environment string `json:"environment"`
	// Live is empty when nothing was ever published.
	Live string `json:"live_snapshot,omitempty"`
	// Since is when the pointer was moved to Live; zero when that is not known.
	Since time.Time `json:"since,omitzero"`
	// LastMove is who moved it there and why.
	LastMove *layout.Move `json:"last_move,omitempty"`
	Pinned   *layout.Pin  `json:"pinned,omitempty"`
	// Preview is set if it is one: when prune may end it.
	Preview  *layout.Preview `json:"preview,omitempty"`
	Branches []Branch        `json:"branches,omitempty"`
	Packages int             `json:"packages"`
	Regsnap  string          `json:"regsnap,omitempty"`
	// Waiting are snapshots that were published or stored after Live and are
	// not live; newest first.
	Waiting []Stored `json:"waiting,omitempty"`
	// Tags are the names that snapshots have.
	Tags []NamedSnapshot `json:"tags,omitempty"`
	// Snapshots is how many the bucket holds.
	Snapshots int `json:"snapshots"`
	// Fault is what keeps the rest from being known: pointer or manifest are
	// damaged or missing, or in a format that this regsnap does not read.
	Fault string `json:"fault,omitempty"`
}

// Branch is the state of a branch that went into a snapshot: layout.ManifestBranch
// as commands print it.
type Branch struct {
	Name    string    `json:"branch"`
	Commit  string    `json:"commit,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	// Packages and Hidden are how many package versions it has, and how many of
	// these a branch of higher precedence has too.
	Packages int `json:"packages"`
	Hidden   int `json:"hidden,omitempty"`
}

func branchesOf(m *layout.Manifest) []Branch {
	out := make([]Branch, len(m.Branches))
	for i, b := range m.Branches {
		out[i] = Branch(b)
	}
	return out
}

// Environments lists those that have a pointer in the bucket, in order.
func (b *Bucket) Environments(ctx context.Context) ([]string, error) {
	var out []string
	for o, err := range b.List(ctx, layout.EnvironmentsPrefix) {
		if err != nil {
			return nil, fmt.Errorf("list environments: %w", err)
		}
		if env, err := layout.ParsePointerKey(o.Key); err == nil {
			out = append(out, env)
		}
	}
	slices.Sort(out)
	return out, nil
}

// Status tells about one environment; stored are its snapshots. What is faulty is
// an error, beside what is known.
func (b *Bucket) Status(ctx context.Context, env string, stored []Stored) (*Status, error) {
	s := &Status{Environment: env, Snapshots: len(stored)}
	err := b.status(ctx, s, stored)
	switch {
	case err == nil:
	case !isFaulty(err):
		return nil, err
	default:
		s.Fault = err.Error()
	}
	return s, err
}

// isFaulty reports whether an error is about an object, which is damaged, missing
// or in a format of another regsnap, and not about the store: what else the bucket
// has can be read.
func isFaulty(err error) bool {
	return errors.Is(err, ErrDamaged) || errors.Is(err, layout.ErrNewer) || errors.Is(err, layout.ErrOutdated) || errors.Is(err, ErrNoSnapshot)
}

func (b *Bucket) status(ctx context.Context, s *Status, stored []Stored) (err error) {
	env := s.Environment
	tags, err := b.Tags(ctx, env)
	if err != nil {
		return err
	}
	s.Tags = tags
	defer func() {
		for _, t := range tags {
			if t.Fault != "" {
				err = errors.Join(err, fmt.Errorf("%w: %s", ErrDamaged, t.Fault))
			}
		}
	}()
	p, m, liveErr := b.live(ctx, env)
	if p.Snapshot == "" {
		if errors.Is(liveErr, fs.ErrNotExist) {
			s.Waiting = stored
			return nil
		}
		return liveErr
	}
	s.Live, s.Pinned, s.Preview = p.Snapshot, p.Pinned, p.Preview
	for _, m := range p.Moves {
		if m.Kind == layout.MovePublish || m.Kind == layout.MoveRollback {
			s.LastMove, s.Since = &m, m.At
			break
		}
	}
	for _, snapshot := range stored {
		if snapshot.ID == p.Snapshot {
			break
		}
		s.Waiting = append(s.Waiting, snapshot)
	}
	if liveErr != nil {
		return fmt.Errorf("live snapshot of %s: %w", env, liveErr)
	}
	s.Branches, s.Packages, s.Regsnap = branchesOf(m), len(m.Packages), m.Regsnap
	return nil
}
