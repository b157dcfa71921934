package storagev2_test

import (
	"context"
	"iter"
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
	documents, indexes, others, writes int
	// first, if set, comes before the first write.
	first func()
}

func (c *counted) Read(ctx context.Context, key string) ([]byte, error) {
	if _, _, err := layout.ParseStorageKey(key); err == nil {
		c.indexes++
	} else {
		c.documents++
	}
	return c.beside.Read(ctx, key)
}

func (c *counted) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	c.others++
	return c.beside.Pointer(ctx, env)
}

func (c *counted) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	c.others++
	return c.beside.Manifest(ctx, env, id)
}

func (c *counted) Moves(ctx context.Context, env string) iter.Seq2[publish.Recorded, error] {
	c.others++
	return c.beside.Moves(ctx, env)
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
// what is live in the end.
func TestFollowMove(t *testing.T) {
	b := newBeside(t)
	ids := []string{servetest.Publish(t, b.Bucket, 0, 9), servetest.Publish(t, b.Bucket, 1, 9)}
	b.mustFollow(t, "first")
	follow := func(what string, m *publish.Moved, first func()) *counted {
		t.Helper()
		c := &counted{beside: b, first: first}
		if _, err := storagev2.FollowMove(t.Context(), c, m); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		b.mustBeRead(t, what)
		return c
	}
	for n := range 4 {
		c := follow("push", b.publish(t, ids[n%2]), nil)
		if c.writes != 2 || c.indexes != 1 || c.others != 0 || c.documents > 2 {
			t.Errorf("push %d: %d documents and %d indexes were read, %d other requests, %d writes", n, c.documents, c.indexes, c.others, c.writes)
		}
	}
	if c := follow("the same again", b.publish(t, ids[1]), nil); c.writes != 0 {
		t.Errorf("nothing moved: %d writes", c.writes)
	}
	// Another one moves the pointer and follows before this one does, or in the middle.
	mine := b.publish(t, ids[0])
	b.publish(t, ids[1])
	b.mustFollow(t, "the other")
	if c := follow("late", mine, nil); c.writes != 0 {
		t.Errorf("late: %d writes", c.writes)
	}
	mine = b.publish(t, ids[0])
	follow("in the middle", mine, func() {
		b.publish(t, ids[1])
		b.mustFollow(t, "the other, in the middle")
	})
	// Another one moves it, and has not followed yet: what it writes comes after this.
	mine = b.publish(t, ids[0])
	theirs := b.publish(t, ids[1])
	if _, err := storagev2.FollowMove(t.Context(), b, mine); err != nil {
		t.Fatal(err)
	}
	if s, err := storagev2.Look(t.Context(), b, servetest.Env); err != nil || !s.Behind || s.Cursor != mine.Generation {
		t.Errorf("between two: %+v, %v", s, err)
	}
	follow("theirs", theirs, nil)
}
