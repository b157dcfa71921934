package storagev2

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

var errFails = errors.New("it fails")

// TestLook has a row for each state in which an index can be.
func TestLook(t *testing.T) {
	type moves = []publish.Recorded
	for _, c := range []struct {
		name   string
		cursor int64
		live   int64 // the pointer's generation
		empty  bool
		moves  moves
		fails  string
		want   State
		err    error
		asks   string
	}{
		{name: "nothing", asks: "cursor pointer"},
		{name: "no index", live: 3, want: State{Generation: 3, Behind: true}, asks: "cursor pointer manifest"},
		{name: "no index of nothing", live: 3, empty: true, want: State{Generation: 3, Empty: true}, asks: "cursor pointer manifest"},
		{name: "an index and no pointer", cursor: 3, want: State{Cursor: 3}, asks: "cursor pointer"},
		{name: "at it", cursor: 3, live: 3, want: State{Cursor: 3, Generation: 3}, asks: "cursor pointer"},
		{name: "ahead", cursor: 4, live: 3, want: State{Cursor: 4, Generation: 3}, err: errAhead, asks: "cursor pointer"},
		{name: "published since", cursor: 2, live: 3, moves: moves{moved(3, layout.MovePublish)}, want: State{Cursor: 2, Generation: 3, Behind: true}, asks: "cursor pointer manifest"},
		{name: "rolled back since", cursor: 2, live: 4, moves: moves{moved(4, layout.MovePin), moved(3, layout.MoveRollback)}, want: State{Cursor: 2, Generation: 4, Behind: true}, asks: "cursor pointer manifest"},
		{name: "published since, nothing", cursor: 2, live: 3, empty: true, moves: moves{moved(3, layout.MovePublish)}, want: State{Cursor: 2, Generation: 3, Empty: true}, asks: "cursor pointer manifest"},
		{name: "pinned and let go", cursor: 2, live: 4, moves: moves{moved(4, layout.MoveUnpin), moved(3, layout.MovePin), moved(2, layout.MovePublish)}, want: State{Cursor: 2, Generation: 4}, asks: "cursor pointer"},
		{name: "pinned, and prune wrote the pointer", cursor: 2, live: 4, moves: moves{moved(3, layout.MovePin), moved(1, layout.MovePublish)}, want: State{Cursor: 2, Generation: 4}, asks: "cursor pointer"},
		{name: "only prune wrote it", cursor: 2, live: 3, want: State{Cursor: 2, Generation: 3}, asks: "cursor pointer moves"},
		{name: "an entry that cannot be read", cursor: 2, live: 3, moves: moves{moved(3, layout.MovePin, "damaged")}, want: State{Cursor: 2, Generation: 3, Behind: true}, asks: "cursor pointer manifest"},
		{name: "no cursor can be read", fails: "cursor", live: 3, err: errFails, asks: "cursor"},
		{name: "no pointer can be read", fails: "pointer", cursor: 2, live: 3, want: State{Cursor: 2}, err: errFails, asks: "cursor pointer"},
		{name: "no moves can be read", fails: "moves", cursor: 2, live: 3, want: State{Cursor: 2, Generation: 3}, err: errFails, asks: "cursor pointer moves"},
		{name: "no manifest can be read", fails: "manifest", live: 3, want: State{Generation: 3, Behind: true}, err: errFails, asks: "cursor pointer manifest"},
	} {
		f := newFake(c.live, "a-1.0.0")
		if f.cursor, f.moves = c.cursor, c.moves; c.empty {
			f.publish(c.live, "empty")
		}
		if c.fails != "" {
			f.fails[c.fails] = errFails
		}
		got, err := Look(t.Context(), f, env)
		if got != c.want || !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %+v, %v; want %+v, %v", c.name, got, err, c.want, c.err)
		}
		if asks := f.calls(); asks != c.asks {
			t.Errorf("%s: it asks for %s, want %s", c.name, asks, c.asks)
		}
		if c.err == errAhead && !strings.HasPrefix(fmt.Sprint(err), "the cursor is ahead of the pointer of production: 4, and the pointer is at 3: ") {
			t.Errorf("%s: it says %v", c.name, err)
		}
	}
}

