package publish

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// ByHistory goes by how the commits of each branch are related, whatever the dates of
// commits and the ids of the snapshots, which begin with dates, say.
func TestByHistory(t *testing.T) {
	unknown := errors.New("unknown")
	const same = Relation(-1) // to the same commit, of which nobody asks
	relations := []Relation{same, Descendant, Ancestor, Diverged, 0}
	for _, dates := range [][2]string{
		{"20240101T000000Z-000000000000", "20240102T000000Z-000000000000"},
		{"20240102T000000Z-000000000000", "20240101T000000Z-000000000000"},
		{"20240101T000000Z-000000000001", "20240101T000000Z-000000000000"},
		{"20420101T000000Z-000000000000", "19700101T000000Z-000000000000"},
		{"19700101T000000Z-000000000000", "20420101T000000Z-000000000000"},
	} {
		for _, first := range relations {
			for _, other := range relations {
				for _, allow := range []bool{false, true} {
					is := map[string]Relation{"production": first, "staging": other}
					of := func(id, commit string) *Ordered {
						at, err := time.Parse(layout.SnapshotTime, id[:len(layout.SnapshotTime)])
						if err != nil {
							t.Fatal(err)
						}
						m := &layout.Manifest{Environment: testEnv}
						for _, name := range []string{"production", "staging"} {
							b := layout.ManifestBranch{Name: name, Commit: commit, Time: at}
							if is[name] == same {
								b.Commit = "a"
							}
							m.Branches = append(m.Branches, b)
						}
						return &Ordered{id, m}
					}
					order := ByHistory(func(_ context.Context, branch, live, next string) (Relation, error) {
						if is[branch] == same || live != "a" || next != "b" {
							t.Errorf("asked how %s stands to %s on %s", next, live, branch)
						}
						if is[branch] == 0 {
							return 0, unknown
						}
						return is[branch], nil
					}, allow)

					among := func(r Relation) (n int) {
						for _, found := range is {
							if found == r {
								n++
							}
						}
						return n
					}
					var want error
					left := among(Diverged)
					switch {
					case among(Ancestor) > 0:
						want = ErrOlder
					case among(0) > 0:
						want = ErrUnordered
					case left > 0 && !allow:
						want = ErrDiverged
					}
					if want != nil {
						left = 0
					}
					got, err := order(t.Context(), of(dates[0], "a"), of(dates[1], "b"))
					if !errors.Is(err, want) || len(got) != left {
						t.Errorf("%v: %v, allowed %t: %v, %v; want %d left, %v", dates, is, allow, got, err, left, want)
					}
				}
			}
		}
	}
}
