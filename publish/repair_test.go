package publish

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestRepairSaysWhatItDid: a fault counts as repaired if its object was written, and is sound
// now. What turns out to be wrong besides is added.
func TestRepairSaysWhatItDid(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	whole := copyOf(t, b)
	rev := revisionOf(mustRead(t, b, id).Packages[0])
	for what, c := range map[string]struct {
		damage   []string // keys
		write    map[string]bool
		wrong    bool // what is written is not what should be there
		repaired string
		more     string
	}{
		"all":             {damage: []string{rev.ArchiveKey(), rev.FileKey("manifest.yml")}, repaired: "archive manifest.yml"},
		"one of two":      {damage: []string{rev.ArchiveKey(), rev.FileKey("manifest.yml")}, write: map[string]bool{rev.ArchiveKey(): true}, repaired: "archive"},
		"none":            {damage: []string{rev.ArchiveKey()}, write: map[string]bool{}},
		"wrongly":         {damage: []string{rev.ArchiveKey()}, wrong: true},
		"the list":        {damage: []string{rev.ContentsKey()}, repaired: "contents.json"},
		"list and file":   {damage: []string{rev.ContentsKey(), rev.FileKey("manifest.yml")}, repaired: "contents.json"},
		"list, no file":   {damage: []string{rev.ContentsKey(), rev.FileKey("manifest.yml")}, write: map[string]bool{rev.ContentsKey(): true}, repaired: "contents.json", more: "manifest.yml"},
		"manifest":        {damage: []string{layout.ManifestKey(testEnv, id)}, repaired: "snapshot"},
		"routes":          {damage: []string{layout.RoutesKey(testEnv, id)}, repaired: "routes"},
		"manifest, only":  {damage: []string{layout.ManifestKey(testEnv, id), layout.RoutesKey(testEnv, id)}, write: map[string]bool{layout.ManifestKey(testEnv, id): true}, repaired: "snapshot", more: "routes"},
		"manifest, both":  {damage: []string{layout.ManifestKey(testEnv, id), layout.RoutesKey(testEnv, id)}, repaired: "snapshot"},
		"manifest, wrong": {damage: []string{layout.ManifestKey(testEnv, id)}, wrong: true},
	} {
		t.Run(what, func(t *testing.T) {
			damaged := maps.Clone(whole)
			for _, key := range c.damage {
				damaged[key] = []byte("x")
			}
			b := In(damaged.open(t))
			v, err := b.Verify(t.Context(), testEnv, id, VerifyOptions{})
			if err != nil || v.Sound() {
				t.Fatalf("%+v, %v", v, err)
			}
			l := b.Lease(LeaseOptions{Purpose: "repair"})
			repairs := v.Repairs(l)
			found := len(v.Faults)
			for key, body := range whole {
				if c.write != nil && !c.write[key] {
					continue
				}
				if c.wrong {
					body = []byte("y")
				}
				if err := repairs.Put(t.Context(), layout.Object{Key: key, Body: body, ContentType: "application/json"}); err != nil {
					t.Fatal(err)
				}
			}
			if err := errors.Join(repairs.Check(t.Context(), v), l.Release(t.Context())); err != nil {
				t.Fatal(err)
			}
			var repaired, more []string
			for i, f := range v.Faults {
				_, name, _ := strings.Cut(f.Key, "/files/")
				switch {
				case name != "":
				case f.Key == rev.ArchiveKey():
					name = "archive"
				case f.Key == rev.ContentsKey():
					name = "contents.json"
				case f.Key == layout.ManifestKey(testEnv, id):
					name = "snapshot"
				case f.Key == layout.RoutesKey(testEnv, id):
					name = "routes"
				}
				if f.Repaired {
					repaired = append(repaired, name)
				}
				if i >= found {
					more = append(more, name)
				}
			}
			slices.Sort(repaired)
			if got := strings.Join(repaired, " "); got != c.repaired {
				t.Errorf("repaired is %q, want %q", got, c.repaired)
			}
			if got := strings.Join(more, " "); got != c.more {
				t.Errorf("found besides is %q, want %q", got, c.more)
			}
			after, err := b.Verify(t.Context(), testEnv, id, VerifyOptions{})
			if err != nil || after.Sound() != v.Sound() {
				t.Errorf("it says sound %t, and the next look %t: %+v, %v", v.Sound(), after.Sound(), after.Faults, err)
			}
			for key, body := range copyOf(t, b) {
				if !c.wrong && !slices.Contains(c.damage, key) && string(body) != string(whole[key]) {
					t.Errorf("%s, which was sound, was written", key)
				}
			}
		})
	}
}