// TestLookAgain: a snapshot that is not there was live a moment ago.
func TestLookAgain(t *testing.T) {
	f := newFake(3, "a-1.0.0")
	delete(f.live, "s3")
	f.before = func(call string) {
		if call == "manifest" && f.pointer.Generation == 3 {
			f.publish(4, "s4")
		}
	}
	if s, err := Look(t.Context(), f, env); err != nil || s != (State{Generation: 4, Empty: true}) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestFollowSteps: what is asked and written in each state, and what comes out.
func TestFollowSteps(t *testing.T) {
	f := newFake(0)
	follow := func(what, asks string, want Result) {
		t.Helper()
		r, err := Follow(t.Context(), f, env)
		if r.Written {
			want.Bytes = int64(len(f.objects[layout.IndexKey(env, r.Generation)]))
		}
		if err != nil || *r != want {
			t.Errorf("%s: %+v, %v; want %+v", what, *r, err, want)
		}
		if got := f.calls(); got != asks {
			t.Errorf("%s: it asks for %s, want %s", what, got, asks)
		}
	}
	follow("nothing is live", "cursor pointer", Result{})
	f.publish(1, "s1")
	follow("an empty snapshot", "cursor pointer manifest", Result{State: State{Generation: 1, Empty: true}})
	f.publish(3, "s3", "a-1.0.0", "b-1.0.0")
	follow("the first", "cursor pointer manifest document document put move", Result{State: State{Cursor: 3, Generation: 3}, Written: true, Packages: 2, Read: 2})
	f.wantIndex(t, 3, "a-1.0.0", "b-1.0.0")
	follow("again", "cursor pointer", Result{State: State{Cursor: 3, Generation: 3}})
	f.publish(4, "s4", "a-1.0.0", "b-1.0.0", "b-1.1.0")
	f.moves = []publish.Recorded{moved(4, layout.MovePublish)}
	follow("one more", "cursor pointer manifest index document put move", Result{State: State{Cursor: 4, Generation: 4}, Written: true, Packages: 3, Read: 1})
	f.wantIndex(t, 4, "a-1.0.0", "b-1.0.0", "b-1.1.0")
	f.publish(5, "s5")
	f.moves = []publish.Recorded{moved(5, layout.MovePublish)}
	follow("none any more", "cursor pointer manifest", Result{State: State{Cursor: 4, Generation: 5, Empty: true}})
	for n, damage := range []func(key string){
		func(key string) { delete(f.objects, key) },
		func(key string) { f.objects[key] = []byte("no index") },
		func(key string) { f.fails["read "+key] = layout.ErrDamaged },
	} {
		damage(layout.IndexKey(env, f.cursor))
		generation := int64(6 + n)
		f.publish(generation, "again", "a-1.0.0", "b-1.0.0")
		f.moves = []publish.Recorded{moved(generation, layout.MovePublish)}
		follow("the index before is damaged", "cursor pointer manifest index document document put move",
			Result{State: State{Cursor: generation, Generation: generation}, Written: true, Packages: 2, Read: 2})
		f.wantIndex(t, generation, "a-1.0.0", "b-1.0.0")
	}
}

// TestFollowFails has each call of Follow fail: it says so, and the cursor stays.
func TestFollowFails(t *testing.T) {
	for call, says := range map[string]string{
		"cursor": "", "pointer": "", "moves": "", "manifest": "", "read storage/": "", "read responses/": "the index of s3: ", "put storage/": "", "move": "move the cursor of production: ",
	} {
		f := newFake(3, "a-1.0.0")
		if f.cursor = 2; call != "moves" {
			f.moves = []publish.Recorded{moved(3, layout.MoveRollback)}
		}
		f.fails[call] = errFails
		r, err := Follow(t.Context(), f, env)
		if !errors.Is(err, errFails) || !strings.HasPrefix(err.Error(), says) || r.Written || f.cursor != 2 {
			t.Errorf("%s: %v, %+v, and the cursor is at %d", call, err, r, f.cursor)
		}
		want := State{Cursor: 2, Generation: 3, Behind: true}
		switch call {
		case "cursor", "pointer":
			want = State{}
		case "moves":
			want.Behind = false
		}
		if r.State != want {
			t.Errorf("%s: the state is %+v, want %+v", call, r.State, want)
		}
	}
	f := newFake(3, "a-1.0.0")
	for key := range f.objects {
		f.objects[key] = []byte("another")
	}
	if _, err := Follow(t.Context(), f, env); !errors.Is(err, layout.ErrDamaged) || !strings.Contains(err.Error(), "responses/") {
		t.Errorf("a document that is not what its name says: %v", err)
	}
}

// TestFollowRaces: who finds the cursor moved begins again, twenty times.
func TestFollowRaces(t *testing.T) {
	for what, fails := range map[string]struct {
		call string
		err  error
	}{"conflicts": {"move", store.ErrConflict}, "snapshots that are gone": {"manifest", publish.ErrNoSnapshot}} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(3, "a-1.0.0")
			f.fails[fails.call] = fails.err
			begun := time.Now()
			_, err := Follow(t.Context(), f, env)
			n := strings.Count(f.calls(), fails.call)
			if !errors.Is(err, fails.err) || n != 20 || time.Since(begun) > 19*100*time.Millisecond {
				t.Errorf("%s: %d attempts in %s, %v", what, n, time.Since(begun), err)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := newFake(3, "a-1.0.0")
		f.before = func(call string) {
			if call == "move" { // another one was faster
				f.before, f.cursor = nil, 3
			}
		}
		if r, err := Follow(t.Context(), f, env); err != nil || r.Written || r.State != (State{Cursor: 3, Generation: 3}) {
			t.Errorf("another one was faster: %+v, %v", r, err)
		}
		if got := f.calls(); got != "cursor pointer manifest document put move cursor pointer" {
			t.Errorf("another one was faster: %s", got)
		}
	})
}

