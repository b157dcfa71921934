package build_test

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
)

// stamp signs with one word.
type stamp struct{}

func (stamp) Sign([]byte) ([]byte, error) { return []byte("signed"), nil }
func (stamp) Fingerprint() string         { return strings.Repeat("AB", 20) }
func (stamp) Identity() string            { return "stamp" }

// TestFoundIsWhole: a revision that an earlier build has left is found if all of it is
// there, object by object; what is lacking is written again, and what is of another size is
// an error that names it.
func TestFoundIsWhole(t *testing.T) {
	t.Parallel()
	source, err := git.OpenDir(indextest.Folders(t, aPackage("p", "1.0.0", "")))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	without := func(o *build.Options) { o.Environments[0].Catalogue = false }
	first := newStore(t)
	r, err := buildIn(t.Context(), first, source, stamp{}, without)
	if err != nil {
		t.Fatal(err)
	}
	m := r.Snapshots[0].Manifest
	rev := layout.Revision{Name: "p", Version: "1.0.0", ID: m.Packages[0].Revision}
	tried := 0
	for key := range first.objects {
		if _, what, err := layout.RevisionOfKey(key); err != nil || what == layout.ContentsObject {
			continue
		}
		tried++
		for _, body := range [][]byte{nil, append(bytes.Clone(first.objects[key]), 'x')} {
			s := newStore(t)
			s.objects = maps.Clone(first.objects)
			if delete(s.objects, key); body != nil {
				s.objects[key] = body
			}
			r, err := buildIn(t.Context(), s, source, stamp{}, without)
			if body != nil {
				if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%s: %d bytes, want %d", key, len(body), len(body)-1)) {
					t.Errorf("%s is too long: %v", key, err)
				}
				continue
			}
			if err != nil || r.Stats.RevisionsWritten != 1 || r.Stats.RevisionsFound != 0 || !bytes.Equal(s.objects[key], first.objects[key]) {
				t.Errorf("%s is lacking: %+v, %v", key, r.Stats, err)
			}
		}
	}
	if _, signed := first.objects[rev.SignatureKey()]; !signed || tried < 4 {
		t.Errorf("%d objects were tried, signed %t", tried, signed)
	}
	if r, err := buildIn(t.Context(), first, source, stamp{}, without); err != nil || r.Stats.RevisionsWritten != 0 || r.Stats.RevisionsFound != 1 {
		t.Errorf("all is there: %+v, %v", r.Stats, err)
	}
}

// TestTypesOfContents: a file whose name says nothing has the type that its first bytes say,
// as net/http finds it: the reference registry serves files by that.
func TestTypesOfContents(t *testing.T) {
	t.Parallel()
	source, err := git.OpenDir(indextest.Folders(t, aPackage("p", "1.0.0", "")+"-- production/packages/p/1.0.0/LICENSE --\nDo as you like.\n"+
		"-- production/packages/p/1.0.0/page --\n<!DOCTYPE html><p>\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	s := newStore(t)
	r, err := buildIn(t.Context(), s, source, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	rev := layout.Revision{Name: "p", Version: "1.0.0", ID: r.Snapshots[0].Manifest.Packages[0].Revision}
	c, err := layout.DecodeContents(s.objects[rev.ContentsKey()], rev)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"LICENSE": "text/plain; charset=utf-8", "page": "text/html; charset=utf-8"} {
		if f := c.Find(path); f == nil || f.Type != want {
			t.Errorf("%s is %+v, want %s", path, f, want)
		}
	}
}
