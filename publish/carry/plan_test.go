package carry_test

import (
	"errors"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestPlan: what a plan says is what is then done, and it stores nothing.
func TestPlan(t *testing.T) {
	t.Parallel()
	from, _, ids := tiny(t)
	slice := layout.Slice{Packages: []string{"a"}}
	for name, c := range map[string]struct {
		before, do func(*carry.Options)
		history    []string
		moves      bool
		fails      error
	}{
		"into nothing":                    {nil, func(*carry.Options) {}, nil, true, nil},
		"an older one":                    {nil, func(o *carry.Options) { o.Snapshot = ids[0] }, nil, true, nil},
		"with all history":                {nil, func(o *carry.Options) { o.History = 9 }, ids[:1], true, nil},
		"the newest alone":                {nil, func(o *carry.Options) { o.History = 1 }, nil, true, nil},
		"an older one and the newest":     {nil, func(o *carry.Options) { o.Snapshot, o.History = ids[0], 1 }, ids[1:], true, nil},
		"a push, with what is there":      {func(o *carry.Options) { o.Snapshot = ids[0] }, func(o *carry.Options) { o.History = 2 }, nil, true, nil},
		"what is there":                   {func(*carry.Options) {}, func(*carry.Options) {}, nil, false, nil},
		"the pointer stays":               {nil, func(o *carry.Options) { o.Stay = true }, nil, false, nil},
		"back, which is not wanted":       {func(*carry.Options) {}, func(o *carry.Options) { o.Snapshot = ids[0] }, nil, false, publish.ErrOlder},
		"back, which is wanted":           {func(*carry.Options) {}, func(o *carry.Options) { o.Snapshot, o.Back = ids[0], true }, nil, true, nil},
		"forward, though back is allowed": {func(o *carry.Options) { o.Snapshot = ids[0] }, func(o *carry.Options) { o.Back = true }, nil, true, nil},
		"a slice":                         {nil, func(o *carry.Options) { o.Slice = slice }, nil, true, nil},
		"no such package":                 {nil, func(o *carry.Options) { o.Slice = layout.Slice{Packages: []string{"zz"}} }, nil, false, errAny},
		"no such environment":             {nil, func(o *carry.Options) { o.Environment = "staging" }, nil, false, publish.ErrNothingLive},
		"no such snapshot":                {nil, func(o *carry.Options) { o.Snapshot = "20240101T000000Z-000000000000" }, nil, false, publish.ErrNoSnapshot},
	} {
		target := opened(t, "mem://")
		to := publish.In(target)
		if c.before != nil {
			mustMirror(t, from, to, c.before)
		}
		count := func() (n int) {
			for _, err := range target.List(t.Context(), "") {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			return n
		}
		live, err := carry.LiveManifests(t.Context(), to)
		if err != nil {
			t.Fatal(err)
		}
		lease := to.Lease(publish.LeaseOptions{Purpose: "plan", Live: live})
		o := carry.Options{From: from, To: lease, Environment: servetest.Env}
		c.do(&o)
		before := count()
		plan, err := carry.Plan(t.Context(), o, to)
		if err := lease.Release(t.Context()); err != nil {
			t.Error(err)
		}
		if count() != before {
			t.Errorf("%s: the plan stores something", name)
		}
		done, failed := mirror(t.Context(), from, to, c.do)
		if c.fails != nil {
			if c.fails == errAny && (err == nil || failed == nil) || c.fails != errAny && (!errors.Is(err, c.fails) || !errors.Is(failed, c.fails)) {
				t.Errorf("%s: the plan says %v, then %v", name, err, failed)
			}
			continue
		}
		if err != nil || failed != nil {
			t.Errorf("%s: %v, %v", name, err, failed)
			continue
		}
		if !o.Slice.Empty() {
			if plan.Packages != 1 || plan.Of != done.Of || plan.Of != ids[1] || plan.Snapshot != "" || plan.Moved != nil || plan.Environment != servetest.Env || done.Snapshot == "" || done.Packages != 0 {
				t.Errorf("%s: %+v, then %+v", name, plan, done)
			}
			continue
		}
		if plan.Snapshot != done.Snapshot || plan.Environment != done.Environment || !slices.Equal(plan.History, done.History) || !slices.Equal(done.History, c.history) {
			t.Errorf("%s: %+v, then %+v", name, plan, done)
		}
		if plan.Copied.Total != done.Copied.Total || (plan.Moved == nil) != (done.Moved == nil) || done.Moved != nil && (plan.Moved.Changed != done.Moved.Changed || plan.Moved.Live != done.Moved.Live || done.Moved.Changed != c.moves) {
			t.Errorf("%s: %+v %+v, then %+v %+v", name, plan.Copied, plan.Moved, done.Copied, done.Moved)
		}
		for _, id := range append(slices.Clone(c.history), done.Snapshot) {
			servetest.MustBeSound(t, to, id)
		}
	}
}

// TestTagsAreCarried: what the source calls the snapshots that are taken, and what the
// target calls something else already.
func TestTagsAreCarried(t *testing.T) {
	t.Parallel()
	from, _, ids := tiny(t)
	to := publish.In(opened(t, "mem://"))
	mustMirror(t, from, to, func(o *carry.Options) { o.Snapshot = ids[0] })
	set := func(b *publish.Bucket, name, id string) {
		t.Helper()
		l := b.Lease(publish.LeaseOptions{Purpose: "tag"})
		_, err := l.Tag(t.Context(), servetest.Env, name, id, publish.Note{}, false)
		if err := errors.Join(err, l.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
	}
	set(to, "kept", ids[0])
	set(from, "kept", ids[1])
	set(from, "v1", ids[1])
	r := mustMirror(t, from, to, nil)
	if !slices.Equal(r.Tags, []string{"v1"}) || !slices.Equal(r.TagsKept, []string{"kept"}) {
		t.Errorf("tags %q, kept %q", r.Tags, r.TagsKept)
	}
	tags, err := to.Tags(t.Context(), servetest.Env)
	if err != nil || len(tags) != 2 {
		t.Errorf("%+v, %v", tags, err)
	}
}

// TestUnordered: over what the source does not know, nothing goes live unless that is
// wanted; a slice that cannot be is an error whatever becomes of the pointer.
func TestUnordered(t *testing.T) {
	t.Parallel()
	from, _, ids := tiny(t)
	to := publish.In(opened(t, "mem://"))
	id := servetest.Publish(t, to, 7, 0) // of another storage
	back := func(o *carry.Options) { o.Snapshot, o.Back = ids[0], true }
	for _, c := range []struct {
		change func(*carry.Options)
		live   string
		fails  error
	}{{func(o *carry.Options) { o.Snapshot = ids[0] }, id, publish.ErrUnordered}, {back, ids[0], nil}} {
		lease := to.Lease(publish.LeaseOptions{Purpose: "plan"})
		o := carry.Options{From: from, To: lease, Environment: servetest.Env}
		c.change(&o)
		plan, planned := carry.Plan(t.Context(), o, to)
		if err := lease.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := mirror(t.Context(), from, to, c.change)
		if !errors.Is(err, c.fails) || !errors.Is(planned, c.fails) || planned == nil && (!plan.Moved.Changed || plan.Moved.Live != c.live) {
			t.Errorf("the plan says %v, then %v; want %v", planned, err, c.fails)
		}
		if p, err := to.Pointer(t.Context(), servetest.Env); err != nil || p.Snapshot != c.live {
			t.Errorf("%s is live, %v; want %s", p.Snapshot, err, c.live)
		}
	}
	for _, stay := range []bool{true, false} {
		r, err := mirror(t.Context(), from, to, func(o *carry.Options) { o.Slice, o.Stay = layout.Slice{Packages: []string{"A"}}, stay })
		if err == nil || r != nil {
			t.Errorf("a slice that cannot be: %+v, %v", r, err)
		}
	}
}

// errAny stands for an error without a name.
var errAny = errors.New("any")

// TestLiveManifests: of every environment, but for one whose snapshot has gone.
func TestLiveManifests(t *testing.T) {
	t.Parallel()
	from, source, ids := tiny(t)
	live, err := carry.LiveManifests(t.Context(), from)
	if err != nil || len(live) != 1 || live[0].ID() != ids[1] {
		t.Errorf("%v, %v", live, err)
	}
	for _, env := range []string{"staging", "snapshot"} { // one gone, one damaged
		p := layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: ids[1]}
		if err := source.Swap(t.Context(), layout.PointerKey(env), p.Encode(), ""); err != nil {
			t.Fatal(err)
		}
		live, err := carry.LiveManifests(t.Context(), from)
		if err != nil || len(live) != 1 {
			t.Errorf("%d, %v", len(live), err)
		}
	}
	o := layout.ManifestObject("snapshot", ids[1]).With([]byte("{}"))
	if err := source.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if live, err := carry.LiveManifests(t.Context(), from); err == nil || live != nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "live snapshot of snapshot in the target") {
		t.Errorf("%v, %v", live, err)
	}
}

// TestPreviewIsCarried: what goes live in the target is a preview, if it is one in the
// source, and says who did it.
func TestPreviewIsCarried(t *testing.T) {
	t.Parallel()
	from, source, _ := tiny(t)
	p, token, err := pointerOf(t, source)
	if err != nil {
		t.Fatal(err)
	}
	to := publish.In(opened(t, "mem://"))
	mustMirror(t, from, to, nil)
	if got, err := to.Pointer(t.Context(), servetest.Env); err != nil || got.Preview != nil || got.Moves[0].By != "ada" {
		t.Errorf("%+v, %v", got, err)
	}
	p.Format, p.Preview = layout.PreviewPointerFormat, &layout.Preview{Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	if err := source.Swap(t.Context(), layout.PointerKey(servetest.Env), p.Encode(), token); err != nil {
		t.Fatal(err)
	}
	to = publish.In(opened(t, "mem://"))
	mustMirror(t, from, to, nil)
	if got, err := to.Pointer(t.Context(), servetest.Env); err != nil || !reflect.DeepEqual(got.Preview, p.Preview) {
		t.Errorf("%+v, %v", got, err)
	}
}

func pointerOf(t *testing.T, s store.Store) (layout.Pointer, store.Token, error) {
	t.Helper()
	body, token, err := s.Load(t.Context(), layout.PointerKey(servetest.Env))
	if err != nil {
		return layout.Pointer{}, "", err
	}
	p, err := layout.DecodePointer(body, servetest.Env)
	return p, token, err
}