// TestMoveRaces: who was slower than another, with what it made ahead, looks again.
func TestMoveRaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(3, "a-1.0.0")
		f.before = func(call string) {
			time.Sleep(time.Second) // so that the move comes before what is made ahead
			if call == "move" {
				f.before, f.cursor = nil, 3
			}
		}
		a := Begin(t.Context(), f, env, Target{Snapshot: "s3", Manifest: f.live["s3"]})
		defer a.Close()
		r, err := a.FollowMove(t.Context(), f, &publish.Moved{Environment: env, Snapshot: "s3", Live: "s3", Generation: 3, Changed: true, Manifest: f.live["s3"]})
		if err != nil || r.Written || r.State != (State{Cursor: 3, Generation: 3}) {
			t.Errorf("%+v, %v", r, err)
		}
		if got := f.calls(); got != "cursor document put move cursor pointer" {
			t.Errorf("it asks for %s", got)
		}
	})
}

// TestMoves: what a move knows is not asked for, where it says what is live.
func TestMoves(t *testing.T) {
	const looks = "cursor pointer manifest document put move"
	for _, c := range []struct {
		name   string
		change func(f *fake, m *publish.Moved)
		asks   string
	}{
		{"moved", func(*fake, *publish.Moved) {}, "cursor document put move"},
		{"not moved", func(_ *fake, m *publish.Moved) { m.Changed = false }, looks},
		{"held", func(_ *fake, m *publish.Moved) { m.Held = true }, looks},
		{"without a manifest", func(_ *fake, m *publish.Moved) { m.Manifest = nil }, looks},
		{"the cursor is there", func(f *fake, _ *publish.Moved) { f.cursor = 3 }, "cursor pointer"},
		{"the cursor was before", func(f *fake, _ *publish.Moved) { f.cursor = 2 }, "cursor index document put move"},
	} {
		f := newFake(3, "a-1.0.0")
		m := &publish.Moved{Environment: env, Snapshot: "s3", Live: "s3", Generation: 3, Changed: true, Manifest: f.live["s3"]}
		c.change(f, m)
		var none *Ahead
		r, err := none.FollowMove(t.Context(), f, m)
		if err != nil || r.State != (State{Cursor: 3, Generation: 3}) {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		if got := f.calls(); got != c.asks {
			t.Errorf("%s: it asks for %s, want %s", c.name, got, c.asks)
		}
		none.Close()
	}
}

// TestAhead: what is read and made ahead, and what is left to do.
func TestAhead(t *testing.T) {
	for _, c := range []struct {
		name, before, after string
		target              func(f *fake) Target
		change              func(f *fake)
	}{
		{"made", "cursor index document", "put move", func(f *fake) Target { return Target{Snapshot: "s3", Manifest: f.live["s3"]} }, nil},
		{"read", "cursor index", "document put move", func(*fake) Target { return Target{Snapshot: "s3"} }, nil},
		{"of no packages", "cursor index", "document put move", func(*fake) Target { return Target{Snapshot: "s3", Manifest: &layout.Manifest{}} }, nil},
		{"of another", "cursor index document", "document put move", func(f *fake) Target { return Target{Snapshot: "s1", Manifest: f.live["s3"]} }, nil},
		{"with documents", "cursor index", "put move", func(f *fake) Target {
			d := new(Documents)
			d.Keep(f.live["s3"].Packages[0].Document, document("a-1.0.0"))
			return Target{Snapshot: "s3", Manifest: f.live["s3"], Documents: d}
		}, nil},
		{"with documents of a snapshot that is not known", "cursor index", "put move", func(f *fake) Target {
			d := new(Documents)
			d.Keep(f.live["s3"].Packages[0].Document, document("a-1.0.0"))
			return Target{Snapshot: "s3", Documents: d}
		}, nil},
		{"in vain, without a cursor", "cursor", "cursor index document put move", func(f *fake) Target { return Target{Snapshot: "s3"} }, func(f *fake) { f.fails["cursor"] = errFails }},
		{"in vain, without an index", "cursor index", "cursor index document put move", func(f *fake) Target { return Target{Snapshot: "s3"} }, func(f *fake) { f.fails["read storage/"] = errFails }},
		{"in vain, without a document", "cursor index document", "cursor index document put move", func(f *fake) Target { return Target{Snapshot: "s3", Manifest: f.live["s3"]} }, func(f *fake) { f.fails["read responses/"] = errFails }},
	} {
		f := newFake(3, "a-1.0.0")
		f.cursor, f.objects[layout.IndexKey(env, 2)] = 2, join(nil)
		if c.change != nil {
			c.change(f)
		}
		a := Begin(t.Context(), f, env, c.target(f))
		a.Wait()
		if got := f.calls(); got != c.before {
			t.Errorf("%s: before the move it asks for %s, want %s", c.name, got, c.before)
		}
		clear(f.fails)
		r, err := a.FollowMove(t.Context(), f, &publish.Moved{Environment: env, Snapshot: "s3", Live: "s3", Generation: 3, Changed: true, Manifest: f.live["s3"]})
		if err != nil || !r.Written || f.cursor != 3 {
			t.Errorf("%s: %+v, %v", c.name, r, err)
		}
		if got := f.calls(); got != c.after {
			t.Errorf("%s: after the move it asks for %s, want %s", c.name, got, c.after)
		}
		f.wantIndex(t, 3, "a-1.0.0")
		a.Close()
	}
}

// TestAheadCloses: what is under way ends with it.
func TestAheadCloses(t *testing.T) {
	f := newFake(3, "a-1.0.0")
	waits := waiting{f}
	a := Begin(t.Context(), waits, env, Target{})
	a.Close()
	if !errors.Is(a.err, context.Canceled) {
		t.Errorf("it ended with %v", a.err)
	}
}

// waiting is a bucket whose cursor does not come.
type waiting struct{ *fake }

func (w waiting) Cursor(ctx context.Context, _ string) (int64, store.Token, error) {
	<-ctx.Done()
	return 0, "", fmt.Errorf("%w", ctx.Err())
}
