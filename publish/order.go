package publish

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// ErrOlder: the snapshot was built from an ancestor of what is live.
var ErrOlder = errors.New("the live snapshot is newer")

// ErrDiverged: neither snapshot comes from the other, and the environment does
// not let such a one go live.
var ErrDiverged = errors.New("the history of the live snapshot was left")

// ErrUnordered: how the snapshot stands to the live one could not be determined.
var ErrUnordered = errors.New("it cannot be determined which snapshot is newer")

// Order decides whether a snapshot may take the place of the live one: nil, or
// ErrOlder, ErrDiverged or ErrUnordered. diverged says of which branches the
// history was left, where that is allowed.
type Order func(ctx context.Context, live, next *Ordered) (diverged []string, err error)

// Ordered is a snapshot whose place in history is asked for.
type Ordered struct {
	ID       string
	Manifest *layout.Manifest
}

// Relation is how one commit of a branch stands to another.
type Relation int

const (
	Descendant Relation = iota + 1 // it comes from the other, so it is newer
	Ancestor                       // the other comes from it
	Diverged                       // neither comes from the other
)

// Relate finds how the commit next of a branch stands to another, live.
type Relate func(ctx context.Context, branch, live, next string) (Relation, error)

// ByHistory orders snapshots by the history of each branch that both have, and
// by nothing else: no clock has a say. One branch that would go back is enough
// to be older. Without relate only equal commits can be compared.
//
// A folder that is no commit's content has no history. What was built from one
// gives way to anything; what was built from a commit counts as left when a
// folder follows. So do snapshots that have no branch in common.
func ByHistory(relate Relate, allowDiverged bool) Order {
	return func(ctx context.Context, live, next *Ordered) ([]string, error) {
		c := comparison{live: live, next: next, relate: relate}
		for _, old := range live.Manifest.Branches {
			for _, b := range next.Manifest.Branches {
				if b.Name == old.Name {
					c.branch(ctx, old, b)
				}
			}
		}
		return c.verdict(allowDiverged)
	}
}

// comparison is what was found of two snapshots, a line for each branch.
type comparison struct {
	live, next *Ordered
	relate     Relate

	common                   int
	older, newer             []string
	diverged, divergedDetail []string
	unordered                []error
}

func (c *comparison) branch(ctx context.Context, live, next layout.ManifestBranch) {
	c.common++
	switch {
	case live.Commit == next.Commit, live.Commit == "":
		return
	case next.Commit == "":
		c.left(live.Name, fmt.Sprintf("%s: the live snapshot has commit %.12s, the other a folder that is no commit's content", live.Name, live.Commit))
		return
	case c.relate == nil:
		c.unordered = append(c.unordered, fmt.Errorf("%s: commit %.12s is live, %.12s is to go live, and there is no clone to look into: name one with --source git:PATH", live.Name, live.Commit, next.Commit))
		return
	}
	r, err := c.relate(ctx, live.Name, live.Commit, next.Commit)
	switch {
	case err != nil:
		c.unordered = append(c.unordered, fmt.Errorf("%s: commit %.12s is live, %.12s is to go live: %w", live.Name, live.Commit, next.Commit, err))
	case r == Ancestor:
		c.older = append(c.older, fmt.Sprintf("%s: the live commit %.12s comes from %.12s", live.Name, live.Commit, next.Commit))
	case r == Diverged:
		c.left(live.Name, fmt.Sprintf("%s: neither of the live commit %.12s and of %.12s comes from the other, as after a force push", live.Name, live.Commit, next.Commit))
	case r == Descendant:
		c.newer = append(c.newer, live.Name)
	}
}

func (c *comparison) left(branch, detail string) {
	c.diverged, c.divergedDetail = append(c.diverged, branch), append(c.divergedDetail, detail)
}

func (c *comparison) verdict(allowDiverged bool) ([]string, error) {
	env, id := c.next.Manifest.Environment, c.next.ID
	back := fmt.Sprintf("if that is meant, regsnap rollback --env %s %s goes there", env, id)
	if c.common == 0 {
		c.left("all branches", "no branch of the live snapshot is one of the other")
	}
	switch {
	case len(c.older) > 0:
		advice := back
		if len(c.newer) > 0 {
			advice = "the clone has an old state of one branch and a new one of " + strings.Join(c.newer, ", ") + ": fetch all of them and build again"
		}
		return nil, fmt.Errorf("%w: %s is live, not %s: %s; %s", ErrOlder, c.live.ID, id, strings.Join(c.older, "; "), advice)
	case len(c.unordered) > 0:
		return nil, fmt.Errorf("%w: %s stays live, %s does not go live: %w; %s", ErrUnordered, c.live.ID, id, errors.Join(c.unordered...), back)
	case len(c.diverged) > 0 && !allowDiverged:
		return nil, fmt.Errorf("%w: %s stays live, %s does not go live: %s; %s, and the environment's setting \"diverged: allow\" lets all such go live",
			ErrDiverged, c.live.ID, id, strings.Join(c.divergedDetail, "; "), back)
	}
	return c.diverged, nil
}
