package git

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Relation finds how the commit to of a branch stands to the commit from, both
// given by their digits. Only the parents that commits name decide: no date, and
// nothing that a clone keeps beside its objects (grafts, a commit-graph, the
// limits of a shallow clone). Commits that the clone lacks are fetched, without
// their trees, into a folder that Close removes. What cannot be determined is an
// error that says what is missing.
func (s *GitSource) Relation(ctx context.Context, branch, from, to string) (index.Relation, error) {
	a, err := index.ParseID(from)
	if err != nil {
		return 0, err
	}
	b, err := index.ParseID(to)
	if err != nil {
		return 0, err
	}
	return s.relation(ctx, branch, a, b)
}

func (s *GitSource) relation(ctx context.Context, branch string, from, to index.ID) (index.Relation, error) {
	if from == to {
		return index.Same, nil
	}
	s.commits.mu.Lock()
	defer s.commits.mu.Unlock()
	r, missing, err := s.walkHistory(ctx, from, to)
	if r != 0 || err != nil {
		return r, err
	}
	// The newer one's history most likely has the other, so it is fetched first.
	var failed []error
	for _, want := range []index.ID{to, from} {
		if len(missing) == 0 {
			break
		}
		if err := s.fetchHistory(ctx, branch, want); err != nil {
			if ctx.Err() != nil {
				return 0, err
			}
			failed = append(failed, err)
			continue
		}
		if r, missing, err = s.walkHistory(ctx, from, to); r != 0 || err != nil {
			return r, err
		}
	}
	return 0, unknownHistory(s.dir, missing, failed)
}

func unknownHistory(dir string, missing []index.ID, failed []error) error {
	said := make([]string, len(failed))
	for i, err := range failed {
		said[i] = err.Error()
	}
	return fmt.Errorf("%w: history is incomplete, commit %s is not in %s (%s); fetch it, or all of the history: git -C %[3]s fetch --unshallow, or git -C %[3]s fetch --filter=tree:0 REMOTE %[2]s",
		index.ErrNoObject, missing[0], dir, strings.Join(said, "; "))
}

// walkHistory goes back from both commits, a generation at a time, until one
// meets the other. Without a meeting, missing are the commits that were not
// there; if there are none the two have diverged.
func (s *GitSource) walkHistory(ctx context.Context, from, to index.ID) (r index.Relation, missing []index.ID, err error) {
	sides := [2]side{newSide(from), newSide(to)}
	for len(sides[0].next)+len(sides[1].next) > 0 {
		for i := range sides {
			mine, other := &sides[i], &sides[1-i]
			level, lacking, err := s.parents(ctx, mine.next)
			if err != nil {
				return 0, nil, err
			}
			missing = append(missing, lacking...)
			mine.next = mine.next[:0:0]
			for _, id := range level {
				if mine.seen[id] {
					continue
				}
				mine.seen[id] = true
				switch {
				case i == 1 && id == from:
					return index.Descendant, nil, nil
				case i == 0 && id == to:
					return index.Ancestor, nil, nil
				case !other.seen[id]: // below what both come from neither can be
					mine.next = append(mine.next, id)
				}
			}
		}
	}
	if len(missing) > 0 {
		return 0, missing, nil
	}
	return index.Diverged, nil, nil
}

// side is what was met on the way back from one commit.
type side struct {
	seen map[index.ID]bool
	next []index.ID // seen, but their parents were not asked for
}

func newSide(id index.ID) side {
	return side{seen: map[index.ID]bool{id: true}, next: []index.ID{id}}
}

// parents lists the parents of commits; lacking are those that are not there.
func (s *GitSource) parents(ctx context.Context, ids []index.ID) (all, lacking []index.ID, err error) {
	c := &s.commits
	var ask []index.ID
	for _, id := range ids {
		if known, ok := c.parents[id]; ok {
			all = append(all, known...)
		} else {
			ask = append(ask, id)
		}
	}
	for _, pool := range []*catFilePool{s.objects, c.objects} {
		if pool == nil {
			continue
		}
		lacking = nil
		err := pool.read(ctx, ask, func(obj object) error {
			if obj.missing {
				lacking = append(lacking, obj.id)
				return nil
			}
			if err := obj.check(commitObject); err != nil {
				return err
			}
			found, err := parseParents(obj.id, obj.content)
			if err != nil {
				return err
			}
			c.parents[obj.id] = found
			all = append(all, found...)
			return nil
		})
		if err != nil {
			return nil, nil, fmt.Errorf("history: %w", err)
		}
		ask = lacking
	}
	return all, ask, nil
}

// parseParents reads which commits a commit comes from: they follow its tree.
func parseParents(id index.ID, content []byte) ([]index.ID, error) {
	var out []index.ID
	for line := range bytes.Lines(content) {
		key, value, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
		switch string(key) {
		case "tree":
			continue
		case "parent":
			parent, err := index.ParseID(string(value))
			if err != nil {
				return nil, fmt.Errorf("%w: commit %s: a parent: %w", ErrBadObject, id, err)
			}
			out = append(out, parent)
			continue
		}
		break // the parents are together
	}
	return out, nil
}
