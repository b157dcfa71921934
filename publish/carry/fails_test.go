package carry_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/serve/servetest"
)

// tiny publishes two snapshots of two small packages with few answers, and gives the
// ids and the bucket's store as well.
func tiny(t *testing.T) (*publish.Bucket, store.Store, []string) {
	t.Helper()
	url := servetest.FolderURL(t)
	b := servetest.Open(t, url)
	var ids []string
	for _, text := range []string{"old", "new"} {
		root := indextest.Folders(t, strings.ReplaceAll(indextest.Package("a", "1.0.0", text)+indextest.Package("b", "1.0.0", "b"), "-- ", "-- x/"))
		ids = append(ids, servetest.PublishSource(t, b, git.OpenDirs(map[string]string{"x": filepath.Join(root, "x")}), "x", func(o *build.Options) {
			o.Budget = layout.Budget{Responses: 2, Bytes: 1 << 20}
			o.Environments[0].Catalogue = false
		}))
	}
	return b, opened(t, url), ids
}

func opened(t *testing.T, url string) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestFails has each call fail that mirroring makes, of the source and of the target: it
// ends with that error, what is live in the target is whole, and mirrored again it is
// what it would have been.
func TestFails(t *testing.T) {
	t.Parallel()
	_, source, ids := tiny(t)
	nothing := func(*carry.Options) {}
	for name, c := range map[string]struct{ before, do func(*carry.Options) }{
		"all":           {nil, nothing},
		"with history":  {nil, func(o *carry.Options) { o.History = 2 }},
		"a push":        {func(o *carry.Options) { o.Snapshot = ids[0] }, nothing},
		"the way back":  {nothing, func(o *carry.Options) { o.Snapshot, o.Back = ids[0], true }},
		"a slice":       {nil, func(o *carry.Options) { o.Slice = layout.Slice{Packages: []string{"a"}} }},
		"a slice again": {func(o *carry.Options) { o.Slice = layout.Slice{Packages: []string{"a"}} }, func(o *carry.Options) { o.Slice = layout.Slice{Packages: []string{"a"}} }},
	} {
		options := func(o *carry.Options) {
			o.Copy.Parallel = 1
			c.do(o)
		}
		for side := range 2 {
			t.Run(name+[]string{", from", ", to"}[side], func(t *testing.T) {
				t.Parallel()
				want := ""
				storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
					target := opened(t, "mem://")
					from, to := publish.In(source), publish.In(target)
					if c.before != nil {
						mustMirror(t, from, to, c.before)
					}
					var f *storetest.Failing
					if side == 0 {
						f = fill(source)
						from = publish.In(f)
					} else {
						f = fill(target)
						to = publish.In(f)
					}
					r, err := mirror(t.Context(), from, to, options)
					from, to = publish.In(source), publish.In(target)
					if f.Failed() == "" && want == "" {
						if err != nil {
							t.Fatal(err)
						}
						want = r.Snapshot
					}
					if f.Failed() != "" && !errors.Is(err, storetest.ErrFailed) && (err != nil || !bearable(name, f.Failed(), r)) {
						t.Errorf("%s: %+v, %v", f.Failed(), r, err)
					}
					if live, err := to.Live(t.Context(), servetest.Env); err == nil {
						servetest.MustBeSound(t, to, live.ID())
					}
					if again, err := mirror(t.Context(), from, to, options); err != nil || again.Snapshot != want {
						t.Errorf("after %s: %+v, %v", f.Failed(), again, err)
					}
					if live, err := to.Live(t.Context(), servetest.Env); err != nil || live.ID() != want {
						t.Errorf("after %s: %v is live, want %s", f.Failed(), live, want)
					}
				})
			})
		}
	}
}

// bearable reports whether a mirror is whole without a call. The entry of a move in the
// audit log is put by who moves the pointer next, and the result says that it is missing;
// and who wants to go back does not need to know that it is back.
func bearable(what, call string, r *carry.Result) bool {
	if strings.Contains(call, " "+layout.AuditPrefix) {
		return strings.Contains(r.Moved.Unrecorded, storetest.ErrFailed.Error())
	}
	return what == "the way back" && (call == "load "+layout.PointerKey(servetest.Env) || strings.HasSuffix(call, "/manifest.json"))
}

// TestPlanFails is TestFails for plans, and for slices in a folder of their own.
func TestPlanFails(t *testing.T) {
	t.Parallel()
	_, source, ids := tiny(t)
	target := publish.In(opened(t, "mem://"))
	mustMirror(t, publish.In(source), target, func(o *carry.Options) { o.Snapshot = ids[0] })
	plan := func(from, to *publish.Bucket, change func(*carry.Options)) error {
		o := carry.Options{From: from, To: to.Lease(publish.LeaseOptions{Purpose: "plan"}), Environment: servetest.Env}
		change(&o)
		_, err := carry.Plan(t.Context(), o, to)
		return errors.Join(err, o.To.Release(t.Context()))
	}
	one := layout.Slice{Packages: []string{"a"}}
	for name, do := range map[string]func(from *publish.Bucket) error{
		"a plan":              func(from *publish.Bucket) error { return plan(from, target, func(*carry.Options) {}) },
		"a plan with history": func(from *publish.Bucket) error { return plan(from, target, func(o *carry.Options) { o.History = 1 }) },
		"a plan of a slice":   func(from *publish.Bucket) error { return plan(from, target, func(o *carry.Options) { o.Slice = one }) },
		"what is live":        func(from *publish.Bucket) error { _, err := carry.LiveManifests(t.Context(), from); return err },
		"a slice in a folder": func(from *publish.Bucket) error {
			b, r, err := carry.SliceIn(t.Context(), filepath.Join(t.TempDir(), "slice"), carry.Options{From: from, Environment: servetest.Env, Slice: one, Copy: publish.CopyOptions{Parallel: 1}})
			if err != nil {
				if b != nil || r != nil {
					t.Errorf("%v, %v beside %v", b, r, err)
				}
				return err
			}
			return b.Close()
		},
	} {
		storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
			f := fill(source)
			err := do(publish.In(f))
			if f.Failed() == "" && err != nil || f.Failed() != "" && !errors.Is(err, storetest.ErrFailed) {
				t.Errorf("%s: %s: %v", name, f.Failed(), err)
			}
		})
	}
}
