package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestStatus: everything that is known of an environment, one fact after the other.
func TestStatus(t *testing.T) {
	src := newEditions(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, b := t.Context(), openTest(t, "mem://")
		status := func() *Status {
			t.Helper()
			stored, err := b.Snapshots(ctx, testEnv)
			if err != nil {
				t.Fatal(err)
			}
			s, err := b.Status(ctx, testEnv, stored[testEnv])
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		id, lease, err := src.build(ctx, b, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(ctx); err != nil {
			t.Fatal(err)
		}
		if s := status(); s.Live != "" || s.Snapshots != 1 || len(s.Waiting) != 1 || s.Waiting[0].ID != id || s.LastMove != nil || !s.Since.IsZero() {
			t.Errorf("built, and never published: %+v", s)
		}
		time.Sleep(time.Hour)
		src.mustPublish(t, b, 0)
		time.Sleep(time.Hour)
		second := src.mustPublish(t, b, 1)
		published := time.Now().UTC().Truncate(time.Second)
		mustTag(t, b, "kept", id)
		time.Sleep(time.Hour)
		if _, err := b.Pin(ctx, testEnv, Note{By: "eve", Reason: "hold"}); err != nil {
			t.Fatal(err)
		}
		third, lease, err := src.build(ctx, b, 2)
		if err != nil {
			t.Fatal(err)
		}
		if err := lease.Release(ctx); err != nil {
			t.Fatal(err)
		}
		s := status()
		if s.Live != second.Snapshot || s.Snapshots != 3 || s.Packages != 3 || s.Regsnap != "test" || s.Fault != "" {
			t.Errorf("status: %+v", s)
		}
		if len(s.Waiting) != 1 || s.Waiting[0].ID != third {
			t.Errorf("waiting are %+v, want the third", s.Waiting)
		}
		if len(s.Tags) != 1 || s.Tags[0].Name != "kept" || s.Tags[0].Snapshot != id {
			t.Errorf("tags are %+v", s.Tags)
		}
		if s.Pinned == nil || s.Pinned.By != "eve" || s.Pinned.Reason != "hold" {
			t.Errorf("pinned is %+v", s.Pinned)
		}
		// A pin is no move to where it is live.
		if s.LastMove == nil || s.LastMove.Kind != layout.MovePublish || s.LastMove.By != "ada" || !s.Since.Equal(published) {
			t.Errorf("live since %s by %+v, want %s", s.Since, s.LastMove, published)
		}
		if len(s.Branches) != 1 || s.Branches[0].Name != "production" || s.Branches[0].Commit != fmt.Sprintf("%040x", 2) {
			t.Errorf("branches are %+v", s.Branches)
		}
	})
}

// TestRecoveryIsBounded: a pointer that is made again has as many moves as one remembers,
// and is made of the last 1,000 entries of the log.
func TestRecoveryIsBounded(t *testing.T) {
	src := newEditions(t)
	for _, c := range []struct {
		moves int
		first bool // the first snapshot is among those that are looked at
	}{{layout.MaxMoves - 1, true}, {layout.MaxMoves, true}, {mostReplayed, true}, {mostReplayed + 1, false}} {
		b := openTest(t, "mem://")
		first, second := src.mustPublish(t, b, 0).Snapshot, src.mustPublish(t, b, 1).Snapshot
		// The log says that the second was live from its second entry on.
		for g := 2; g <= c.moves; g++ {
			key := layout.AuditKey(testEnv, int64(g))
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
			kind := layout.MovePin
			if g%2 == 0 {
				kind = layout.MoveUnpin
			}
			entry := layout.AuditObject(layout.Audit{Format: layout.AuditFormat, Environment: testEnv, Generation: int64(g),
				Move: layout.Move{Snapshot: second, Kind: kind, By: "ada", At: time.Date(2024, 1, 1, 0, 0, g, 0, time.UTC)}})
			if err := b.Put(t.Context(), entry); err != nil {
				t.Fatal(err)
			}
		}
		for _, key := range []string{layout.PointerKey(testEnv), layout.ManifestKey(testEnv, second)} {
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		l := b.Lease(LeaseOptions{Purpose: "recover"})
		r, err := l.PrepareRecovery(t.Context(), testEnv, RecoverOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if byLog := r.Why == "of those that are whole it was live last, by the audit log"; r.Snapshot != first || byLog != c.first {
			t.Errorf("%d moves: %s, because %s", c.moves, r.Snapshot, r.Why)
		}
		if _, err := r.Do(t.Context(), Note{}); err != nil {
			t.Fatal(err)
		}
		p, err := b.Pointer(t.Context(), testEnv)
		if err != nil {
			t.Fatal(err)
		}
		if want := min(c.moves+1, layout.MaxMoves); len(p.Moves) != want || p.Generation != int64(c.moves)+1 {
			t.Errorf("%d moves: the pointer has %d of generation %d, want %d", c.moves, len(p.Moves), p.Generation, want)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestOfOneOnly: of what both snapshots have nothing is looked for.
func TestOfOneOnly(t *testing.T) {
	pkg := func(name string) layout.ManifestPackage {
		return layout.ManifestPackage{Name: name, Version: "1.0.0", Revision: "00000000000000000000"}
	}
	response := func(text string) layout.ManifestResponse {
		return layout.ManifestResponse{Digest: layout.DigestOf([]byte(text)), Size: 1}
	}
	live := &layout.Manifest{Packages: []layout.ManifestPackage{pkg("both"), pkg("live")}, Responses: []layout.ManifestResponse{response("both"), response("live")}}
	to := &layout.Manifest{Packages: []layout.ManifestPackage{pkg("both"), pkg("to")}, Responses: []layout.ManifestResponse{response("both"), response("to")}}
	got := ofOneOnly(live, to)
	slices.Sort(got)
	want := append(response("to").Keys(), revisionOf(pkg("to")).ContentsKey(), revisionOf(pkg("to")).ArchiveKey())
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("looked for are %q, want %q", got, want)
	}
}

// TestRecoveryGivesUp: when a hundred snapshots are not whole no more are tried.
func TestRecoveryGivesUp(t *testing.T) {
	b := openTest(t, "mem://")
	for n := range mostSkipped + 1 {
		id := fmt.Sprintf("20240101T%06dZ-000000000000", n)
		if err := b.Put(t.Context(), layout.Object{Key: layout.ManifestKey(testEnv, id), Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
	}
	r, err := b.Lease(LeaseOptions{}).PrepareRecovery(t.Context(), testEnv, RecoverOptions{})
	if !errors.Is(err, ErrNothingWhole) || len(r.Skipped) != mostSkipped {
		t.Errorf("%d are skipped, want %d: %v", len(r.Skipped), mostSkipped, err)
	}
}

// TestWhoPinned: a pin says who has it, the end of one who had it.
func TestWhoPinned(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	pinned, err := b.Pin(t.Context(), testEnv, Note{By: "eve", Reason: "hold"})
	if err != nil || !pinned.Changed || pinned.Pin == nil || pinned.Pin.By != "eve" || pinned.Live != id {
		t.Errorf("pinned: %+v, %v", pinned, err)
	}
	again, err := b.Pin(t.Context(), testEnv, Note{By: "ada"})
	if err != nil || again.Changed || again.Pin == nil || again.Pin.By != "eve" {
		t.Errorf("pinned again: %+v, %v", again, err)
	}
	free, err := b.Unpin(t.Context(), testEnv, Note{By: "ada"})
	if err != nil || !free.Changed || free.Pin == nil || free.Pin.By != "eve" || free.Pin.Reason != "hold" {
		t.Errorf("free: %+v, %v", free, err)
	}
	if free, err = b.Unpin(t.Context(), testEnv, Note{By: "ada"}); err != nil || free.Changed || free.Pin != nil {
		t.Errorf("free again: %+v, %v", free, err)
	}
}

// TestDamageIsTold: status, history, a check and a recovery say what is damaged, and still
// what is known.
func TestDamageIsTold(t *testing.T) {
	src := newEditions(t)
	whole := openTest(t, "mem://")
	var ids []string
	for n := range 3 {
		ids = append(ids, src.mustPublish(t, whole, n).Snapshot)
	}
	damaged := func(key, body string) *Bucket {
		c := copyOf(t, whole)
		if c[key] = []byte(body); body == "" {
			delete(c, key)
		}
		return In(c.open(t))
	}
	b := damaged(layout.ManifestKey(testEnv, ids[2]), "x")
	stored, err := b.Snapshots(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := b.Status(t.Context(), testEnv, stored[testEnv]); !errors.Is(err, ErrDamaged) || s.Live != ids[2] || s.Fault != err.Error() || s.Snapshots != 3 {
		t.Errorf("status: %+v, %v", s, err)
	}
	h, err := b.History(t.Context(), testEnv, 0)
	if err != nil || !errors.Is(h.Faults(), ErrDamaged) || h.Events[0].Damaged == "" || h.Events[1].Damaged != "" || h.Events[0].Changes != nil || h.Events[1].Changes == nil {
		t.Errorf("history: %+v, %v", h, err)
	}
	pointer := damaged(layout.PointerKey(testEnv), "x")
	found := 0
	if err := pointer.VerifyAll(t.Context(), VerifyOptions{}, func(v *Verification) error { found += len(v.Faults); return nil }); err != nil || found != 1 {
		t.Errorf("%d faults, %v", found, err)
	}
	stop := errors.New("stop")
	if err := whole.VerifyAll(t.Context(), VerifyOptions{}, func(*Verification) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("told to stop: %v", err)
	}
	if err := pointer.VerifyAll(t.Context(), VerifyOptions{}, func(*Verification) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("told to stop at a pointer: %v", err)
	}
	// What is sound is counted, byte by byte.
	objects, bytes := 0, int64(0)
	for o, err := range whole.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(o.Key, layout.AuditPrefix) && !strings.HasPrefix(o.Key, layout.EnvironmentsPrefix) {
			objects, bytes = objects+1, bytes+o.Size
		}
	}
	var all Checked
	if err := whole.VerifyAll(t.Context(), VerifyOptions{}, func(v *Verification) error {
		all.Objects, all.Bytes = all.Objects+v.Checked.Objects, all.Bytes+v.Checked.Bytes
		return nil
	}); err != nil || all.Objects != objects || all.Bytes != bytes {
		t.Errorf("%d objects of %d bytes were checked, there are %d of %d, %v", all.Objects, all.Bytes, objects, bytes, err)
	}
	l := pointer.Lease(LeaseOptions{Purpose: "recover"})
	r, err := l.PrepareRecovery(t.Context(), testEnv, RecoverOptions{Snapshot: ids[0]})
	if err != nil || r.Snapshot != ids[0] || r.Why != "it was named" || r.Fault == "" {
		t.Errorf("of a named one: %+v, %v", r, err)
	}
	if r, err := l.PrepareRecovery(t.Context(), "staging", RecoverOptions{}); !errors.Is(err, ErrNothingLive) || !strings.Contains(err.Error(), "staging") {
		t.Errorf("of an environment that never was: %+v, %v", r, err)
	}
	if err := l.alive(t.Context()); !errors.Is(err, ErrPruned) {
		t.Errorf("a lease that is not held: %v", err)
	}
	if v, err := whole.Verify(t.Context(), testEnv, "20990101T000000Z-000000000000", VerifyOptions{}); !errors.Is(err, ErrNoSnapshot) {
		t.Errorf("a snapshot that is not there: %+v, %v", v, err)
	}
	lease := whole.Lease(LeaseOptions{Purpose: "rollback"})
	back, err := lease.PrepareRollback(t.Context(), testEnv, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if m, err := back.Do(t.Context(), Note{}, false); err != nil || m.Manifest == nil || m.Manifest.ID() != ids[0] {
		t.Errorf("gone back: %+v, %v", m, err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if plan, err := whole.Prune(t.Context(), PruneOptions{Keep: Retention{Last: -1}}); err == nil {
		t.Errorf("of less than nothing: %+v", plan)
	}
}

// late is a store in which the pointer is not there at the first look.
type late struct {
	store.Store
	looked bool
}

func (l *late) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	if !l.looked && key == layout.PointerKey(testEnv) {
		l.looked = true
		return nil, "", fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return l.Store.Load(ctx, key)
}

// TestFirstMoveMeanwhile: a pointer that comes while it is asked for, after which the log has
// its move, is not lost.
func TestFirstMoveMeanwhile(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	if p, err := In(&late{Store: b.store}).Pointer(t.Context(), testEnv); err != nil || p.Snapshot != id {
		t.Errorf("%+v, %v", p, err)
	}
	// One that never was is not lost either, and one that is lost is.
	if _, err := b.Pointer(t.Context(), "staging"); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("one that never was: %v", err)
	}
	if err := b.Delete(t.Context(), layout.PointerKey(testEnv)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pointer(t.Context(), testEnv); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), id) {
		t.Errorf("one that is lost: %v", err)
	}
	// If the last entry of the log cannot be read either, it is not known what was live.
	if err := b.replaceLive(t.Context(), layout.Object{Key: layout.AuditKey(testEnv, 1), Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pointer(t.Context(), testEnv); !errors.Is(err, ErrDamaged) || strings.Contains(err.Error(), "was live") || !strings.Contains(err.Error(), "regsnap recover") {
		t.Errorf("one that is lost, and its log is damaged: %v", err)
	}
}
