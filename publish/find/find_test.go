package find_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
)

const env = "production"

// content is what a branch holds of the package "probe": for each version a text.
type content map[string]string

// reign is what was live from a time on; nil content if nothing was.
type reign struct {
	at       time.Time
	snapshot string
	has      content
}

// world is a bucket, and all that ever happened in it.
type world struct {
	t      *testing.T
	b      *publish.Bucket
	dir    string
	built  map[string]content
	reigns []reign
}

func newWorld(t *testing.T) *world {
	b, err := publish.Open(t.Context(), "mem://")
	if err != nil {
		t.Fatal(err)
	}
	return &world{t: t, b: b, dir: t.TempDir(), built: map[string]content{}}
}

func (w *world) check(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// folder is a branch with that content, and one package more that never changes.
func (w *world) folder(c content) string {
	dir, err := os.MkdirTemp(w.dir, "")
	w.check(err)
	put := func(name, version, text string) {
		folder := filepath.Join(dir, "packages", name, version)
		w.check(os.MkdirAll(filepath.Join(folder, "docs"), 0o777))
		manifest := fmt.Sprintf("format_version: 1.0.0\nname: %s\ntitle: %[1]s\nversion: %s\ndescription: %[1]s\nowner.github: acme/%[1]s\n", name, version)
		w.check(os.WriteFile(filepath.Join(folder, "manifest.yml"), []byte(manifest), 0o666))
		w.check(os.WriteFile(filepath.Join(folder, "docs/README.md"), []byte(text), 0o666))
	}
	put("steady", "1.0.0", "always")
	for version, text := range c {
		put("probe", version, text)
	}
	return dir
}

func (w *world) build(ctx context.Context, c content) string {
	src := git.OpenDirs(map[string]string{env: w.folder(c)})
	defer src.Close()
	lease := w.b.Lease(publish.LeaseOptions{Purpose: "build"})
	r, err := build.Build(ctx, build.Options{
		Source: src, Store: lease, Regsnap: "test", Parallel: 2,
		Environments: []build.Environment{{Name: env, Branches: []string{env}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy}},
	})
	w.check(err)
	w.check(lease.Release(ctx))
	id := r.Snapshots[0].ID
	w.built[id] = c
	return id
}

func (w *world) live() string {
	if len(w.reigns) == 0 {
		return ""
	}
	return w.reigns[len(w.reigns)-1].snapshot
}

func (w *world) moved(id string) {
	if id != w.live() {
		w.reigns = append(w.reigns, reign{time.Now().UTC().Truncate(time.Second), id, w.built[id]})
	}
}

func (w *world) publish(ctx context.Context, id string) {
	lease := w.b.Lease(publish.LeaseOptions{Purpose: "publish"})
	_, err := lease.Publish(ctx, env, id, publish.Note{By: "ada"}, func(context.Context, *publish.Ordered, *publish.Ordered) ([]string, error) { return nil, nil })
	w.check(err)
	w.check(lease.Release(ctx))
	w.moved(id)
}

func (w *world) rollback(ctx context.Context, id string) {
	lease := w.b.Lease(publish.LeaseOptions{Purpose: "rollback"})
	r, err := lease.PrepareRollback(ctx, env, id)
	w.check(err)
	_, err = r.Do(ctx, publish.Note{By: "ben"}, false)
	w.check(err)
	w.check(lease.Release(ctx))
	w.moved(id)
}

func (w *world) prune(ctx context.Context, keep int) {
	_, err := w.b.Prune(ctx, publish.PruneOptions{Keep: publish.Retention{Last: keep}})
	w.check(err)
}

func (w *world) stored(ctx context.Context) []publish.Stored {
	all, err := w.b.Snapshots(ctx, env)
	w.check(err)
	return all[env]
}

func (w *world) find(ctx context.Context, query string) *find.Result {
	q, ok := find.ParseQuery(query)
	if !ok {
		w.t.Fatalf("%q is not read", query)
	}
	r, err := find.Find(ctx, w.b, env, w.stored(ctx), q)
	w.check(err)
	w.check(r.Faults)
	return r
}

// truth is when a version was live with one content, the oldest first.
func (w *world) truth(version string) []find.Period {
	var out []find.Period
	text, open := "", false
	for _, r := range w.reigns {
		now, has := r.has[version]
		if open && has && now == text {
			out[len(out)-1].Last = r.snapshot
			continue
		}
		if open {
			out[len(out)-1].Until = r.at
		}
		if open = has; open {
			out = append(out, find.Period{Since: r.at, First: r.snapshot, Last: r.snapshot})
		}
		text = now
	}
	return out
}

// Whatever was published, rolled back, pruned and begun again: what is found was so.
// As long as the log has every move, and nothing that matters was pruned, all of it
// is found.
func TestFindRandom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(3) {
			random := rand.New(rand.NewPCG(seed, 1))
			w, ctx := newWorld(t), t.Context()
			time.Sleep(time.Hour)
			pruned := false
			for range 25 {
				time.Sleep(time.Duration(1+random.IntN(100)) * time.Minute)
				stored := w.stored(ctx)
				switch n := random.IntN(20); {
				case n < 11 || w.live() == "":
					c := content{}
					for v := range 3 {
						if random.IntN(3) > 0 {
							c[fmt.Sprintf("1.%d.0", v)] = fmt.Sprint(random.IntN(2))
						}
					}
					id := w.build(ctx, c)
					if n != 0 || w.live() == "" {
						w.publish(ctx, id)
					}
				case n < 15:
					w.rollback(ctx, stored[random.IntN(len(stored))].ID)
				case n < 17:
					_, err := w.b.Pin(ctx, env, publish.Note{By: "eve"})
					w.check(err)
					_, err = w.b.Unpin(ctx, env, publish.Note{By: "eve"})
					w.check(err)
				case n == 17 && seed%3 == 1:
					pruned = true
					_, err := w.b.Prune(ctx, publish.PruneOptions{Retire: []string{env}})
					w.check(err)
					w.reigns = append(w.reigns, reign{at: time.Now().UTC().Truncate(time.Second)})
				case n < 19:
					if seed%3 > 0 {
						pruned = true
						w.prune(ctx, 1+random.IntN(4))
					}
				case seed%3 == 2:
					p, err := w.b.Pointer(ctx, env)
					w.check(err)
					w.check(w.b.Delete(ctx, layout.AuditKey(env, p.Generation))) // its writer died
				}
			}
			w.compare(ctx, fmt.Sprint("seed ", seed), !pruned && seed%3 < 2)
			w.check(w.b.Close())
		}
	})
}

