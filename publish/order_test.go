package publish

import (
	"context"
	"errors"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// ByHistory goes by how two commits are related, whatever the ids of the snapshots,
// which begin with dates, say.
func TestByHistory(t *testing.T) {
	unknown := errors.New("unknown")
	for _, dates := range [][2]string{
		{"20240101T000000Z-000000000000", "20240102T000000Z-000000000000"},
		{"20240102T000000Z-000000000000", "20240101T000000Z-000000000000"},
		{"20240101T000000Z-000000000001", "20240101T000000Z-000000000000"},
		{"20420101T000000Z-000000000000", "19700101T000000Z-000000000000"},
	} {
		for _, c := range []struct {
			relation Relation
			err      error
			allow    bool
			want     error
			left     int
		}{
			{Descendant, nil, false, nil, 0},
			{Descendant, nil, true, nil, 0},
			{Ancestor, nil, false, ErrOlder, 0},
			{Ancestor, nil, true, ErrOlder, 0},
			{Diverged, nil, false, ErrDiverged, 0},
			{Diverged, nil, true, nil, 1},
			{0, unknown, false, ErrUnordered, 0},
			{0, unknown, true, ErrUnordered, 0},
		} {
			of := func(id, commit string) *Ordered {
				return &Ordered{id, &layout.Manifest{Environment: testEnv, Branches: []layout.ManifestBranch{{Name: "production", Commit: commit}}}}
			}
			order := ByHistory(func(_ context.Context, branch, live, next string) (Relation, error) {
				if branch != "production" || live != "a" || next != "b" {
					t.Errorf("asked how %s stands to %s on %s", next, live, branch)
				}
				return c.relation, c.err
			}, c.allow)
			left, err := order(t.Context(), of(dates[0], "a"), of(dates[1], "b"))
			if !errors.Is(err, c.want) || len(left) != c.left {
				t.Errorf("%v: %+v: %v, %v", dates, c, left, err)
			}
			if left, err := order(t.Context(), of(dates[0], "a"), of(dates[1], "a")); err != nil || len(left) != 0 {
				t.Errorf("%v: the same commit: %v, %v", dates, left, err)
			}
		}
	}
}
