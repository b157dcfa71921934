package build_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest/failtest"
	"github.com/regsnap/regsnap/layout"
)

// brokenStore is a store of which one call fails and does nothing: the first that is
// called so.
type brokenStore struct {
	*fragileStore
	fail string

	asking sync.Mutex
	asked  map[string]bool
	pages  int
}

func (s *brokenStore) call(what, key string) error {
	s.asking.Lock()
	defer s.asking.Unlock()
	name := what + " " + variable.ReplaceAllString(key, "*")
	if strings.HasSuffix(key, ".page") && what == "read" { // one leads to the next
		s.pages++
		name += fmt.Sprint(" ", s.pages)
	}
	first := !s.asked[name]
	s.asked[name] = true
	if first && name == s.fail {
		return errPower
	}
	return nil
}

// variable is what tells objects of one kind apart: digests, revisions and snapshots, the
// packages that are folders, and files of a package.
var variable = regexp.MustCompile(`[0-9a-fTZ-]{12,}|[ab][/-]1\.[01]\.0|/files/.*`)

func (s *brokenStore) Read(ctx context.Context, key string) ([]byte, error) {
	if err := s.call("read", key); err != nil {
		return nil, err
	}
	return s.fragileStore.Read(ctx, key)
}

func (s *brokenStore) Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error) {
	if err := s.call("sizes of", rev.Prefix()); err != nil {
		return nil, err
	}
	return s.fragileStore.Sizes(ctx, rev)
}

func (s *brokenStore) Put(ctx context.Context, o layout.Object) error {
	if err := s.call("put", o.Key); err != nil {
		return err
	}
	return s.fragileStore.Put(ctx, o)
}

// brokenSigner is a key that cannot be used once.
type brokenSigner struct{ fails bool }

func (s *brokenSigner) Sign([]byte) ([]byte, error) {
	if s.fails {
		return nil, errPower
	}
	return []byte("signature"), nil
}
func (s *brokenSigner) Identity() string    { return "key" }
func (s *brokenSigner) Fingerprint() string { return "KEY" }

// editions are a storage before a push and after it. The push adds a version with a
// deprecation notice, which the one before then shows too.
func editions(t *testing.T) (before, after index.Source) {
	old := aPackage("a", "1.0.0", "") + aPackage("b", "1.0.0", "")
	return sealed(t, old), sealed(t, old+aPackage("a", "1.1.0", ", deprecated: {since: 1.1.0, description: Use b}"))
}

// operation is something that is to be made of what a store has, and what it gives.
type operation struct {
	// start has the objects that are there before, and what is live.
	start *fragileStore
	run   func(store build.Store, source index.Source, signer build.Signer) (ids string, err error)
	of    index.Source
}

func operations(t *testing.T) map[string]operation {
	before, after := editions(t)
	start := newStore(t)
	first, err := buildIn(t.Context(), start, before, &brokenSigner{}, nil)
	if err != nil {
		t.Fatal(err, first.Report)
	}
	live := liveIn(t, start, first.Snapshots[0])
	bare := newStore(t)
	without, err := buildIn(t.Context(), bare, before, &brokenSigner{}, func(o *build.Options) { o.Environments[0].Catalogue = false })
	if err != nil {
		t.Fatal(err, without.Report)
	}
	building := func(change func(*build.Options)) func(build.Store, index.Source, build.Signer) (string, error) {
		return func(store build.Store, source index.Source, signer build.Signer) (string, error) {
			r, err := buildIn(t.Context(), store, source, signer, change)
			if err != nil || len(r.Snapshots) == 0 {
				return "", err
			}
			return r.Snapshots[0].ID, nil
		}
	}
	return map[string]operation{
		"the first build":   {newStore(t), building(nil), after},
		"a push":            {start, building(func(o *build.Options) { o.Live = []build.Live{live} }), after},
		"an unfinished":     {start, building(nil), before},
		"a shard":           {newStore(t), building(func(o *build.Options) { o.Shard = build.Shard{Index: 1, Of: 1} }), before},
		"early answers":     {newStore(t), building(func(o *build.Options) { o.Early = func(context.Context, build.Early) error { return nil } }), before},
		"a live catalogue":  {start, building(func(o *build.Options) { o.Live = []build.Live{live}; o.Environments[0].ServiceVersion = "2.0.0" }), before},
		"a catalogue comes": {bare, building(func(o *build.Options) { o.Live = []build.Live{liveIn(t, bare, without.Snapshots[0])} }), before},
		"a slice": {start, func(store build.Store, _ index.Source, _ build.Signer) (string, error) {
			s, err := build.NewSlice(build.SliceOptions{Of: live, From: store, Slice: layout.Slice{Packages: []string{"a"}}, Regsnap: "main", Parallel: 1})
			if err != nil {
				return "", err
			}
			out, err := s.Write(t.Context(), store)
			if err != nil {
				return "", err
			}
			return out.ID, nil
		}, before},
	}
}

// TestFails has each kind of call of the store fail that an operation makes, each call
// of the source, and each signature. The operation ends with that error, nothing that it
// leaves claims to be complete and is not, and done again it gives what it would have.
func TestFails(t *testing.T) {
	t.Parallel()
	for name, op := range operations(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempt := func(s *fragileStore, fail string, call int, unsigned bool) (string, *brokenStore, *failtest.Source, error) {
				store := &brokenStore{fragileStore: s, fail: fail, asked: map[string]bool{}}
				source := &failtest.Source{Source: op.of, At: call}
				id, err := op.run(store, source, &brokenSigner{unsigned})
				return id, store, source, err
			}
			fresh := func() *fragileStore {
				return &fragileStore{t: t, objects: maps.Clone(op.start.objects), left: 1 << 20}
			}
			clean := fresh()
			want, asked, _, err := attempt(clean, "", 0, false)
			if err != nil {
				t.Fatal(err)
			}
			check := func(what string, s *fragileStore, id string, err, cause error) {
				t.Helper()
				if !errors.Is(err, cause) || id != "" {
					t.Errorf("%s: %q, %v, want %v", what, id, err, cause)
				}
				if maps.EqualFunc(s.objects, op.start.objects, bytes.Equal) {
					return // nothing was done
				}
				s.sound(t)
				if again, _, _, err := attempt(s, "", 0, false); err != nil || again != want || !maps.EqualFunc(s.objects, clean.objects, bytes.Equal) {
					t.Errorf("after %s: %q, %v, want %q, and %d objects of %d", what, again, err, want, len(s.objects), len(clean.objects))
				}
			}
			for _, call := range slices.Sorted(maps.Keys(asked.asked)) {
				s := fresh()
				id, _, _, err := attempt(s, call, 0, false)
				check(call, s, id, err, errPower)
			}
			for n := 1; ; n++ {
				s := fresh()
				id, _, source, err := attempt(s, "", n, false)
				if source.Failed() == "" {
					break
				}
				check(source.Failed(), s, id, err, failtest.Err)
			}
			s := fresh()
			if id, _, _, err := attempt(s, "", 0, true); err != nil { // where something is signed
				check("no signature", s, id, err, errPower)
			}
		})
	}
}