// compare holds what is found to what happened. If all is on record it must be found
// in full; if not, what is missing is said to be.
func (w *world) compare(ctx context.Context, where string, all bool) {
	w.t.Helper()
	found := map[string]find.Found{}
	for _, f := range w.find(ctx, "probe").Found {
		found[f.Version] = f
	}
	for v := range 3 {
		version := fmt.Sprintf("1.%d.0", v)
		f, truth := found[version], w.truth(version)
		periods := slices.Clone(f.Periods)
		slices.Reverse(periods)
		if all {
			for i, p := range periods {
				periods[i] = find.Period{Since: p.Since, Until: p.Until, First: p.First, Last: p.Last, Earlier: p.Earlier, Later: p.Later}
			}
			if !slices.Equal(periods, truth) {
				w.t.Errorf("%s: %s was live\n%+v, found\n%+v", where, version, truth, periods)
			}
		}
		for i, r := range w.reigns {
			_, was := r.has[version]
			said, sure := at(periods, r, i+1 < len(w.reigns))
			if sure && was != said {
				w.t.Errorf("%s: that %s was live at %s (%s) is %v, found is %v:\n%+v", where, version, r.at, r.snapshot, was, said, periods)
			}
		}
		_, live := w.reigns[len(w.reigns)-1].has[version]
		if f.Live != live {
			w.t.Errorf("%s: that %s is live is %v", where, version, f.Live)
		}
		var in, want []string
		for _, s := range f.Snapshots {
			in = append(in, s.ID)
		}
		for _, s := range w.stored(ctx) {
			if _, has := w.built[s.ID][version]; has {
				want = append(want, s.ID)
			}
		}
		if !slices.Equal(in, want) {
			w.t.Errorf("%s: %s is in %q, found in %q", where, version, want, in)
		}
	}
}

