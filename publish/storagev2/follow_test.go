package storagev2_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
	"github.com/regsnap/regsnap/publish/storagev2/v2test"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest"
)

// beside is a bucket with two registries that read its index.
type beside struct {
	*publish.Bucket
	readers []*v2test.Reader
}

func newBeside(t *testing.T) *beside {
	s := servers.StartGCS(t)
	s.Setenv(t)
	name := s.NamedBucket(t, "beside")
	b := &beside{Bucket: servetest.Open(t, s.URL(name))}
	for _, incremental := range []bool{false, true} {
		b.readers = append(b.readers, &v2test.Reader{Addr: s.Addr, Bucket: name, Prefix: layout.StorageRoot(servetest.Env) + "/", Incremental: incremental})
	}
	return b
}

// live are the documents of the live snapshot, without spaces around them.
func (b *beside) live(t *testing.T) map[string]json.RawMessage {
	t.Helper()
	p, err := b.Pointer(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	m, err := b.Manifest(t.Context(), servetest.Env, p.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]json.RawMessage{}
	for _, e := range m.Packages {
		body, err := b.Read(t.Context(), layout.ResponseKey(e.Document))
		if err != nil {
			t.Fatal(err)
		}
		out[e.Name+"-"+e.Version] = bytes.TrimSpace(body)
	}
	return out
}

// mustFollow has the index written, and the registries have what is live after it.
func (b *beside) mustFollow(t *testing.T, what string) *storagev2.Result {
	t.Helper()
	r, err := storagev2.Follow(t.Context(), b, servetest.Env)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	b.mustBeRead(t, what)
	return r
}

func (b *beside) mustBeRead(t *testing.T, what string) {
	t.Helper()
	want := b.live(t)
	for _, r := range b.readers {
		if err := r.Follow(t.Context()); err != nil {
			t.Fatalf("%s: incremental %t: %v", what, r.Incremental, err)
		}
		if !same(r.Packages, want) {
			t.Fatalf("%s: incremental %t: at %s it has %d packages, %d are live, or others", what, r.Incremental, r.Cursor, len(r.Packages), len(want))
		}
	}
	if s, err := storagev2.Look(t.Context(), b, servetest.Env); err != nil || s.Behind {
		t.Errorf("%s: %+v, %v", what, s, err)
	}
}

func same(a, b map[string]json.RawMessage) bool {
	if len(a) != len(b) {
		return false
	}
	for id, document := range a {
		if !bytes.Equal(document, b[id]) {
			return false
		}
	}
	return true
}

func (b *beside) rollback(t *testing.T) {
	t.Helper()
	l := b.Lease(publish.LeaseOptions{Purpose: "rollback"})
	r, err := l.PrepareRollback(t.Context(), servetest.Env, "")
	if err == nil {
		_, err = r.Do(t.Context(), publish.Note{}, false)
	}
	if err := errors.Join(err, l.Release(context.WithoutCancel(t.Context()))); err != nil {
		t.Fatal(err)
	}
}

var errKilled = errors.New("killed")

// killed is a bucket whose user dies: before the index, after it, or after the cursor.
type killed struct {
	*beside
	at int
}

func (k killed) Put(ctx context.Context, o layout.Object) error {
	if k.at == 0 {
		return errKilled
	}
	return k.beside.Put(ctx, o)
}

func (k killed) MoveCursor(ctx context.Context, env string, generation int64, old store.Token) error {
	if k.at == 1 {
		return errKilled
	}
	return errors.Join(k.beside.MoveCursor(ctx, env, generation, old), errKilled)
}

// Pushes, rollbacks, pins, prunes and deaths in any order: what registries read is a
// snapshot that is or was live, never one that was not, and the live one once someone
// has followed.
func TestFollow(t *testing.T) {
	b := newBeside(t)
	r := rand.New(rand.NewPCG(21, 0))
	if res, err := storagev2.Follow(t.Context(), b, servetest.Env); err != nil || res.Written {
		t.Fatalf("nothing is live: %+v, %v", res, err)
	}
	servetest.Publish(t, b.Bucket, 0, 9)
	first := b.mustFollow(t, "first")
	if !first.Written || first.Read != first.Packages || first.Cursor != first.Generation {
		t.Errorf("first: %+v", first)
	}
	if again := b.mustFollow(t, "again"); again.Written {
		t.Errorf("again: %+v", again)
	}
	last, deaths := 0, 0
	for step := range 9 {
		before := b.live(t)
		if step%4 == 3 {
			b.rollback(t)
		} else {
			last++
			servetest.Publish(t, b.Bucket, last, 9)
		}
		if step%2 == 0 {
			if s, err := storagev2.Look(t.Context(), b, servetest.Env); err != nil || !s.Behind {
				t.Errorf("nobody followed: %+v, %v", s, err)
			}
			_, err := storagev2.Follow(t.Context(), killed{b, deaths % 3}, servetest.Env)
			if !errors.Is(err, errKilled) {
				t.Fatalf("death %d: %v", deaths, err)
			}
			for _, reader := range b.readers {
				if err := reader.Follow(t.Context()); err != nil {
					t.Fatal(err)
				}
				if !same(reader.Packages, before) && !same(reader.Packages, b.live(t)) {
					t.Fatalf("after death %d a registry has what was not live", deaths)
				}
			}
			deaths++
		}
		if r.IntN(3) == 0 && step%4 != 3 {
			continue // another push comes before anyone follows
		}
		if res := b.mustFollow(t, "step"); res.Written && res.Read > 12 {
			t.Errorf("step %d: %d documents were read, of %d", step, res.Read, res.Packages)
		}
	}
	b.mustFollow(t, "the end")
	if _, err := b.Pin(t.Context(), servetest.Env, publish.Note{}); err != nil {
		t.Fatal(err)
	}
	if pinned := b.mustFollow(t, "pinned"); pinned.Written {
		t.Errorf("a pin changes nothing for readers: %+v", pinned)
	}
	plan, err := b.Prune(t.Context(), publish.PruneOptions{Keep: publish.Retention{Last: 1}})
	if err != nil || plan.Indexes.Objects == 0 || plan.Unknown > 0 {
		t.Fatalf("prune: %+v, %v", plan, err)
	}
	b.mustFollow(t, "pruned")
	servetest.Publish(t, b.Bucket, last+1, 10)
	b.mustFollow(t, "after prune")
	fresh := &v2test.Reader{Addr: b.readers[0].Addr, Bucket: b.readers[0].Bucket, Prefix: b.readers[0].Prefix}
	if err := fresh.Follow(t.Context()); err != nil || !same(fresh.Packages, b.live(t)) {
		t.Errorf("a registry that begins: %v", err)
	}
}

// An index that is damaged, or was not written by regsnap, is written again, and a cursor
// that cannot be right is said to be so.
func TestFollowDamaged(t *testing.T) {
	b := newBeside(t)
	servetest.Publish(t, b.Bucket, 0, 3)
	b.mustFollow(t, "first")
	p, err := b.Pointer(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	key := layout.IndexKey(servetest.Env, p.Generation)
	whole, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for n, damaged := range [][]byte{whole[:len(whole)/2], {}, append(bytes.Clone(whole[:len(whole)-200]), make([]byte, 200)...)} {
		if err := b.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := b.Put(t.Context(), layout.Object{Key: key, Body: damaged, ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
		servetest.Publish(t, b.Bucket, n+1, 3)
		r := b.mustFollowFull(t)
		key = layout.IndexKey(servetest.Env, r.Generation)
	}
	_, state, err := b.Cursor(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.MoveCursor(t.Context(), servetest.Env, 999, state); err != nil {
		t.Fatal(err)
	}
	if _, err := storagev2.Follow(t.Context(), b, servetest.Env); !errors.Is(err, storagev2.ErrAhead) {
		t.Errorf("the cursor is ahead: %v", err)
	}
}

// emptied is a bucket whose snapshot with that id has no packages. Builds make none like
// that, and what others wrote can be one.
type emptied struct {
	*beside
	id string
}

func (e emptied) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	m, err := e.beside.Manifest(ctx, env, id)
	if id == e.id && err == nil {
		m.Packages = nil
	}
	return m, err
}

// A snapshot that has no packages has no index: readers refuse one, and keep what they
// have. That is no failure, and what comes next is written.
func TestFollowEmpty(t *testing.T) {
	b := newBeside(t)
	mustStay := func(what, id string, cursor int64) {
		t.Helper()
		r, err := storagev2.Follow(t.Context(), emptied{b, id}, servetest.Env)
		if err != nil || r.Written || !r.Empty || r.Behind || r.Cursor != cursor {
			t.Errorf("%s: %+v, %v", what, r, err)
		}
		s, err := storagev2.Look(t.Context(), emptied{b, id}, servetest.Env)
		if err != nil || !s.Empty || s.Behind || s.Cursor != cursor || s.Generation <= cursor {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	mustStay("empty from the beginning", servetest.Publish(t, b.Bucket, 0, 0), 0)
	servetest.Publish(t, b.Bucket, 1, 0)
	if r := b.mustFollow(t, "packages"); !r.Written || r.Empty {
		t.Errorf("packages: %+v", r)
	}
	before := b.readers[0].Packages
	mustStay("none again", servetest.Publish(t, b.Bucket, 2, 0), 2)
	for _, r := range b.readers {
		if err := r.Follow(t.Context()); err != nil || !same(r.Packages, before) {
			t.Errorf("a reader of nothing new: %v, %d packages", err, len(r.Packages))
		}
	}
	servetest.Publish(t, b.Bucket, 3, 0)
	if r := b.mustFollow(t, "packages again"); !r.Written {
		t.Errorf("packages again: %+v", r)
	}
}

// mustFollowFull is mustFollow for readers that begin.
func (b *beside) mustFollowFull(t *testing.T) *storagev2.Result {
	t.Helper()
	for _, r := range b.readers {
		r.Cursor = ""
	}
	return b.mustFollow(t, "damaged")
}
