package build_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
)

var errPower = errors.New("the power is off")

// fragileStore keeps objects in memory, and stores no more of them once left is
// used up. The object at which that happens is there if keeps says so: the answer
// to a request that was carried out can get lost.
type fragileStore struct {
	t *testing.T

	mu      sync.Mutex
	objects map[string][]byte
	left    int
	keeps   bool // the last object, of which the writer is told that it failed
}

func (s *fragileStore) Read(_ context.Context, key string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, ok := s.objects[key]
	if !ok {
		return nil, fmt.Errorf("%s: %w", key, fs.ErrNotExist)
	}
	return body, nil
}

func (s *fragileStore) Sizes(_ context.Context, rev layout.Revision) (map[string]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sizes := map[string]int64{}
	for key, body := range s.objects {
		if strings.HasPrefix(key, rev.Prefix()) {
			sizes[key] = int64(len(body))
		}
	}
	return sizes, nil
}

func (s *fragileStore) Put(_ context.Context, o layout.Object) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left <= 0 {
		if s.left == 0 && s.keeps {
			s.objects[o.Key] = bytes.Clone(o.Body)
		}
		s.left--
		return errPower
	}
	s.left--
	if old, there := s.objects[o.Key]; there && !bytes.Equal(old, o.Body) {
		s.t.Errorf("%s is written with other bytes than before", o.Key)
	}
	s.objects[o.Key] = bytes.Clone(o.Body)
	return nil
}

// sound checks that what says of something that it is complete is right.
func (s *fragileStore) sound(t *testing.T) {
	t.Helper()
	need := func(what, key string) {
		if _, ok := s.objects[key]; !ok {
			t.Errorf("%s is there, but %s, of which it says that it is, is not", what, key)
		}
	}
	for key, body := range s.objects {
		switch {
		case strings.HasPrefix(key, layout.PackagesPrefix) && strings.HasSuffix(key, "/contents.json"):
			rev, _, _, err := layout.ParsePackageKey(key)
			if err != nil {
				t.Fatal(err)
			}
			c, err := layout.DecodeContents(body, rev)
			if err != nil {
				t.Fatal(err)
			}
			need(key, rev.ArchiveKey())
			if c.Signature != nil {
				need(key, rev.SignatureKey())
			}
			for _, f := range c.Objects() {
				need(key, rev.FileKey(f.Path))
			}
		case strings.HasSuffix(key, "/manifest.json") && strings.HasPrefix(key, layout.SnapshotsPrefix):
			env, id, _, err := layout.ParseSnapshotKey(key)
			if err != nil {
				t.Fatal(err)
			}
			m, err := layout.DecodeManifest(body, env, id)
			if err != nil {
				t.Fatal(err)
			}
			need(key, layout.RoutesKey(m.Environment, m.ID()))
			for _, p := range m.Packages {
				need(key, layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ContentsKey())
			}
			for _, r := range m.Responses {
				for _, k := range r.Keys() {
					need(key, k)
				}
			}
		}
	}
}

// A build that stops at any object leaves nothing that claims to be complete and
// is not, and building again gives the bytes of a build that never stopped.
func TestCrashAtEveryObject(t *testing.T) {
	manifest := "format_version: 1.0.0\nname: %s\ntitle: T\nversion: %s\ndescription: D\n"
	var storage strings.Builder
	for _, p := range [][2]string{{"production/packages/a", "1.0.0"}, {"production/packages/b", "1.0.0"}, {"staging/packages/a", "1.1.0"}} {
		name := p[0][len(p[0])-1:]
		fmt.Fprintf(&storage, "-- %s/%s/manifest.yml --\n"+manifest+"-- %[1]s/%[2]s/docs/README.md --\n# %[3]s\n", p[0], p[1], name, p[1])
	}
	repo := indextest.NewRepoFrom(t, storage.String())
	source, err := git.OpenGit(context.Background(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	run := func(s *fragileStore, left int) error {
		s.left = left
		_, err := build.Build(context.Background(), build.Options{
			Source: source, Store: s, Regsnap: "main", Parallel: 2,
			Environments: []build.Environment{
				{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.0.0"},
				{Name: "staging", Branches: []string{"production", "staging"}, ServiceVersion: "1.0.0"},
			},
		})
		return err
	}
	const plenty = 1 << 20
	clean := &fragileStore{t: t, objects: map[string][]byte{}}
	if err := run(clean, plenty); err != nil {
		t.Fatal(err)
	}
	puts := plenty - clean.left
	if puts < 20 {
		t.Fatalf("only %d objects are stored", puts)
	}
	for left := range puts {
		for _, keeps := range []bool{false, true} {
			s := &fragileStore{t: t, objects: map[string][]byte{}, keeps: keeps}
			if err := run(s, left); !errors.Is(err, errPower) {
				t.Fatalf("stopped at object %d: error %v", left, err)
			}
			s.sound(t)
			if err := run(s, plenty); err != nil {
				t.Fatalf("after stopping at object %d: %v", left, err)
			}
			s.sound(t)
			if !maps.EqualFunc(s.objects, clean.objects, bytes.Equal) {
				t.Fatalf("after stopping at object %d:\n%q\nwant\n%q", left, slices.Sorted(maps.Keys(s.objects)), slices.Sorted(maps.Keys(clean.objects)))
			}
		}
	}
}