// at is what periods say of a reign, and whether they are sure.
func at(periods []find.Period, r reign, over bool) (live, sure bool) {
	sure = true
	for i, p := range periods {
		from := !p.Since.IsZero() && !p.Since.After(r.at)
		if p.Since.IsZero() { // it was live with this snapshot, whenever that was
			from = p.First == r.snapshot
			sure = false
		}
		switch {
		case from && (p.Until.IsZero() && !p.Later || p.Until.After(r.at)):
			return true, true
		case p.Earlier && p.Since.After(r.at) && (i == 0 || !periods[i-1].Until.After(r.at)):
			sure = false
		case p.Later && from && (i+1 == len(periods) || periods[i+1].Since.After(r.at)):
			sure = false
		}
	}
	return false, sure
}

// A registry that publishes day by day is not read again for each question: the live
// manifest and the one with which the version came say enough.
func TestFindReadsFew(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	for n := range 30 {
		c := content{"1.0.0": "x"}
		if n >= 10 && n < 20 {
			c["2.0.0"] = "y"
		}
		c[fmt.Sprintf("3.0.%d", n)] = "z"
		w.publish(ctx, w.build(ctx, c))
	}
	manifests := 0
	stored := w.stored(ctx)
	for _, s := range stored {
		// Whatever is not read may as well be damaged.
		if id := s.ID; id != w.reigns[29].snapshot && id != w.reigns[19].snapshot && id != w.reigns[10].snapshot && id != w.reigns[0].snapshot {
			w.check(w.b.Delete(ctx, layout.ManifestKey(env, id)))
			manifests++
		}
	}
	if manifests != 26 {
		t.Fatalf("%d manifests are gone", manifests)
	}
	for query, want := range map[string][2]string{"probe-1.0.0": {w.reigns[0].snapshot, w.reigns[29].snapshot}, "probe-2.0.0": {w.reigns[10].snapshot, w.reigns[19].snapshot}} {
		q, _ := find.ParseQuery(query)
		r, err := find.Find(ctx, w.b, env, stored, q)
		w.check(err)
		if r.Faults != nil || len(r.Found) != 1 || len(r.Found[0].Periods) != 1 {
			t.Fatalf("%s: %+v, %v", query, r.Found, r.Faults)
		}
		p := r.Found[0].Periods[0]
		if p.First != want[0] || p.Last != want[1] || p.Earlier || p.Later || p.Branch != env || p.Revision == "" || p.Began == nil || p.Began.By != "ada" {
			t.Errorf("%s: %+v", query, p)
		}
	}
}

// told is what was found, a line for each period: version, the hours since and until
// ("-" if not on record), whether it was earlier or later too, the names of the first
// and the last snapshot, who began and ended it, its branch and whether its content is
// known, tags, and if it is live.
func told(r *find.Result, names map[string]string) (lines []string) {
	for _, f := range r.Found {
		for _, p := range f.Periods {
			hour := func(at time.Time) string {
				if at.IsZero() {
					return "-"
				}
				return fmt.Sprint(int(at.Sub(midnight).Hours()))
			}
			by := func(m *layout.Move) string {
				if m == nil {
					return "-"
				}
				return m.By
			}
			origin := "-"
			if p.Origin != nil {
				origin = p.Origin.Name
			}
			lines = append(lines, fmt.Sprint(f.Version, " ", hour(p.Since), " ", hour(p.Until), " ", p.Earlier, " ", p.Later, " ", names[p.First], names[p.Last], " ",
				by(p.Began), " ", by(p.Ended), " ", p.Branch, "=", origin, map[bool]string{false: "?"}[p.Revision != ""], " ", f.Tags, " ", f.Live, " ", len(f.Snapshots)))
		}
	}
	return lines
}

