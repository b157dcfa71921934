package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// tagged gives a snapshot a name under a lease of its own.
func tagged(ctx context.Context, b *Bucket, name, id string, move bool) (_ *Tagged, err error) {
	l := b.Lease(LeaseOptions{Purpose: "tag"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	return l.Tag(ctx, testEnv, name, id, Note{By: "ada", Reason: "shipped"}, move)
}

func mustTag(t *testing.T, b *Bucket, name, id string) {
	t.Helper()
	if _, err := tagged(t.Context(), b, name, id, true); err != nil {
		t.Fatal(err)
	}
}

// tagsNameWhatIsThere: no tag names a snapshot that is not whole.
func tagsNameWhatIsThere(t *testing.T, b *Bucket, what string) {
	t.Helper()
	tags, err := b.Tags(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		v, err := b.Verify(t.Context(), testEnv, tag.Snapshot, VerifyOptions{})
		if err != nil || !v.Sound() {
			t.Errorf("%s: %s, which has the tag %s: %v, %+v", what, tag.Snapshot, tag.Name, err, v)
		}
	}
}

// The life of a tag, in every kind of store.
func TestTags(t *testing.T) {
	for kind, url := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			b, src := openTest(t, url(t)), newEditions(t)
			var ids []string
			for n := range 4 {
				ids = append(ids, src.mustPublish(t, b, n).Snapshot)
			}
			expect := func(what string, got *Tagged, err error, want Tagged, fails error) {
				t.Helper()
				if !errors.Is(err, fails) || err == nil && *got != want {
					t.Errorf("%s: %+v, %v; want %+v, %v", what, got, err, want, fails)
				}
			}
			first := Tagged{Environment: testEnv, Tag: "release-8.5", Snapshot: ids[0], Changed: true}
			got, err := b.PlanTag(t.Context(), testEnv, "release-8.5", ids[0], false)
			expect("plan", got, err, first, nil)
			if tags, err := b.Tags(t.Context(), testEnv); err != nil || len(tags) != 0 {
				t.Errorf("a plan left %+v, %v", tags, err)
			}
			got, err = tagged(t.Context(), b, "release-8.5", ids[0], false)
			expect("tag", got, err, first, nil)
			again := first
			again.Before, again.Changed = ids[0], false
			got, err = tagged(t.Context(), b, "release-8.5", ids[0], false)
			expect("again", got, err, again, nil)
			got, err = tagged(t.Context(), b, "release-8.5", ids[1], false)
			expect("taken", got, err, Tagged{}, ErrTagTaken)
			got, err = b.PlanTag(t.Context(), testEnv, "release-8.5", ids[1], false)
			expect("plan: taken", got, err, Tagged{}, ErrTagTaken)
			got, err = tagged(t.Context(), b, "gone", "20990101T000000Z-000000000000", false)
			expect("of no snapshot", got, err, Tagged{}, ErrNoSnapshot)
			got, err = tagged(t.Context(), b, "release-8.5", ids[1], true)
			expect("moved", got, err, Tagged{testEnv, "release-8.5", ids[1], ids[0], true}, nil)
			mustTag(t, b, "base", ids[0])
			for name, want := range map[string]string{"release-8.5": ids[1], "base": ids[0]} {
				if id, err := b.Resolve(t.Context(), testEnv, name); id != want || err != nil {
					t.Errorf("%s is %s, %v; want %s", name, id, err, want)
				}
			}
			h, err := b.History(t.Context(), testEnv, 0)
			if err != nil || !slices.Equal(h.Events[3].Tags, []string{"base"}) || !slices.Equal(h.Events[2].Tags, []string{"release-8.5"}) {
				t.Errorf("history: %+v, %v", h.Events, err)
			}
			p, err := b.Prune(t.Context(), PruneOptions{})
			if err != nil || len(p.Environments[0].Keep) != 4 || p.Environments[0].Keep[3].Why != "tagged base" {
				t.Errorf("prune beside two tags: %+v, %v", p, err)
			}
			got, err = b.Untag(t.Context(), testEnv, "base", Note{By: "ben"})
			expect("delete", got, err, Tagged{testEnv, "base", "", ids[0], true}, nil)
			got, err = b.Untag(t.Context(), testEnv, "base", Note{By: "ben"})
			expect("delete again", got, err, Tagged{}, ErrNoTag)
			if id, err := b.Resolve(t.Context(), testEnv, "base"); !errors.Is(err, ErrNotName) {
				t.Errorf("a deleted tag is %s, %v", id, err)
			}
			tags, err := b.Tags(t.Context(), testEnv)
			if err != nil || len(tags) != 1 || tags[0].Before != ids[0] || tags[0].By != "ada" || tags[0].Reason != "shipped" {
				t.Errorf("tags are %+v, %v", tags, err)
			}
			p, err = b.Prune(t.Context(), PruneOptions{})
			if err != nil || len(p.Environments[0].Keep) != 3 || p.Tags.Objects != 1 {
				t.Errorf("prune beside one tag: %+v, %v", p, err)
			}
			tagsNameWhatIsThere(t, b, "at the end")
			if _, err := b.Prune(t.Context(), PruneOptions{Retire: []string{testEnv}}); err != nil {
				t.Fatal(err)
			}
			for o, err := range b.List(t.Context(), "tags/") {
				t.Errorf("a retired environment has %s, %v", o.Key, err)
			}
		})
	}
}

