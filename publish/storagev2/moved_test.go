package storagev2_test

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve/servetest"
)

// counted counts what is asked of a bucket.
type counted struct {
	*beside
	cursors, documents, indexes, others atomic.Int32
	writes                              int
	// first, if set, comes before the first write.
	first func()
	// broken is that nothing can be read.
	broken bool
}

var errBroken = errors.New("nothing can be read")

func (c *counted) Cursor(ctx context.Context, env string) (int64, store.Token, error) {
	c.cursors.Add(1)
	if c.broken {
		return 0, "", errBroken
	}
	return c.beside.Cursor(ctx, env)
}

func (c *counted) Read(ctx context.Context, key string) ([]byte, error) {
	if _, _, err := layout.ParseStorageKey(key); err == nil {
		c.indexes.Add(1)
	} else {
		c.documents.Add(1)
	}
	return c.beside.Read(ctx, key)
}

func (c *counted) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	c.others.Add(1)
	return c.beside.Pointer(ctx, env)
}

func (c *counted) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	c.others.Add(1)
	return c.beside.Manifest(ctx, env, id)
}

func (c *counted) Moves(ctx context.Context, env string) iter.Seq2[publish.Recorded, error] {
	c.others.Add(1)
	return c.beside.Moves(ctx, env)
}

// asked are the numbers of cursors, indexes, documents and other things that were
// read since this was called last, and of writes.
func (c *counted) asked() [5]int32 {
	n := [5]int32{c.cursors.Swap(0), c.indexes.Swap(0), c.documents.Swap(0), c.others.Swap(0), int32(c.writes)}
	c.writes = 0
	return n
}

func (c *counted) Put(ctx context.Context, o layout.Object) error {
	if c.writes++; c.first != nil {
		c.first()
		c.first = nil
	}
	return c.beside.Put(ctx, o)
}

func (c *counted) MoveCursor(ctx context.Context, env string, generation int64, old store.Token) error {
	c.writes++
	return c.beside.MoveCursor(ctx, env, generation, old)
}

// anyOrder lets a pointer go everywhere.
func anyOrder(context.Context, *publish.Ordered, *publish.Ordered) ([]string, error) { return nil, nil }