// midnight is when time begins in [testing/synctest].
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// TestFindStory tells all of a short history: as it was, without the manifests of its
// beginning, and without an entry of the log.
func TestFindStory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, ctx := newWorld(t), t.Context()
		names := map[string]string{}
		var ids []string
		for i, c := range []content{{"1.0.0": "x"}, {"1.0.0": "x", "2.0.0": "x"}, {"2.0.0": "y", "10.0.0": "x"}} {
			time.Sleep(time.Hour)
			id := w.build(ctx, c)
			w.publish(ctx, id)
			ids, names[id] = append(ids, id), string(rune('a'+i))
		}
		lease := w.b.Lease(publish.LeaseOptions{Purpose: "tag"})
		_, err := lease.Tag(ctx, env, "release", ids[0], publish.Note{}, false)
		w.check(err)
		w.check(lease.Release(ctx))
		time.Sleep(time.Hour)
		w.rollback(ctx, ids[1])
		compare := func(what string, want ...string) {
			t.Helper()
			if got := told(w.find(ctx, "probe"), names); !slices.Equal(got, want) {
				t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		compare("all of it",
			"10.0.0 3 4 false false cc ada ben production=production [] false 1",
			"2.0.0 4 - false false bb ben - production=production [] true 2",
			"2.0.0 3 4 false false cc ada ben production=production [] true 2",
			"2.0.0 2 3 false false bb ada ada production=production [] true 2",
			"1.0.0 4 - false false bb ben - production=production [release] true 2",
			"1.0.0 1 3 false false ab ada ada production=production [release] true 2")
		_, err = w.b.Untag(ctx, env, "release", publish.Note{})
		w.check(err)
		for _, id := range []string{ids[0], ids[2]} {
			w.check(w.b.Delete(ctx, layout.ManifestKey(env, id)))
		}
		compare("pruned",
			"10.0.0 3 4 false false cc ada ben production=production? [] false 0",
			"2.0.0 4 - false false bb ben - production=production [] true 1",
			"2.0.0 3 4 false false cc ada ben production=production? [] true 1",
			"2.0.0 2 3 false false bb ada ada production=production [] true 1",
			"1.0.0 4 - false false bb ben - production=production [] true 1",
			"1.0.0 1 3 false false ab ada ada production=production [] true 1")
		w.check(w.b.Delete(ctx, layout.AuditKey(env, 2)))
		w.find(ctx, "probe") // the move to b is in the pointer, which is not the log
		compare("without an entry of the log",
			"10.0.0 3 4 false false cc ada ben production=production? [] false 0",
			"2.0.0 4 - false false bb ben - production=production [] true 1",
			"2.0.0 3 4 false false cc ada ben production=production? [] true 1",
			"2.0.0 - 3 true false bb - ada production=production [] true 1",
			"1.0.0 4 - false false bb ben - production=production [] true 1",
			"1.0.0 - 3 true false bb - ada production=production [] true 1")
	})
}

