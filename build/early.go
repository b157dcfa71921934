package build

import (
	"context"

	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// Early is what an environment answers with before its archives are made.
type Early struct {
	// ID is that of a snapshot which nothing else has.
	ID string
	// Routes are those of the snapshot that is being built, but for its catalogue.
	Routes *layout.Routes
	// Missing are the revisions whose objects are not stored yet.
	Missing []layout.Revision
}

// early plans an environment, and stores and announces what can be answered already.
func (b *builder) early(ctx context.Context, t *target) (*planned, error) {
	p, err := b.plan(ctx, t)
	if err != nil {
		return nil, err
	}
	responses, err := b.writeResponses(ctx, t, p)
	if err != nil {
		return nil, err
	}
	encoded := p.table.Encode()
	e := Early{ID: b.manifest(t, p, encoded, responses).ID()}
	if e.Routes, err = layout.DecodeRoutes(encoded, t.env.Name); err != nil {
		return nil, err
	}
	b.mu.Lock()
	for _, r := range t.rows {
		if _, there := b.contents[r.revision]; !there {
			e.Missing = append(e.Missing, r.revision)
		}
	}
	b.mu.Unlock()
	return p, b.Early(ctx, e)
}

// queue is packages in the order in which they are to be made: as they are, but those
// that someone waits for first.
type queue struct {
	list   []*parse.Loaded
	at     map[layout.Revision]int
	taken  []bool
	urgent <-chan layout.Revision
}

func newQueue(list []*parse.Loaded, s Signer, urgent <-chan layout.Revision) *queue {
	q := &queue{list: list, at: map[layout.Revision]int{}, taken: make([]bool, len(list)), urgent: urgent}
	for i, l := range list {
		q.at[revisionOf(l.Entry, s)] = i
	}
	return q
}

// all yields each package once.
func (q *queue) all(yield func(*parse.Loaded) bool) {
	for next := 0; ; {
		i, waited := q.wanted()
		if !waited {
			for next < len(q.list) && q.taken[next] {
				next++
			}
			if i = next; i == len(q.list) {
				return
			}
		}
		q.taken[i] = true
		if !yield(q.list[i]) {
			return
		}
	}
}

// wanted is a package that someone waits for and that was not taken yet, if there is one.
func (q *queue) wanted() (int, bool) {
	for {
		select {
		case rev := <-q.urgent:
			if i, ok := q.at[rev]; ok && !q.taken[i] {
				return i, true
			}
		default:
			return 0, false
		}
	}
}