func (b *beside) publish(t *testing.T, id string) *publish.Moved {
	t.Helper()
	l := b.Lease(publish.LeaseOptions{Purpose: "publish"})
	m, err := l.Publish(t.Context(), servetest.Env, id, publish.Note{}, anyOrder)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// Who has moved the pointer writes the index with two writes, and reads only the cursor,
// the index before and what is new; if another follows in between, the index says
// what is live in the end. All but the writes can be done before the pointer moves, and what
// is out of date by then does no harm.
func TestFollowMove(t *testing.T) {
	b := newBeside(t)
	ids := []string{servetest.Publish(t, b.Bucket, 0, 9), servetest.Publish(t, b.Bucket, 1, 9)}
	b.mustFollow(t, "first")
	var documents storagev2.Documents
	manifests := map[string]*layout.Manifest{}
	for _, id := range ids {
		m, err := b.Manifest(t.Context(), servetest.Env, id)
		if err != nil {
			t.Fatal(err)
		}
		manifests[id] = m
		for _, p := range m.Packages {
			body, err := b.Read(t.Context(), layout.ResponseKey(p.Document))
			if err != nil {
				t.Fatal(err)
			}
			documents.Keep(p.Document, body)
		}
	}
	// What is read before and after the move: cursors, indexes, documents, others, writes.
	type numbers = [5]int32
	for _, way := range []struct {
		name          string
		before, after numbers
	}{
		{"after the move", numbers{}, numbers{1, 1, 1, 0, 2}},
		{"read ahead", numbers{1, 1, 0, 0, 0}, numbers{0, 0, 1, 0, 2}},
		{"made ahead", numbers{1, 1, 0, 0, 0}, numbers{0, 0, 0, 0, 2}},
		{"ahead, in vain", numbers{1, 0, 0, 0, 0}, numbers{1, 1, 1, 0, 2}},
		{"made ahead for another", numbers{1, 1, 0, 0, 0}, numbers{0, 0, 0, 0, 2}},
	} {
		t.Run(way.name, func(t *testing.T) {
			b.followMoves(t, way.name, ids, manifests, &documents, [2][5]int32{way.before, way.after})
		})
	}
}

// followMoves moves the pointer to and fro between two snapshots, the second of which is live.
func (b *beside) followMoves(t *testing.T, how string, ids []string, manifests map[string]*layout.Manifest, documents *storagev2.Documents, want [2][5]int32) {
	// begin begins the index of a snapshot that is to go live next, to its end.
	begin := func(c *counted, id string) *storagev2.Ahead {
		target := storagev2.Target{Snapshot: id}
		switch how {
		case "after the move":
			return nil
		case "made ahead":
			target.Manifest, target.Documents = manifests[id], documents
		case "made ahead for another":
			other := ids[0]
			if id == other {
				other = ids[1]
			}
			target = storagev2.Target{Snapshot: other, Manifest: manifests[other], Documents: documents}
		case "ahead, in vain":
			c.broken = true
		}
		a := storagev2.Begin(t.Context(), c, servetest.Env, target)
		t.Cleanup(a.Close)
		a.Wait()
		c.broken = false
		return a
	}
	follow := func(what string, a *storagev2.Ahead, c *counted, m *publish.Moved) {
		t.Helper()
		if _, err := a.FollowMove(t.Context(), c, m); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		b.mustBeRead(t, what)
	}
	for n := range 2 {
		c := &counted{beside: b}
		a := begin(c, ids[n%2])
		before := c.asked()
		m := b.publish(t, ids[n%2])
		follow("push", a, c, m)
		if after := c.asked(); before != want[0] || after != want[1] {
			t.Errorf("push %d: cursors, indexes, documents, others, writes: %v, then %v, want %v", n, before, after, want)
		}
	}
	c := &counted{beside: b}
	follow("the same again", begin(c, ids[1]), c, b.publish(t, ids[1]))
	if c.writes != 0 {
		t.Errorf("nothing moved: %d writes", c.writes)
	}
	// Another one moves the pointer and follows before this one does, or in the middle.
	c = &counted{beside: b}
	a := begin(c, ids[0])
	mine := b.publish(t, ids[0])
	b.publish(t, ids[1])
	b.mustFollow(t, "the other")
	follow("late", a, c, mine)
	c = &counted{beside: b}
	a = begin(c, ids[0])
	mine = b.publish(t, ids[0])
	c.first = func() {
		b.publish(t, ids[1])
		b.mustFollow(t, "the other, in the middle")
	}
	follow("in the middle", a, c, mine)
	// Another one moves it and follows after this one has begun, and before it moves it.
	c = &counted{beside: b}
	a = begin(c, ids[1])
	b.publish(t, ids[0])
	b.mustFollow(t, "the other, before")
	follow("begun too early", a, c, b.publish(t, ids[1]))
	// Another one moves it, and has not followed yet: what it writes comes after this.
	c = &counted{beside: b}
	a = begin(c, ids[0])
	mine = b.publish(t, ids[0])
	theirs := b.publish(t, ids[1])
	if _, err := a.FollowMove(t.Context(), c, mine); err != nil {
		t.Fatal(err)
	}
	if s, err := storagev2.Look(t.Context(), b, servetest.Env); err != nil || !s.Behind || s.Cursor != mine.Generation {
		t.Errorf("between two: %+v, %v", s, err)
	}
	follow("theirs", nil, c, theirs)
}

// What is begun and not followed leaves nothing behind, and ends when it is closed.
func TestAheadOfNothing(t *testing.T) {
	b := newBeside(t)
	id := servetest.Publish(t, b.Bucket, 0, 3)
	m, err := b.Manifest(t.Context(), servetest.Env, id)
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{beside: b}
	a := storagev2.Begin(t.Context(), c, servetest.Env, storagev2.Target{Snapshot: id, Manifest: m})
	a.Close()
	if s, err := storagev2.Look(t.Context(), b, servetest.Env); err != nil || s.Cursor != 0 || !s.Behind || c.writes != 0 {
		t.Errorf("%+v, %v, %d writes", s, err, c.writes)
	}
	// Who follows all the same has all that was cut off read again.
	if _, err := a.FollowMove(t.Context(), b, &publish.Moved{Environment: servetest.Env, Changed: true, Generation: 1, Live: id, Manifest: m}); err != nil {
		t.Fatal(err)
	}
	b.mustBeRead(t, "after it was closed")
}