// TestFindGaps tells of histories in which something is missing: a manifest between two
// that are there, the end of what was live.
func TestFindGaps(t *testing.T) {
	for what, c := range map[string]struct {
		publish []content
		damage  func(ctx context.Context, w *world, ids []string)
		want    []string
	}{
		"a manifest between two": {
			[]content{{"1.0.0": "x"}, {"1.0.0": "x", "2.0.0": "x"}, {"2.0.0": "x"}},
			func(ctx context.Context, w *world, ids []string) {
				w.check(w.b.Delete(ctx, layout.ManifestKey(env, ids[1])))
			},
			[]string{
				"2.0.0 2 - false false bc ada - production=production [] true 1",
				"1.0.0 1 3 false false ab ada ada production=production [] false 1",
			},
		},
		"the entry of its end, and who ended it": {
			[]content{{"1.0.0": "x"}, {"2.0.0": "x"}},
			func(ctx context.Context, w *world, ids []string) {
				_, err := w.b.Pin(ctx, env, publish.Note{By: "eve"})
				w.check(err)
				w.check(w.b.Delete(ctx, layout.AuditKey(env, 2)))
			},
			[]string{
				"2.0.0 - - true false bb - - production=production [] true 1",
				"1.0.0 1 - false true aa ada - production=production [] false 1",
			},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			w, ctx := newWorld(t), t.Context()
			names := map[string]string{}
			var ids []string
			for i, c := range c.publish {
				time.Sleep(time.Hour)
				id := w.build(ctx, c)
				w.publish(ctx, id)
				ids, names[id] = append(ids, id), string(rune('a'+i))
			}
			c.damage(ctx, w, ids)
			r := w.find(ctx, "probe")
			if got := told(r, names); !slices.Equal(got, c.want) {
				t.Errorf("%s:\n%s\nwant\n%s", what, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if got := r.Names["steady"]; !slices.Equal(got, []string{"1.0.0"}) {
				t.Errorf("%s: of steady is known %q", what, got)
			}
		})
	}
}

// TestFindBesideDamage: a manifest that cannot be read is reported, and what the
// others and the log say is still found.
func TestFindBesideDamage(t *testing.T) {
	w, ctx := newWorld(t), t.Context()
	first, second, never := w.build(ctx, content{"1.0.0": "x"}), w.build(ctx, content{"1.0.0": "y", "2.0.0": "x"}), w.build(ctx, content{"3.0.0": "z"})
	w.publish(ctx, first)
	w.publish(ctx, second)
	whole, err := w.b.Read(ctx, layout.ManifestKey(env, first))
	w.check(err)
	for _, id := range []string{first, never} {
		key := layout.ManifestKey(env, id)
		w.check(w.b.Delete(ctx, key))
		w.check(w.b.Put(ctx, layout.Object{Key: key, Body: []byte("{}"), ContentType: layout.JsonType}))
	}
	q, _ := find.ParseQuery("probe")
	r, err := find.Find(ctx, w.b, env, w.stored(ctx), q)
	w.check(err)
	if !errors.Is(r.Faults, publish.ErrDamaged) || !strings.Contains(r.Faults.Error(), first) || !strings.Contains(r.Faults.Error(), never) {
		t.Errorf("faults: %v", r.Faults)
	}
	if n := strings.Count(r.Faults.Error(), first); n != 1 {
		t.Errorf("%s is said %d times to be damaged", first, n)
	}
	var got []string
	for _, f := range r.Found {
		for _, p := range f.Periods {
			got = append(got, fmt.Sprint(f.Version, " ", p.First == first, " ", p.Until.IsZero(), " ", p.Branch != "", " ", p.Revision != ""))
		}
	}
	// What was in the damaged one the log tells, but not its content: where the
	// branch is the only one, it is known too.
	if want := []string{"2.0.0 false true true true", "1.0.0 false true true true", "1.0.0 true false true false"}; !slices.Equal(got, want) {
		t.Errorf("found %q, want %q", got, want)
	}
	// If the live one is damaged too, the log says what it has, from the one before on.
	for id, body := range map[string]string{first: string(whole), second: "{}"} {
		key := layout.ManifestKey(env, id)
		w.check(w.b.Delete(ctx, key))
		w.check(w.b.Put(ctx, layout.Object{Key: key, Body: []byte(body), ContentType: layout.JsonType}))
	}
	if r, err = find.Find(ctx, w.b, env, w.stored(ctx), q); err != nil || len(r.Found) != 2 || !r.Found[0].Live || !r.Found[1].Live || r.Found[1].Periods[0].Since.IsZero() {
		t.Errorf("with a damaged live one is found %+v, %v", r, err)
	}
	gone := w.stored(ctx)
	w.check(w.b.Delete(ctx, layout.ManifestKey(env, never))) // pruned since it was listed
	if r, err = find.Find(ctx, w.b, env, gone, q); err != nil || strings.Contains(r.Faults.Error(), never) {
		t.Errorf("pruned meanwhile: %v, %v", r, err)
	}
}

func TestParseQuery(t *testing.T) {
	for text, want := range map[string]find.Query{"nginx": {Name: "nginx"}, "nginx-1.6.0": {Name: "nginx", Version: "1.6.0"}, "a_b-1.0.0-beta.1+x": {Name: "a_b", Version: "1.0.0-beta.1+x"}} {
		if got, ok := find.ParseQuery(text); !ok || got != want {
			t.Errorf("%q is read as %+v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "-", "nginx-", "-1.0.0", "Nginx-1.0.0", "nginx 1.0.0", "../nginx-1.0.0"} {
		if got, ok := find.ParseQuery(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
