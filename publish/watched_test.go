package publish

import (
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// reversed is a store that lists what others list first at the end, and counts the bodies
// that are open.
type reversed struct {
	store.Store
	bodies *atomic.Int32
}

func (r reversed) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	body, size, err := r.Store.Open(ctx, key, offset, length)
	if err != nil {
		return nil, 0, err
	}
	r.bodies.Add(1)
	return &counted{ReadCloser: body, bodies: r.bodies}, size, nil
}

// counted is a body that is counted until it is closed.
type counted struct {
	io.ReadCloser
	bodies *atomic.Int32
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.bodies.Add(-1)
	}
	return c.ReadCloser.Close()
}

func (r reversed) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	return func(yield func(store.ObjectInfo, error) bool) {
		var all []store.ObjectInfo
		for o, err := range r.Store.List(ctx, prefix) {
			if err != nil {
				yield(o, err)
				return
			}
			all = append(all, o)
		}
		for _, o := range slices.Backward(all) {
			if !yield(o, nil) {
				return
			}
		}
	}
}

// TestOrderOfListings: what is said of a bucket does not depend on the order in which its
// store lists objects, and what was opened is closed.
func TestOrderOfListings(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	var ids []string
	for n := range 4 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	for i, name := range []string{"kept", "going", "also"} {
		mustTag(t, b, name, ids[i])
	}
	full := copyOf(t, b)
	for _, env := range []string{"staging", "another"} {
		full[layout.PointerKey(env)] = layout.Pointer{}.After(env, layout.Move{Kind: layout.MovePublish, Snapshot: ids[3], At: time.Now().UTC()}).Encode()
	}
	m, err := b.Manifest(t.Context(), testEnv, ids[3])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range readings(ids, m) {
		if strings.Contains(f.name, "prune") || f.name == "verify all" { // the other environments have no snapshots
			continue
		}
		begin := bucketCopy{}
		for key, body := range full {
			begin[key] = body
		}
		if f.damage != nil {
			f.damage(begin)
		}
		s := begin.open(t)
		want, err := f.run(t.Context(), In(s))
		if err != nil {
			t.Fatalf("%s: %v", f.name, err)
		}
		r := reversed{s, new(atomic.Int32)}
		got, err := f.run(t.Context(), In(r))
		if err != nil || asJSON(t, got) != asJSON(t, want) {
			t.Errorf("%s: %s, %v; want %s", f.name, asJSON(t, got), err, asJSON(t, want))
		}
		if n := r.bodies.Load(); n != 0 {
			t.Errorf("%s: %d objects are still open", f.name, n)
		}
		if list, is := want.([]string); is && f.name == "environments" && !slices.Equal(list, []string{"another", "production", "staging"}) {
			t.Errorf("the environments are %q", list)
		}
	}
}

// TestSizes: what a revision has, and of how many bytes each is.
func TestSizes(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	m := mustRead(t, b, src.mustPublish(t, b, 0).Snapshot)
	all := copyOf(t, b)
	for _, p := range m.Packages {
		rev := revisionOf(p)
		sizes, err := b.Sizes(t.Context(), rev)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for key, body := range all {
			if !strings.HasPrefix(key, rev.Prefix()) {
				continue
			}
			if n++; sizes[key] != int64(len(body)) {
				t.Errorf("%s has %d bytes, and not %d", key, len(body), sizes[key])
			}
		}
		if n < 3 || len(sizes) != n {
			t.Errorf("%s: %d objects, want %d", rev, len(sizes), n)
		}
	}
}

// looked counts how often the lock of prune is read.
type looked struct {
	store.Store
	n int
}

func (l *looked) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if key == layout.PruneLockKey {
		l.n++
	}
	return l.Store.Load(ctx, key)
}

