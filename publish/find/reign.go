package find

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// reign is a time in which one snapshot was live.
type reign struct {
	// snapshot is empty where an environment was retired.
	snapshot string
	// at is when it began; zero if that is not on record.
	at time.Time
	// move made it; nil if no entry of the log says so.
	move *layout.Audit
}

// reignsOf are those of an environment, the oldest first, as far as the audit log
// and the pointer remember them.
func reignsOf(ctx context.Context, b *publish.Bucket, env string) ([]reign, error) {
	var moves []layout.Audit
	for r, err := range b.Moves(ctx, env) {
		if err != nil {
			return nil, err
		}
		if r.Damaged == "" {
			moves = append(moves, r.Audit)
		}
	}
	slices.Reverse(moves)
	return reignsBy(moves), nil
}

// reignsBy are the reigns that moves have made, both the oldest first. Where a move says
// what was live before it, that is the reign before.
func reignsBy(moves []layout.Audit) []reign {
	var out []reign
	last := func() string {
		if len(out) == 0 {
			return ""
		}
		return out[len(out)-1].snapshot
	}
	for i := range moves {
		m := &moves[i]
		switch {
		case m.Kind == layout.MoveRetire:
			out = append(out, reign{at: m.At, move: m})
		case m.Snapshot == last(): // it stayed live
		case m.Kind == layout.MovePin, m.Kind == layout.MoveUnpin: // it was live already, since a move that is not on record
			out = append(out, reign{snapshot: m.Snapshot})
		default:
			if m.Before != "" && m.Before != last() {
				out = append(out, reign{snapshot: m.Before})
			}
			out = append(out, reign{snapshot: m.Snapshot, at: m.At, move: m})
		}
	}
	return out
}

// begins reports whether nothing was live before a reign.
func (r reign) begins() bool {
	return r.move != nil && r.move.Kind == layout.MovePublish && r.move.Before == "" && !r.move.Late
}

// tells reports whether the log says all that a move changed: what
// was live before is known, and the list was not cut. A way back from a snapshot
// that could not be read has an empty list as well, and so has a recovery.
func (r reign) tells() bool {
	m := r.move
	if m == nil || m.Late || m.Before == "" || m.Packages == 0 {
		return false
	}
	listed := len(m.Added) + len(m.Removed) + len(m.Changed)
	return m.More == 0 && (m.Kind == layout.MovePublish || m.Kind == layout.MoveRollback && listed > 0)
}

// changes are the versions of a package in one of the lists of an entry.
func changes(list []string, q Query) []string {
	var out []string
	for _, id := range list {
		if name, version, ok := strings.Cut(id, "-"); ok && q.matches(name, version) {
			out = append(out, version)
		}
	}
	return out
}
