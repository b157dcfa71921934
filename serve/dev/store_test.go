package dev

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"runtime"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// revision is one of a package, with an object.
func revision(version, id string) layout.Revision {
	return layout.Revision{Name: "web", Version: version, ID: id}
}

// put stores an object.
func (m *memory) put(t *testing.T, key, content string) {
	t.Helper()
	if err := m.Put(t.Context(), layout.Object{Key: key, Body: []byte(content)}); err != nil {
		t.Fatal(err)
	}
}

// TestGroups: what is forgotten together.
func TestGroups(t *testing.T) {
	for key, want := range map[string]string{
		"packages/web/1.0.0/ab/web-1.0.0.zip":        "packages/web/1.0.0/ab",
		"packages/web/1.0.0/ab/files/docs/README.md": "packages/web/1.0.0/ab",
		"packages/web/1.0.0/ab/":                     "packages/web/1.0.0/ab",
		"packages/web/1.0.0/ab":                      "packages/web/1.0.0/ab",
		"packages/web":                               "packages/web",
		"snapshots/dev/0123/manifest.json":           "snapshots/dev/0123",
		"snapshots/dev/0123/routes.json":             "snapshots/dev/0123",
		"responses/sha256/ab":                        "responses/sha256/ab",
		"environments/dev.json":                      "environments/dev.json",
	} {
		if got := groupOf(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// TestMemory reads at and around the bounds of objects, of its own and of those under it.
func TestMemory(t *testing.T) {
	rev, other := revision("1.0.0", "aa"), revision("2.0.0", "bb")
	under := newMemory("base", nil)
	under.put(t, rev.ContentsKey(), "under")
	under.put(t, rev.ArchiveKey(), "archive")
	under.put(t, other.ContentsKey(), "other")
	m := newMemory("dev", under)
	m.put(t, rev.ContentsKey(), "own 5")
	m.put(t, rev.ContentsKey(), "another") // what is there stays
	m.put(t, rev.SignatureKey(), "")
	for _, c := range []struct {
		key            string
		offset, length int64
		want           string
		fails          bool
	}{
		{rev.ContentsKey(), 0, -1, "own 5", false},
		{rev.ContentsKey(), 0, 0, "", false},
		{rev.ContentsKey(), 0, 1, "o", false},
		{rev.ContentsKey(), 0, 4, "own ", false},
		{rev.ContentsKey(), 0, 5, "own 5", false},
		{rev.ContentsKey(), 0, 6, "own 5", false},
		{rev.ContentsKey(), 1, 4, "wn 5", false},
		{rev.ContentsKey(), 4, -1, "5", false},
		{rev.ContentsKey(), 4, 1, "5", false},
		{rev.ContentsKey(), 5, -1, "", false},
		{rev.ContentsKey(), 6, -1, "", true},
		{rev.SignatureKey(), 0, -1, "", false},
		{rev.ArchiveKey(), 1, 2, "rc", false}, // of what is under it
	} {
		r, err := m.Open(t.Context(), c.key, c.offset, c.length)
		if c.fails {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%+v: %v", c, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != c.want {
			t.Errorf("%+v: %q, %v", c, got, err)
		}
	}
	for key, want := range map[string]string{rev.ContentsKey(): "own 5", rev.ArchiveKey(): "archive"} {
		if got, err := m.Read(t.Context(), key); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
	for _, m := range []*memory{m, under} {
		_, read := m.Read(t.Context(), "responses/none")
		_, open := m.Open(t.Context(), "responses/none", 0, -1)
		_, routes := m.Routes(t.Context(), "dev", "none")
		_, pointer := m.Pointer(t.Context(), "dev")
		for _, err := range []error{read, open, routes, pointer} {
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%v", err)
			}
		}
	}
	sizes := func(rev layout.Revision, want map[string]int64) {
		t.Helper()
		if got, err := m.Sizes(t.Context(), rev); err != nil || !maps.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	sizes(rev, map[string]int64{rev.ContentsKey(): 5, rev.ArchiveKey(): 7, rev.SignatureKey(): 0})
	sizes(other, map[string]int64{other.ContentsKey(): 5})
	sizes(revision("1.0.0", "none"), map[string]int64{})
	m.setLive("0123")
	if p, err := m.Pointer(t.Context(), "dev"); err != nil || p.Snapshot != "0123" || p.Environment != "dev" || p.Format != layout.PointerFormat {
		t.Errorf("%+v, %v", p, err)
	}
	if _, err := m.Pointer(t.Context(), "prod"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

// TestMemoryEnded: with a context that has ended nothing is stored, and what is found is not
// taken for an answer.
func TestMemoryEnded(t *testing.T) {
	m := newMemory("dev", &failingReader{})
	rev := revision("1.0.0", "aa")
	m.put(t, rev.ContentsKey(), "a")
	ended := endedContext(t)
	if err := m.Put(ended, layout.Object{Key: rev.ArchiveKey(), Body: []byte("b")}); !errors.Is(err, ended.Err()) {
		t.Errorf("%v", err)
	}
	if _, there := m.find(rev.ArchiveKey()); there {
		t.Error("it is stored")
	}
	if _, err := m.Read(ended, rev.ContentsKey()); !errors.Is(err, ended.Err()) {
		t.Errorf("%v", err)
	}
	for _, m := range []*memory{newMemory("dev", nil), newMemory("dev", newMemory("base", nil))} {
		if _, err := m.Sizes(ended, rev); !errors.Is(err, ended.Err()) {
			t.Errorf("%v", err)
		}
	}
	if got, err := m.Sizes(t.Context(), rev); !errors.Is(err, errReader) || got != nil {
		t.Errorf("%v, %v", got, err)
	}
}

// TestMemoryShares: objects of one content have it in memory once, as long as one of them is
// there. A caller may change what it has stored.
func TestMemoryShares(t *testing.T) {
	m := newMemory("dev", nil)
	content := []byte("content")
	for _, key := range []string{"responses/a", "responses/b"} {
		if err := m.Put(t.Context(), layout.Object{Key: key, Body: content}); err != nil {
			t.Fatal(err)
		}
	}
	m.put(t, "responses/c", "another")
	a, _ := m.find("responses/a")
	b, _ := m.find("responses/b")
	c, _ := m.find("responses/c")
	if a != b || a == c || len(m.same) != 2 {
		t.Errorf("%p %p %p, %d contents", a, b, c, len(m.same))
	}
	content[0] = 'C'
	if string(a.content) != "content" {
		t.Errorf("%s", a.content)
	}
	var sums [][32]byte
	for sum := range m.same {
		sums = append(sums, sum)
	}
	for _, sum := range sums {
		m.forget(sum) // both are still there
	}
	if len(m.same) != 2 {
		t.Errorf("%d contents", len(m.same))
	}
	runtime.KeepAlive([]*body{a, b, c})
	a, b, c = nil, nil, nil
	m.keep()
	if len(m.objects) != 0 {
		t.Errorf("%v", m.objects)
	}
	for left := 2; left > 0; { // a clean-up has no other sign of its end
		runtime.GC()
		runtime.Gosched()
		m.mu.Lock()
		left = len(m.same)
		m.mu.Unlock()
	}
}

// TestArrivals: who waits for an object hears of it once it is stored.
func TestArrivals(t *testing.T) {
	closed := func(c <-chan struct{}) bool {
		select {
		case <-c:
			return true
		default:
			return false
		}
	}
	m := newMemory("dev", nil)
	a, b := m.arrival("responses/a"), m.arrival("responses/b")
	if a != m.arrival("responses/a") || a == b || closed(a) {
		t.Error("each object has one arrival")
	}
	m.put(t, "responses/a", "1")
	if !closed(a) || closed(b) || len(m.arrivals) != 1 {
		t.Errorf("%v %v %d", closed(a), closed(b), len(m.arrivals))
	}
	m.put(t, "responses/a", "2")
	if !closed(m.arrival("responses/a")) || len(m.arrivals) != 1 {
		t.Error("what is there has arrived")
	}
	m.forgetArrivals()
	m.put(t, "responses/b", "1")
	if closed(b) || len(m.arrivals) != 0 {
		t.Error("it is not let go of")
	}
}

// TestMemoryKeeps what the snapshots refer to, each object of it, and nothing else.
func TestMemoryKeeps(t *testing.T) {
	m := newMemory("dev", nil)
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "first")
	b.built()
	one := b.registry.live.Manifest
	b.write("web", "1.0.0", "second")
	b.built()
	two := b.registry.live.Manifest
	digest := layout.DigestOf([]byte("x"))
	with := *two
	with.Responses = []layout.ManifestResponse{{Digest: digest, Gzip: 1}}
	response := with.Responses[0].Keys()
	if len(response) != 2 {
		t.Fatalf("%v", response)
	}
	objects := func(s *layout.Manifest) []string {
		rev := layout.Revision{Name: "web", Version: "1.0.0", ID: s.Packages[0].Revision}
		return []string{layout.ManifestKey("dev", s.ID()), layout.RoutesKey("dev", s.ID()), rev.ArchiveKey(), rev.ContentsKey(), rev.FileKey("a")}
	}
	fill := func() {
		for _, key := range slices.Concat(objects(one), objects(&with), response, []string{"responses/other", revision("1.0.0", "cc").ContentsKey(), "snapshots/dev/00/manifest.json"}) {
			m.put(t, key, key)
		}
	}
	for what, c := range map[string]struct {
		snapshots []*layout.Manifest
		want      []string
	}{
		"none": {nil, nil},
		"one":  {[]*layout.Manifest{one}, objects(one)},
		"two":  {[]*layout.Manifest{&with}, slices.Concat(objects(&with), response)},
		"both": {[]*layout.Manifest{one, &with}, slices.Concat(objects(one), objects(&with), response)},
	} {
		fill()
		m.keep(c.snapshots...)
		var got []string
		for _, g := range m.objects {
			got = slices.AppendSeq(got, maps.Keys(g))
		}
		slices.Sort(got)
		slices.Sort(c.want)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", what, got, c.want)
		}
	}
}