// Of many that make a tag at once one does, and the others are told what it names.
func TestTagOnce(t *testing.T) {
	for kind, url := range stores(t) {
		t.Run(kind, func(t *testing.T) {
			at, src := url(t), newEditions(t)
			b := openTest(t, at)
			var ids []string
			for n := range 3 {
				ids = append(ids, src.mustPublish(t, b, n).Snapshot)
			}
			for round := range 3 {
				var mu sync.Mutex
				var wg sync.WaitGroup
				made := map[string]int{}
				for i := range 6 {
					wg.Go(func() {
						got, err := tagged(t.Context(), b, fmt.Sprint("round-", round), ids[i%3], false)
						mu.Lock()
						defer mu.Unlock()
						switch {
						case errors.Is(err, ErrTagTaken):
						case err != nil:
							t.Error(err)
						case got.Changed:
							made[got.Snapshot]++
						}
					})
				}
				wg.Wait()
				id, err := b.Resolve(t.Context(), testEnv, fmt.Sprint("round-", round))
				if err != nil || len(made) != 1 || made[id] != 1 {
					t.Errorf("%v say that they made it, and it names %s, %v", made, id, err)
				}
			}
		})
	}
}

// A tag that cannot be read, or names what is gone, keeps prune from deleting
// anything; deleting or moving the tag helps.
func TestFaultyTags(t *testing.T) {
	b, dir := fileBucket(t)
	src := newEditions(t)
	var ids []string
	for n := range 4 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	mustTag(t, b, "kept", ids[0])
	refuses := func(what string) {
		t.Helper()
		before := count(t, b)
		if p, err := b.Prune(t.Context(), PruneOptions{}); !errors.Is(err, ErrDamaged) || count(t, b) != before {
			t.Errorf("%s: prune %+v, %v", what, p, err)
		}
	}
	file := filepath.Join(dir, filepath.FromSlash(layout.TagKey(testEnv, "kept")))
	damage := func() {
		t.Helper()
		if err := os.WriteFile(file, []byte(`{"format": 1, "environment": "production"}`), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	damage()
	refuses("a damaged tag")
	if s, err := b.Status(t.Context(), testEnv, nil); !errors.Is(err, ErrDamaged) || s.Live != ids[3] {
		t.Errorf("status beside a damaged tag: %+v, %v", s, err)
	}
	if _, err := b.Resolve(t.Context(), testEnv, "kept"); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged tag names something: %v", err)
	}
	if _, err := tagged(t.Context(), b, "kept", ids[0], false); !errors.Is(err, ErrDamaged) {
		t.Errorf("a damaged tag is overwritten: %v", err)
	}
	mustTag(t, b, "kept", ids[0])
	damage()
	if _, err := b.Untag(t.Context(), testEnv, "kept", Note{}); err != nil {
		t.Errorf("delete a damaged tag: %v", err)
	}
	mustTag(t, b, "kept", ids[0])
	if err := os.Remove(filepath.Join(dir, filepath.FromSlash(layout.ManifestKey(testEnv, ids[0])))); err != nil {
		t.Fatal(err)
	}
	refuses("a tag of nothing")
	if _, err := b.Untag(t.Context(), testEnv, "kept", Note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a deleted tag outlives prune: %v", err)
	}
}

// People set, move and delete tags while prunes run: what a tag names is there
// whenever it is looked at under a lease, and a writer that was told that a tag is set
// finds its snapshot.
func TestTagsBesidePrunes(t *testing.T) {
	b, _ := fileBucket(t)
	b.lease = defaultLeaseTimes
	b.lease.poll = time.Millisecond
	src := newEditions(t)
	var ids []string
	for n := range 6 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var people, prunes sync.WaitGroup
	for person := range 3 {
		people.Go(func() {
			for round := range 12 {
				name, id := fmt.Sprint("of-", (person+round)%2), ids[(person+2*round)%len(ids)]
				_, err := tagged(ctx, b, name, id, true)
				if err != nil && !errors.Is(err, ErrNoSnapshot) && !errors.Is(err, store.ErrConflict) {
					t.Errorf("tag %s: %v", id, err)
				}
				if round%4 == 3 {
					if _, err := b.Untag(ctx, testEnv, name, Note{}); err != nil && !errors.Is(err, ErrNoTag) && !errors.Is(err, store.ErrConflict) {
						t.Errorf("delete %s: %v", name, err)
					}
				}
			}
		})
	}
	prunes.Go(func() {
		for ctx.Err() == nil {
			if _, err := b.Prune(ctx, PruneOptions{}); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, store.ErrConflict) && ctx.Err() == nil {
				t.Errorf("prune: %v", err)
			}
		}
	})
	people.Wait()
	cancel()
	prunes.Wait()
	tagsNameWhatIsThere(t, b, "after all")
	if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
		t.Error(err)
	}
	tagsNameWhatIsThere(t, b, "after another prune")
}

