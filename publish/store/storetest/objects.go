package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

func testPutAndRead(t *testing.T, b store.Store) {
	key := layout.ResponseKey(layout.DigestOf([]byte("x")))
	put(t, b, key, `[{"name": "nginx"}]`)
	want(t, b, key, []byte(`[{"name": "nginx"}]`))
}

func testMissing(t *testing.T, b store.Store) {
	put(t, b, "packages/a/1.0.0/x/files/there", "x")
	for _, key := range []string{
		"packages/a/1.0.0/x/files/not-there", // beside an object
		"packages/a/1.0.0/x/files/ther",      // a prefix of a key
		"packages/a/1.0.0/x/files",           // what would be a folder
		"packages/a/1.0.0/x/files/there/too", // below an object
		"responses/none.json",
	} {
		if _, err := Read(t.Context(), b, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read of %s gives %v, want fs.ErrNotExist", key, err)
		}
		if _, _, err := b.Open(t.Context(), key, 1, 2); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open of %s gives %v, want fs.ErrNotExist", key, err)
		}
	}
}

func testFirstPutStays(t *testing.T, b store.Store) {
	put(t, b, "responses/a.json", "first")
	put(t, b, "responses/a.json", "second")
	want(t, b, "responses/a.json", []byte("first"))
	// Also for large objects, which some stores get in parts.
	large, other := noise(20<<20), bytes.Repeat([]byte{'x'}, 20<<20)
	for _, body := range [][]byte{large, other} {
		if err := b.Put(t.Context(), object("packages/large.zip", body)); err != nil {
			t.Fatal(err)
		}
	}
	want(t, b, "packages/large.zip", large)
}

func testRanges(t *testing.T, b store.Store) {
	const body = "0123456789"
	put(t, b, "packages/ten", body)
	for _, r := range []struct {
		offset, length int64
		want           string
	}{
		{0, -1, body}, {0, 10, body}, {0, 1, "0"}, {3, 4, "3456"}, {3, -1, "3456789"}, {9, 1, "9"}, {9, -1, "9"},
		{5, 0, ""}, {8, 100, "89"}, {0, 11, body},
	} {
		got, err := readRange(t.Context(), b, "packages/ten", r.offset, r.length)
		if err != nil || string(got) != r.want {
			t.Errorf("%d bytes from %d: %q, %v, want %q", r.length, r.offset, got, err, r.want)
		}
	}
	if got, err := readRange(t.Context(), b, "packages/ten", 11, -1); err == nil {
		t.Errorf("reading from behind the end gives %q and no error", got)
	}
}

// Read is a whole object as it is stored.
func Read(ctx context.Context, b store.Store, key string) ([]byte, error) {
	return readRange(ctx, b, key, 0, -1)
}

func readRange(ctx context.Context, b store.Store, key string, offset, length int64) ([]byte, error) {
	r, n, err := b.Open(ctx, key, offset, length)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(r)
	if err == nil && int64(len(got)) != n {
		err = fmt.Errorf("%d bytes came, %d were announced", len(got), n)
	}
	return got, errors.Join(err, r.Close())
}

// oddPaths are paths of files in packages whose keys are the most unlike: what
// layout escapes, abbreviates, or lets through although some store minds it.
func oddPaths() []string {
	paths := []string{
		"with space.md", "[brackets] (and) {braces}", "percent%20and+plus", "umlaut-ü-日本語.svg", "a,b_c.d-e",
		"x.attrs", "x.tmp", "yarn.lock", ".hidden", "..dots..", "...", "=3D", "quote'\"`", "semi;colon&and?query#hash",
		"back\\slash", "control\x01\x1f\x7f", "new\nline", "colon:star*pipe|less<more>", "~tilde", "UPPER", "upper",
		"trailing.", "a/b/c/d/e/f/g/h/i/j/k", "CON", "a=b", "@at!$",
	}
	for _, n := range []int{159, 160, 161, 219, 220, 221, 255, 600} {
		paths = append(paths, strings.Repeat("l", n), "deep/"+strings.Repeat("ü", n/2)+"/x.md")
	}
	return paths
}

