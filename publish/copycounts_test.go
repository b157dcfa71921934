package publish

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestCopyCounts: what a copy says it has read, checked and stored is what the target has
// then, and what an earlier one had brought is not counted twice.
func TestCopyCounts(t *testing.T) {
	src := newEditions(t)
	from, to := openTest(t, "mem://"), openTest(t, "mem://")
	m := mustRead(t, from, src.mustPublish(t, from, 0).Snapshot)
	content := func() (objects int, bytes int64) {
		t.Helper()
		for o, err := range to.List(t.Context(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if o.Key != layout.ManifestKey(testEnv, m.ID()) && !strings.HasPrefix(o.Key, layout.LeasesPrefix) {
				objects, bytes = objects+1, bytes+o.Size
			}
		}
		return objects, bytes
	}
	copied := func(forget bool) Copied {
		t.Helper()
		l := to.Lease(LeaseOptions{Purpose: "mirror"})
		if !forget {
			l = to.Lease(LeaseOptions{Purpose: "mirror", Live: []*layout.Manifest{m}})
		}
		var last Copied
		c := l.CopyFrom(from, CopyOptions{Progress: func(now Copied) { last = now }})
		if err := errors.Join(c.Snapshot(t.Context(), m), l.Release(t.Context())); err != nil {
			t.Fatal(err)
		}
		if last != c.Copied() {
			t.Errorf("told last is %+v, and it comes to %+v", last, c.Copied())
		}
		return last
	}
	units := len(m.Packages) + len(m.Stored())
	objects, bytes := 0, int64(0)
	got := copied(true)
	objects, bytes = content()
	if want := (Copied{Units: units, Total: units, Objects: objects, Bytes: bytes}); got != want {
		t.Errorf("into an empty bucket: %+v, want %+v", got, want)
	}
	// Again, by a copier that does not know what is there: revisions are found, and so are
	// responses by writing them again.
	if got := copied(true); got.Units != units || got.Present != len(m.Packages) {
		t.Errorf("again: %+v, want %d units, and %d of them there", got, units, len(m.Packages))
	}
	// One that knows does nothing but to make sure of the routes.
	if got := copied(false); got.Total != 0 || got.Units != 0 || got.Objects != 1 {
		t.Errorf("again, knowing what is there: %+v", got)
	}
	if after, _ := content(); after != objects {
		t.Errorf("there are %d objects, and were %d", after, objects)
	}
	// A revision of which the list is missing is copied again, whole.
	p := m.Packages[0]
	if err := to.Delete(t.Context(), revisionOf(p).ContentsKey()); err != nil {
		t.Fatal(err)
	}
	if got := copied(true); got.Present != len(m.Packages)-1 {
		t.Errorf("without the list of a revision: %+v", got)
	}
	if _, _, err := to.Contents(t.Context(), revisionOf(p), p.Contents); err != nil {
		t.Error(err)
	}
	// One that is another in the target is not overwritten.
	whole, err := to.Read(t.Context(), revisionOf(p).ContentsKey())
	if err != nil {
		t.Fatal(err)
	}
	list, err := layout.DecodeContents(whole, revisionOf(p))
	if err != nil {
		t.Fatal(err)
	}
	list.Archive.Size++ // as sound a list as the other
	for other, says := range map[string]error{"x": ErrDamaged, strings.Replace(string(whole), "{", "{ ", 1): ErrDamaged, string(list.Encode()): errDiffers} {
		if err := to.replaceLive(t.Context(), layout.Object{Key: revisionOf(p).ContentsKey(), Body: []byte(other), ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
		l := to.Lease(LeaseOptions{Purpose: "mirror"})
		if err := l.CopyFrom(from, CopyOptions{}).Snapshot(t.Context(), m); !errors.Is(err, says) || !strings.Contains(err.Error(), revisionOf(p).ContentsKey()) {
			t.Errorf("over another list of files: %v, want %v", err, says)
		}
		if err := l.Release(t.Context()); err != nil {
			t.Fatal(err)
		}
		if now, err := to.Read(t.Context(), revisionOf(p).ContentsKey()); err != nil || string(now) != other {
			t.Errorf("what was there is now %q, %v", now, err)
		}
	}
}

// TestCopyLinks: files of a folder that hold the same are counted as links, all others as
// objects; where one cannot be written it is named.
func TestCopyLinks(t *testing.T) {
	src := newEditions(t)
	from := openTest(t, "mem://")
	to, dir := fileBucket(t)
	m := mustRead(t, from, src.mustPublish(t, from, 0).Snapshot)
	l := to.Lease(LeaseOptions{Purpose: "mirror"})
	c := l.CopyFrom(from, CopyOptions{Parallel: 1})
	twice := layout.Object{Key: "packages/x/1.0.0/00000000000000000000/files/a", Body: []byte("same"), SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("same"))), ContentType: "text/plain"}
	want := layout.ObjectDigest{Size: 4, SHA256: twice.SHA256}
	for i, name := range []string{"a", "b", "c"} {
		o := twice
		o.Key = strings.TrimSuffix(o.Key, "a") + name
		if err := from.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		if err := c.object(t.Context(), o, want); err != nil {
			t.Fatal(err)
		}
		if got := c.Copied(); got != (Copied{Objects: 1, Bytes: 4, Linked: i}) {
			t.Errorf("%d of the same: %+v", i+1, got)
		}
		if body, err := to.Read(t.Context(), o.Key); err != nil || string(body) != "same" {
			t.Errorf("%s is %q, %v", o.Key, body, err)
		}
	}
	// A response that a listing has shown is not read again.
	r := m.Responses[0]
	c.found = map[string]bool{}
	for _, key := range r.Keys() {
		c.found[key] = true
	}
	before := c.Copied()
	before.Present++
	if err := c.response(t.Context(), r, layout.CacheContent); err != nil || c.Copied() != before {
		t.Errorf("%+v, want %+v; %v", c.Copied(), before, err)
	}
	c.found = nil
	key := revisionOf(m.Packages[0]).ArchiveKey()
	name := filepath.Join(dir, filepath.FromSlash(strings.Split(key, "/")[0]+"/"+strings.Split(key, "/")[1]))
	if err := os.WriteFile(name, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := c.Snapshot(t.Context(), m); !errors.Is(err, syscall.ENOTDIR) {
		t.Errorf("where a folder should be is a file: %v", err)
	}
	if err := c.through(t.Context(), layout.Object{Key: key}, 1, func(io.Writer) error { return nil }); !errors.Is(err, syscall.ENOTDIR) || !strings.HasPrefix(err.Error(), "store "+key) {
		t.Errorf("%v", err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestCopyEnds: a copy whose context is over waits for nothing, and has stored nothing more.
func TestCopyEnds(t *testing.T) {
	src := newEditions(t)
	from, to := openTest(t, "mem://"), openTest(t, "mem://")
	m := mustRead(t, from, src.mustPublish(t, from, 0).Snapshot)
	ended, stop := context.WithCancel(t.Context())
	stop()
	l := to.Lease(LeaseOptions{Purpose: "mirror"})
	c := l.CopyFrom(from, CopyOptions{Parallel: 1})
	c.slots <- struct{}{} // another object is being copied
	want := layout.ObjectDigest{Size: 1}
	for what, call := range map[string]func() error{
		"an object": func() error { return c.object(ended, layout.Object{Key: "packages/a"}, want) },
		"a twin":    func() error { return c.twin(ended, layout.Object{Key: "responses/a.json.gz"}, 1, want) },
		"all":       func() error { return c.Snapshot(ended, m) },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := l.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := count(t, to); n != 0 {
		t.Errorf("there are %d objects", n)
	}
}

// TestTagsAreCarriedOrNot: a tag that cannot be read is carried nowhere.
func TestTagsAreCarriedOrNot(t *testing.T) {
	src := newEditions(t)
	from, to := openTest(t, "mem://"), openTest(t, "mem://")
	id := src.mustPublish(t, from, 0).Snapshot
	src.mustPublish(t, to, 0)
	mustTag(t, from, "good", id)
	carry := func() (carried, kept []string, err error) {
		l := to.Lease(LeaseOptions{Purpose: "mirror"})
		carried, kept, err = l.CopyFrom(from, CopyOptions{}).Tags(t.Context(), testEnv, []string{id})
		return carried, kept, errors.Join(err, l.Release(t.Context()))
	}
	if carried, kept, err := carry(); err != nil || len(carried) != 1 || len(kept) != 0 {
		t.Errorf("carried %q, kept %q, %v", carried, kept, err)
	}
	if carried, kept, err := carry(); err != nil || len(carried) != 0 || len(kept) != 0 {
		t.Errorf("again: carried %q, kept %q, %v", carried, kept, err)
	}
	// One that was moved there, and deleted here, comes back.
	second := src.mustPublish(t, from, 1).Snapshot
	src.mustPublish(t, to, 1)
	mustTag(t, from, "good", second)
	if _, err := to.Untag(t.Context(), testEnv, "good", Note{}); err != nil {
		t.Fatal(err)
	}
	id = second
	if carried, kept, err := carry(); err != nil || len(carried) != 1 || len(kept) != 0 {
		t.Errorf("deleted here: carried %q, kept %q, %v", carried, kept, err)
	}
	// What the target cannot read is no reason to go on either.
	for _, b := range []*Bucket{to, from} {
		if err := b.replaceLive(t.Context(), layout.Object{Key: layout.TagKey(testEnv, "good"), Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
		if carried, kept, err := carry(); !errors.Is(err, ErrDamaged) {
			t.Errorf("of a damaged one: carried %q, kept %q, %v", carried, kept, err)
		}
	}
}

// TestFindResponses: of more than a hundred responses it is looked once which ones are there.
func TestFindResponses(t *testing.T) {
	for wanted, looks := range map[int]bool{fewResponses: false, fewResponses + 1: true} {
		b := openTest(t, "mem://")
		put := func(key string) {
			t.Helper()
			if err := b.Put(t.Context(), layout.Object{Key: key, Body: []byte("x"), ContentType: layout.JsonType}); err != nil {
				t.Fatal(err)
			}
		}
		r := layout.ManifestResponse{Digest: layout.DigestOf(nil), Size: 1, Gzip: 1}
		keys := r.Keys()
		if len(keys) != 2 {
			t.Fatalf("a response has %q", keys)
		}
		c := b.Lease(LeaseOptions{}).CopyFrom(b, CopyOptions{})
		put(keys[0])
		if err := c.findResponses(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if c.present(r) {
			t.Error("half a response is taken for one")
		}
		put(keys[1])
		if err := c.findResponses(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if c.present(r) {
			t.Error("it was looked a second time")
		}
		again := b.Lease(LeaseOptions{}).CopyFrom(b, CopyOptions{})
		if err := again.findResponses(t.Context(), wanted); err != nil {
			t.Fatal(err)
		}
		if got := again.present(r); got != looks {
			t.Errorf("of %d responses, one that is there is found: %t, want %t", wanted, got, looks)
		}
	}
}

// TestCopyOfAnother: what the target has under the same name and is another content is not
// taken for the one that is copied.
func TestCopyOfAnother(t *testing.T) {
	b := openTest(t, "mem://")
	response := layout.ManifestResponse{Digest: layout.DigestOf(nil), Size: 1, SHA256: "ab"}
	p := layout.ManifestPackage{Name: "a", Version: "1.0.0", Revision: "00000000000000000000", Contents: "ab"}
	there := &layout.Manifest{Environment: testEnv, Packages: []layout.ManifestPackage{p}, Responses: []layout.ManifestResponse{response}}
	c := b.Lease(LeaseOptions{}).CopyFrom(b, CopyOptions{})
	c.vouch(there)
	same := *there
	if packages, responses, err := c.missing(&same); err != nil || len(packages)+len(responses) != 0 {
		t.Errorf("of the same is missing %+v, %+v, %v", packages, responses, err)
	}
	p.Contents = "cd"
	if _, _, err := c.missing(&layout.Manifest{Environment: testEnv, Packages: []layout.ManifestPackage{p}}); !errors.Is(err, errDiffers) {
		t.Errorf("another list of files: %v", err)
	}
	response.SHA256 = "cd"
	if _, _, err := c.missing(&layout.Manifest{Environment: testEnv, Responses: []layout.ManifestResponse{response}}); !errors.Is(err, errDiffers) {
		t.Errorf("another response: %v", err)
	}
}