// TestLooksWhileSweeping: where objects go one by one the lock is looked at for each 64th.
func TestLooksWhileSweeping(t *testing.T) {
	l := &looked{Store: openTest(t, "mem://").store}
	b := In(l)
	lock, err := b.newHeartbeat(t.Context(), layout.PruneLockKey, layout.Lease{Format: layout.LeaseFormat, Purpose: "prune"}, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 129 {
		before := l.n
		if once, err := b.sweep(t.Context(), lock, "packages/none"); !once || err != nil {
			t.Fatalf("object %d: %t, %v", i+1, once, err)
		}
		if looks := l.n - before; (looks == 1) != (i == 63 || i == 127) || looks > 1 {
			t.Errorf("object %d: the lock is looked at %d times", i+1, looks)
		}
	}
	if err := lock.end(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestMovesAreDated: each move says when it was made, in whole seconds of UTC, by whom and
// why, in the pointer, in the audit log and in tags.
func TestMovesAreDated(t *testing.T) {
	src := newEditions(t)
	for n := range 3 {
		if _, err := src.edition(n); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := openTest(t, "mem://")
		note := Note{By: "grace", Reason: "a test"}
		ids := []string{src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot}
		// now is a time between two seconds, later each time.
		now := func() time.Time {
			time.Sleep(90*time.Second + 700*time.Millisecond)
			return time.Now().UTC().Truncate(time.Second)
		}
		is := func(what string, m layout.Move, at time.Time) {
			t.Helper()
			if !m.At.Equal(at) || m.At.Nanosecond() != 0 || m.By != "grace" || m.Reason != "a test" {
				t.Errorf("%s: %+v, want %s", what, m, at)
			}
		}
		under := func(run func(l *Lease) error) error {
			l := b.Lease(LeaseOptions{Purpose: "test"})
			return errors.Join(run(l), l.Release(t.Context()))
		}
		for _, c := range []struct {
			name string
			kind layout.MoveKind
			run  func() error
		}{
			{"pin", layout.MovePin, func() error { return second(b.Pin(t.Context(), testEnv, note)) }},
			{"unpin", layout.MoveUnpin, func() error { return second(b.Unpin(t.Context(), testEnv, note)) }},
			{"rollback", layout.MoveRollback, func() error {
				return under(func(l *Lease) error {
					r, err := l.PrepareRollback(t.Context(), testEnv, ids[0])
					if err != nil {
						return err
					}
					return second(r.Do(t.Context(), note, false))
				})
			}},
			{"publish", layout.MovePublish, func() error { return second(src.publish(t.Context(), b, 2, note)) }},
			{"recover", layout.MoveRecover, func() error {
				if err := b.Delete(t.Context(), layout.PointerKey(testEnv)); err != nil {
					return err
				}
				return under(func(l *Lease) error {
					r, err := l.PrepareRecovery(t.Context(), testEnv, RecoverOptions{})
					if err != nil {
						return err
					}
					return second(r.Do(t.Context(), note))
				})
			}},
		} {
			at := now()
			if err := c.run(); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			p, err := b.Pointer(t.Context(), testEnv)
			if err != nil {
				t.Fatal(err)
			}
			is(c.name+", in the pointer", p.Moves[0], at)
			a, err := b.audited(t.Context(), testEnv, p.Generation)
			if err != nil {
				t.Fatal(err)
			}
			if is(c.name+", in the log", a.Move, at); a.Kind != c.kind || a.Late {
				t.Errorf("%s: the entry is %+v", c.name, a)
			}
		}
		for _, c := range []struct {
			name string
			run  func(l *Lease) (*Tagged, error)
		}{
			{"tag", func(l *Lease) (*Tagged, error) { return l.Tag(t.Context(), testEnv, "kept", ids[1], note, false) }},
			{"untag", func(*Lease) (*Tagged, error) { return b.Untag(t.Context(), testEnv, "kept", note) }},
		} {
			at := now()
			if err := under(func(l *Lease) error { return second(c.run(l)) }); err != nil {
				t.Fatal(err)
			}
			tag, _, err := b.tag(t.Context(), testEnv, "kept")
			if err != nil {
				t.Fatal(err)
			}
			is(c.name, layout.Move{At: tag.At, By: tag.By, Reason: tag.Reason}, at)
		}
		at := now()
		if _, err := b.Prune(t.Context(), PruneOptions{Retire: []string{testEnv}, By: "grace"}); err != nil {
			t.Fatal(err)
		}
		generations, err := b.recordedGenerations(t.Context(), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		a, err := b.audited(t.Context(), testEnv, generations[0])
		if err != nil || !a.At.Equal(at) || a.By != "grace" || a.Kind != layout.MoveRetire || a.Environment != testEnv || a.Generation != generations[1]+1 {
			t.Errorf("retired: %+v, %v; want %s", a, err, at)
		}
	})
}

// TestNewestFirst: by when they were stored, at one time by their digests, whatever the
// dates in their ids; and those that were published in that order.
func TestNewestFirst(t *testing.T) {
	at := func(seconds int) time.Time { return time.Date(2026, 1, 1, 0, 0, seconds, 0, time.UTC) }
	const a, b, c, d = "20240101T000000Z-00000000000a", "20230101T000000Z-00000000000b", "20220101T000000Z-00000000000c", "20210101T000000Z-00000000000d"
	for _, x := range []struct {
		stored    []Stored
		published []string
		want      []string
	}{
		{[]Stored{{a, at(1)}, {b, at(3)}, {c, at(2)}}, nil, []string{b, c, a}},
		{[]Stored{{c, at(1)}, {b, at(1)}, {a, at(1)}}, nil, []string{a, b, c}},
		{[]Stored{{a, at(1)}, {b, at(2)}, {c, at(3)}, {d, at(4)}}, []string{a, c}, []string{d, a, b, c}},
		{[]Stored{{a, at(1)}, {b, at(2)}}, []string{d, b, a}, []string{b, a}},
	} {
		var p layout.Pointer
		for _, id := range slices.Backward(x.published) {
			p = p.After(testEnv, layout.Move{Kind: layout.MovePublish, Snapshot: id})
		}
		newestFirst(x.stored, p)
		var got []string
		for _, s := range x.stored {
			got = append(got, s.ID)
		}
		if !slices.Equal(got, x.want) {
			t.Errorf("published %q: %q, want %q", x.published, got, x.want)
		}
	}
}