func testOddKeys(t *testing.T, b store.Store) {
	bodies := map[string][]byte{}
	for i, p := range oddPaths() {
		bodies[revision.FileKey(p)] = fmt.Appendf(nil, "%d", i)
	}
	odd := revision
	odd.Version = "1.0.0-rc.1+build.5"
	for i, key := range []string{odd.ArchiveKey(), odd.SignatureKey(), odd.ContentsKey()} {
		bodies[key] = fmt.Appendf(nil, "odd %d", i)
	}
	for key, body := range bodies {
		if err := b.Put(t.Context(), object(key, body)); err != nil {
			t.Errorf("put %s: %v", key, err)
		}
	}
	for key, body := range bodies {
		want(t, b, key, body)
	}
	for o, err := range b.List(t.Context(), layout.PackagesPrefix) {
		if err != nil {
			t.Fatal(err)
		}
		if bodies[o.Key] == nil {
			t.Errorf("the listing has %q, which was not put", o.Key)
		}
		delete(bodies, o.Key)
	}
	for key := range bodies {
		t.Errorf("the listing lacks %q", key)
	}
}

func testSizes(t *testing.T, b store.Store) {
	// 16 MiB is where S3 clients begin to upload in parts.
	for _, size := range []int{0, 1, 511, 512, 32 << 10, 256<<10 + 1, 16<<20 - 1, 16 << 20, 20 << 20} {
		key, body := fmt.Sprintf("packages/size-%d", size), noise(size)
		if err := b.Put(t.Context(), object(key, body)); err != nil {
			t.Errorf("put %d bytes: %v", size, err)
			continue
		}
		want(t, b, key, body)
	}
}

// testEncoded: a store that is told an encoding must not undo it on the way back.
func testEncoded(t *testing.T, b store.Store) {
	// gzip of "hello\n".
	body := []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcbH\xcd\xc9\xc9\xe7\x02\x00 0:6\x06\x00\x00\x00")
	o := object("responses/a.json.gz", body)
	o.ContentEncoding, o.ContentType = "gzip", "application/json"
	if err := b.Put(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	want(t, b, o.Key, body)
	got, err := readRange(t.Context(), b, o.Key, 2, 3)
	if err != nil || !bytes.Equal(got, body[2:5]) {
		t.Errorf("range of an encoded object: %q, %v", got, err)
	}
}

func testParallelPuts(t *testing.T, b store.Store) {
	var wg sync.WaitGroup
	const writers, each = 16, 10
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				if err := b.Put(t.Context(), object(fmt.Sprintf("responses/%d-%d", w, i), fmt.Appendf(nil, "%d", i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	for w := range writers {
		for i := range each {
			want(t, b, fmt.Sprintf("responses/%d-%d", w, i), fmt.Appendf(nil, "%d", i))
		}
	}
}

// testParallelPutsOfOneKey is what happens when two builds write the same new
// package: nobody fails, and nobody ever reads a part.
func testParallelPutsOfOneKey(t *testing.T, b store.Store) {
	body := noise(100 << 10)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := b.Put(t.Context(), object("packages/one", body)); err != nil {
				t.Error(err)
			}
			want(t, b, "packages/one", body)
		})
	}
	wg.Wait()
}

func testCanceled(t *testing.T, b store.Store) {
	put(t, b, "responses/a.json", "a")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	check := func(what string, err error) {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s with a canceled context gives %v", what, err)
		}
	}
	check("put", b.Put(ctx, object("responses/b.json", []byte("b"))))
	_, err := Read(ctx, b, "responses/a.json")
	check("read", err)
	check("delete", b.Delete(ctx, "responses/a.json"))
	for _, err := range b.List(ctx, "responses/") {
		check("list", err)
	}
	want(t, b, "responses/a.json", []byte("a"))
	if _, err := Read(t.Context(), b, "responses/b.json"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the canceled put left an object: %v", err)
	}
}
