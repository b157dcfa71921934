package build_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
)

// shardedStorage has packages of one to four versions in two branches, which share
// contents.
func shardedStorage(t *testing.T) index.Source {
	t.Helper()
	root := t.TempDir()
	branches := []string{"production", "staging"}
	for i := range 11 {
		for v := range 1 + i%4 {
			dir := filepath.Join(root, branches[(i+v)%2], "packages", fmt.Sprint("p", i), fmt.Sprint("1.0.", v))
			for file, content := range map[string]string{
				"manifest.yml":   fmt.Sprintf("format_version: 1.0.0\nname: p%d\ntitle: T\nversion: 1.0.%d\ndescription: D\n", i, v),
				"docs/README.md": fmt.Sprintf("# p%d\n", i),
				"img/shared.svg": "<svg/>\n",
			} {
				file = filepath.Join(dir, filepath.FromSlash(file))
				if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(content), 0o666)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return git.OpenDirs(map[string]string{branches[0]: filepath.Join(root, branches[0]), branches[1]: filepath.Join(root, branches[1])})
}

func newStore(t *testing.T) *fragileStore {
	return &fragileStore{t: t, objects: map[string][]byte{}, left: 1 << 20}
}

// The shards of a storage are, together, the revisions of a build without shards, each
// written by one of them; and the build after them gives the same bytes, whatever
// prune, or a writer that prune took for dead, has made of what they left.
func TestShards(t *testing.T) {
	source := shardedStorage(t)
	for catalogue, seeds := range map[bool]uint64{false: 8, true: 2} {
		run := func(s *fragileStore, part build.Shard) *build.Result {
			t.Helper()
			r, err := build.Build(t.Context(), build.Options{
				Source: source, Store: s, Regsnap: "main", Parallel: 2, Shard: part,
				Environments: []build.Environment{
					{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.0.0", Catalogue: catalogue},
					{Name: "staging", Branches: []string{"production", "staging"}, ServiceVersion: "1.0.0", Catalogue: catalogue},
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		plain := newStore(t)
		want := run(plain, build.Shard{})
		revisions := maps.Clone(plain.objects)
		maps.DeleteFunc(revisions, func(key string, _ []byte) bool { return !strings.HasPrefix(key, layout.PackagesPrefix) })

		for seed := range seeds {
			rng := rand.New(rand.NewPCG(seed, 0))
			of := 1 + rng.IntN(7)
			union, sharded := newStore(t), 0
			for _, i := range rng.Perm(of) {
				own := newStore(t)
				r := run(own, build.Shard{Index: i + 1, Of: of})
				sharded += r.Sharded
				if len(r.Snapshots) > 0 || r.Stats.RevisionsWritten != r.Sharded {
					t.Errorf("seed %d: shard %d of %d: %+v", seed, i+1, of, r)
				}
				for key, body := range own.objects {
					if union.objects[key] != nil {
						t.Errorf("seed %d: two of %d shards write %s", seed, of, key)
					}
					union.objects[key] = body
				}
			}
			if !maps.EqualFunc(union.objects, revisions, bytes.Equal) || sharded != want.Stats.RevisionsWritten {
				t.Fatalf("seed %d: %d shards write %d revisions\n%q\nwant %d\n%q", seed, of, sharded, slices.Sorted(maps.Keys(union.objects)), want.Stats.RevisionsWritten, slices.Sorted(maps.Keys(revisions)))
			}
			// Again: there is nothing left to do.
			if r := run(union, build.Shard{Index: 1, Of: of}); r.Stats.RevisionsWritten != 0 || r.Stats.RevisionsFound != r.Sharded {
				t.Errorf("seed %d: the first of %d shards again: %+v", seed, of, r.Stats)
			}
			gone := map[string]bool{} // by the folder of the revision
			if seed > 0 {
				for _, key := range slices.Sorted(maps.Keys(union.objects)) {
					if rng.IntN(9) == 0 {
						delete(union.objects, key)
						gone[strings.Join(strings.SplitN(key, "/", 5)[:4], "/")] = true
					}
				}
			}
			got := run(union, build.Shard{})
			if !maps.EqualFunc(union.objects, plain.objects, bytes.Equal) || got.Stats.RevisionsWritten != len(gone) || got.Stats.RevisionsFound != sharded-len(gone) {
				t.Errorf("seed %d: after %d shards and %d revisions that went: %+v\n%q\nwant\n%q", seed, of, len(gone), got.Stats, slices.Sorted(maps.Keys(union.objects)), slices.Sorted(maps.Keys(plain.objects)))
			}
			for i, s := range got.Snapshots {
				if s.ID != want.Snapshots[i].ID {
					t.Errorf("seed %d: %s is %s, want %s", seed, s.Manifest.Environment, s.ID, want.Snapshots[i].ID)
				}
			}
		}
	}
}

// An object of another length than its list says is damage, which is reported before
// anything vouches for it.
func TestShardDamaged(t *testing.T) {
	source := shardedStorage(t)
	s := newStore(t)
	run := func(part build.Shard) error {
		_, err := build.Build(t.Context(), build.Options{Source: source, Store: s, Regsnap: "main", Shard: part,
			Environments: []build.Environment{{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.0.0"}}})
		return err
	}
	if err := run(build.Shard{Index: 1, Of: 1}); err != nil {
		t.Fatal(err)
	}
	for _, key := range slices.Sorted(maps.Keys(s.objects)) {
		body := s.objects[key]
		for _, other := range [][]byte{body[:len(body)-1], append(slices.Clone(body), ' ')} {
			s.objects[key] = other
			if err := run(build.Shard{}); !strings.HasSuffix(key, "/contents.json") && err == nil || err != nil && !strings.Contains(err.Error(), key) {
				t.Errorf("%s has %d bytes in place of %d: %v", key, len(other), len(body), err)
			}
		}
		s.objects[key] = body
	}
	if err := run(build.Shard{}); err != nil {
		t.Error(err)
	}
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]build.Shard{
		"1/1": {Index: 1, Of: 1}, "1/4": {Index: 1, Of: 4}, "4/4": {Index: 4, Of: 4}, "12/100000": {Index: 12, Of: 100000},
		"0/3": {}, "4/3": {}, "a/b": {}, "1": {}, "": {}, "1/0": {}, "0/0": {}, "-1/3": {}, "+1/3": {}, "1/3/4": {}, " 1/3": {}, "1/3\n": {}, "1.0/3": {},
		"1/99999999999999999999": {}, "１/２": {},
	} {
		got, err := build.ParseShard(text)
		if got != want || (err == nil) != (want != build.Shard{}) {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
		if err == nil && got.String() != text {
			t.Errorf("%q is written as %q", text, got)
		}
		if err != nil && (!strings.Contains(err.Error(), "is no shard: ") || !strings.Contains(err.Error(), "/")) {
			t.Errorf("%q: %v teaches nothing", text, err)
		}
	}
}