// A name that stands for another snapshot in the target stays, unless it moved at the
// source.
func TestTagsAreCarried(t *testing.T) {
	from, _ := fileBucket(t)
	to, _ := fileBucket(t)
	src := newEditions(t)
	var ids []string
	for n := range 2 {
		ids = append(ids, src.mustPublish(t, from, n).Snapshot)
	}
	carry := func(id string, carried, kept []string) {
		t.Helper()
		m, err := from.Manifest(t.Context(), testEnv, id)
		if err != nil {
			t.Fatal(err)
		}
		l := to.Lease(LeaseOptions{Purpose: "mirror"})
		c := l.CopyFrom(from, CopyOptions{})
		err = c.Snapshot(t.Context(), m)
		var gotCarried, gotKept []string
		if err == nil {
			gotCarried, gotKept, err = c.Tags(t.Context(), testEnv, []string{id})
		}
		if err = errors.Join(err, l.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(gotCarried, carried) || !slices.Equal(gotKept, kept) {
			t.Errorf("carried %q and kept %q, want %q and %q", gotCarried, gotKept, carried, kept)
		}
	}
	mustTag(t, from, "one", ids[0])
	mustTag(t, from, "other", ids[1])
	carry(ids[0], []string{"one"}, nil)
	carry(ids[0], nil, nil)
	mustTag(t, from, "one", ids[1])
	mustTag(t, to, "other", ids[0])
	carry(ids[1], []string{"one"}, []string{"other"})
	if tags, err := to.Tags(t.Context(), testEnv); err != nil || len(tags) != 2 || tags[0].Snapshot != ids[1] || tags[0].By != "ada" || tags[1].Snapshot != ids[0] {
		t.Errorf("the target has %+v, %v", tags, err)
	}
}
