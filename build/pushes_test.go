package build_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
)

// aPackage is a package of production, as files of an archive, with more in its manifest.
func aPackage(name, version, more string) string { return packageOf("production", name, version, more) }

func packageOf(branch, name, version, more string) string {
	root := fmt.Sprintf("-- %s/packages/%s/%s/", branch, name, version)
	return fmt.Sprintf(`%[1]smanifest.yml --
{format_version: 1.0.0, name: %[2]s, title: T, version: %[3]s, description: D, type: integration%[4]s}
%[1]sdocs/README.md --
# %[2]s %[3]s
%[1]sdata_stream/log/manifest.yml --
{title: Log, type: logs}
%[1]sdata_stream/log/fields/f.yml --
- {name: data_stream.type, type: constant_keyword}
- {name: data_stream.dataset, type: constant_keyword}
- {name: data_stream.namespace, type: constant_keyword}
- {name: "@timestamp", type: date}
- {name: of.%[3]s, type: keyword}
%[1]schangelog.yml --
[]
`, root, name, version, more)
}

// sealed is the folders of a storage, and in production an archive with its signature.
func sealed(t *testing.T, storage string) index.Source {
	t.Helper()
	root := indextest.Folders(t, storage)
	for _, name := range []string{"sealed-1.0.0.zip", "sealed-1.0.0.zip.sig"} {
		body, err := os.ReadFile(filepath.Join("..", "testdata", "storage", "production", "packages", "sealed", name))
		if err == nil {
			err = os.MkdirAll(filepath.Join(root, "production", "packages"), 0o777)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(root, "production", "packages", name), body, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return git.OpenDirs(map[string]string{"production": filepath.Join(root, "production"), "staging": filepath.Join(root, "staging"), "snapshot": filepath.Join(root, "snapshot")})
}

// sparing is a store that is not to be given what live snapshots list.
type sparing struct {
	*fragileStore
	live []build.Live
}

func (s sparing) Put(ctx context.Context, o layout.Object) error {
	for _, l := range s.live {
		for _, r := range slices.Concat(l.Manifest.Responses, l.Manifest.Lists) {
			if slices.Contains(r.Keys(), o.Key) {
				s.t.Errorf("%s is stored again", o.Key)
			}
		}
		for _, p := range l.Manifest.Packages {
			if strings.HasPrefix(o.Key, layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.Prefix()) {
				s.t.Errorf("%s is stored again", o.Key)
			}
		}
	}
	return s.fragileStore.Put(ctx, o)
}

// TestPushes makes one push after the other: whatever changes, the build over what is
// live gives the snapshots and objects of one from nothing, and reads and writes no
// more than what changed.
func TestPushes(t *testing.T) {
	t.Parallel()
	const notice = ", deprecated: {since: 1.1.0, description: Use b}"
	a0, a1, a2 := aPackage("a", "1.0.0", ""), aPackage("a", "1.1.0", notice), aPackage("a", "1.2.0", "")
	otherNotice, newerNotice := aPackage("a", "1.1.0", ", deprecated: {since: 1.1.0, description: Use c}"), aPackage("a", "1.2.0", ", deprecated: {since: 1.2.0, description: Use d}")
	b0, b1 := aPackage("b", "1.0.0", ""), aPackage("b", "1.1.0", "")
	s0, s1 := packageOf("staging", "b", "1.0.0", ", categories: [web]"), packageOf("staging", "b", "2.0.0", "")
	for _, catalogue := range []bool{true, false} {
		s := newStore(t)
		var live []build.Live
		for _, push := range []struct {
			what, storage string
			// How many packages are read: with a catalogue that compares neighbours, and without.
			read, bare     int
			written, found int // revisions
		}{
			{"the first", a0 + b0 + s0, 3, 3, 3, 0}, // staging's b is hidden: nobody reads it
			{"a version more", a0 + b0 + b1 + s0, 2, 1, 1, 0},
			{"one with a notice", a0 + a1 + b0 + b1 + s0, 2, 2, 1, 0},
			{"one after the notice", a0 + a1 + a2 + b0 + b1 + s0, 2, 2, 1, 0},
			{"one before it, whose other content shows it", aPackage("a", "1.0.0", ", categories: [web]") + a1 + a2 + b0 + b1 + s0, 2, 2, 1, 0},
			{"the notice goes", aPackage("a", "1.0.0", ", categories: [web]") + a2 + b0 + b1 + s0, 2, 2, 0, 0},
			// The content that a-1.0.0 had before is there still; who its neighbours are is new.
			{"one in staging alone, and a content from before", a0 + a2 + b0 + b1 + s0 + s1, 4, 2, 1, 1},
			{"it moves to production", a0 + a2 + b0 + b1 + s0 + strings.ReplaceAll(s1, "staging", "production"), 0, 0, 0, 0},
			{"a package goes", a0 + a2 + s0, 1, 1, 1, 0}, // and shows what it has hidden
			{"nothing", a0 + a2 + s0, 0, 0, 0, 0},
			{"the oldest goes", a2 + s0, 0, 0, 0, 0}, // nothing is before the next one then
			{"contents from before, and a notice", a0 + a1 + s0, 2, 2, 0, 2},
			{"the notice says something else", a0 + otherNotice + s0, 2, 2, 1, 0},
			{"a newer one has a notice of its own", a0 + otherNotice + newerNotice + s0, 3, 3, 1, 0},
			{"only the newer one has", a0 + aPackage("a", "1.1.0", "") + newerNotice + s0, 3, 2, 1, 0},
			{"and then only the older one", a0 + otherNotice + s0, 2, 2, 0, 1},
		} {
			source := sealed(t, push.storage)
			run := func(s *fragileStore, live []build.Live) *build.Result {
				t.Helper()
				r, err := buildIn(t.Context(), sparing{s, live}, source, nil, func(o *build.Options) {
					o.Live = live
					o.Environments[0].Catalogue = catalogue
					staging := o.Environments[0]
					staging.Name, staging.Branches = "staging", []string{"production", "staging"}
					o.Environments = append(o.Environments, staging)
				})
				if err != nil {
					t.Fatalf("%s: %v %v", push.what, err, r.Report.Errors)
				}
				return r
			}
			fresh := newStore(t)
			want, got := run(fresh, nil), run(s, live)
			live = nil
			for i, w := range want.Snapshots {
				g := got.Snapshots[i]
				if g.ID != w.ID {
					t.Errorf("%s: %s is %s, from nothing %s\n%s\n%s", push.what, w.Manifest.Environment, g.ID, w.ID, g.Manifest.Encode(), w.Manifest.Encode())
				}
				live = append(live, liveIn(t, s, g))
			}
			for key, body := range fresh.objects {
				if !bytes.Equal(s.objects[key], body) {
					t.Errorf("%s: %s is not there", push.what, key)
				}
			}
			read := push.read
			if !catalogue {
				read = push.bare
			}
			if got.Stats.Packages != read || got.Stats.RevisionsWritten != push.written || got.Stats.RevisionsFound != push.found {
				t.Errorf("%s, catalogue %v: %+v, want %+v", push.what, catalogue, got.Stats, push)
			}
		}
	}
}

// buildIn builds production, with a catalogue and lists of its own.
func buildIn(ctx context.Context, store build.Store, source index.Source, signer build.Signer, change func(*build.Options)) (*build.Result, error) {
	o := build.Options{
		Source: source, Store: store, Regsnap: "main", Parallel: 1, Budget: layout.Budget{Responses: 3, Bytes: 1 << 20}, Sign: signer,
		Environments: []build.Environment{{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.0.0", Catalogue: true, Inline: 1}},
	}
	if change != nil {
		change(&o)
	}
	return build.Build(ctx, o)
}

func liveIn(t *testing.T, s *fragileStore, b build.Snapshot) build.Live {
	t.Helper()
	env := b.Manifest.Environment
	r, err := layout.DecodeRoutes(s.objects[layout.RoutesKey(env, b.ID)], env)
	if err != nil {
		t.Fatal(err)
	}
	return build.Live{Manifest: b.Manifest, Routes: r}
}
