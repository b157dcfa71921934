package publish

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestBranches: history decides, branch by branch, and one branch that would go
// back is enough.
func TestBranches(t *testing.T) {
	// A commit is a place in a line, a1 before a2; b is another line; x cannot be found.
	relate := func(_ context.Context, _, live, next string) (Relation, error) {
		switch {
		case live == "x" || next == "x":
			return 0, errors.New("no such commit")
		case live[0] != next[0]:
			return Diverged, nil
		case next > live:
			return Descendant, nil
		}
		return Ancestor, nil
	}
	for _, c := range []struct {
		live, next string // branch=commit, …
		relate     bool
		want       error
		left       string // that the history was left of, where it is allowed
	}{
		{"p=a1", "p=a1", false, nil, ""},
		{"p=a1", "p=a2", true, nil, ""},
		{"p=a2", "p=a1", true, ErrOlder, ""},
		{"p=a1", "p=b1", true, ErrDiverged, "p"},
		{"p=a1", "p=a2", false, ErrUnordered, ""},
		{"p=x", "p=a2", true, ErrUnordered, ""},
		{"p=", "p=a1", true, nil, ""},
		{"p=", "p=", false, nil, ""},
		{"p=", "p=a1", false, nil, ""},
		{"p=a1", "p=", true, ErrDiverged, "p"},
		{"p=a1", "p=", false, ErrDiverged, "p"},
		{"p=a1", "q=a1", true, ErrDiverged, "all branches"},
		{"", "p=a1", true, ErrDiverged, "all branches"},
		{"p=a1 q=a1", "q=a1 p=a2", true, nil, ""},
		{"p=a1 q=a2", "p=a2 q=a1", true, ErrOlder, ""},
		{"p=a2 q=a1", "p=a1 q=b1", true, ErrOlder, ""},
		{"p=a2 q=x", "p=a1 q=a1", true, ErrOlder, ""},
		{"p=x q=a1", "p=a1 q=b1", true, ErrUnordered, ""},
		{"p=a1 q=a1", "p=b1 q=b1", true, ErrDiverged, "p q"},
		{"p=a1 q=a1", "p=a1", true, nil, ""},
		{"p=a1", "p=a1 q=a1", true, nil, ""},
	} {
		for _, allow := range []bool{false, true} {
			r := relate
			if !c.relate {
				r = nil
			}
			want, left := c.want, c.left
			if allow && want == ErrDiverged {
				want = nil
			} else {
				left = ""
			}
			diverged, err := ByHistory(r, allow)(t.Context(), ordered("live", c.live), ordered("next", c.next))
			if !errors.Is(err, want) || (err == nil) != (want == nil) {
				t.Errorf("%s after %s, allowed %t: %v, want %v", c.next, c.live, allow, err, want)
			}
			if got := strings.Join(diverged, " "); got != left {
				t.Errorf("%s after %s, allowed %t: left %q, want %q", c.next, c.live, allow, got, left)
			}
		}
	}

	// What to do is said: fetch, where the clone is old in one branch only; else roll back.
	for live, want := range map[string]string{"p=a1 q=a2": "fetch all of them and build again", "p=a2 q=a2": "regsnap rollback --env production next"} {
		_, err := ByHistory(relate, false)(t.Context(), ordered("live", live), ordered("next", "p=a2 q=a1"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v, want %q", live, err, want)
		}
	}
}

func ordered(id, branches string) *Ordered {
	m := &layout.Manifest{Environment: "production"}
	for b := range strings.FieldsSeq(branches) {
		name, commit, _ := strings.Cut(b, "=")
		m.Branches = append(m.Branches, layout.ManifestBranch{Name: name, Commit: commit})
	}
	return &Ordered{ID: id, Manifest: m}
}
