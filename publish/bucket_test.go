package publish

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// closing is a store whose end fails.
type closing struct{ store.Store }

func (closing) Close() error { return errCrash }

func TestCloseFails(t *testing.T) {
	if err := In(closing{}).Close(); !errors.Is(err, errCrash) {
		t.Errorf("closing a store that fails: %v", err)
	}
}

// TestObjectsAtTheirBounds: what is longer than an object of its kind may be is neither
// written nor read, and what is not is.
func TestObjectsAtTheirBounds(t *testing.T) {
	b := openTest(t, "mem://")
	key := layout.PointerKey(testEnv)
	most := layout.MaxSize(key)
	for _, c := range []struct {
		size int64
		fits bool
	}{{most, true}, {most + 1, false}} {
		body := bytes.Repeat([]byte(" "), int(c.size))
		err := b.Put(t.Context(), layout.Object{Key: key, Body: body, ContentType: "application/json"})
		if (err == nil) != c.fits {
			t.Errorf("%d bytes, and %d is the most: %v", c.size, most, err)
		}
		if err := b.store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		if err := b.store.Put(t.Context(), layout.Object{Key: key, Body: body, ContentType: "application/json"}); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Read(t.Context(), key); (err == nil) != c.fits || c.fits && !bytes.Equal(got, body) {
			t.Errorf("read %d bytes of %d: %v", len(got), c.size, err)
		}
		if err := b.store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		size int64
		fits bool
	}{{-1, false}, {0, true}, {maxCopied, true}, {maxCopied + 1, false}} {
		if err := bounded("x", c.size); (err == nil) != c.fits || err != nil && !errors.Is(err, ErrDamaged) {
			t.Errorf("a length of %d: %v", c.size, err)
		}
	}
}

// TestFetchFileOfDamaged: a file that lies in an archive comes whole, or as the damage of it.
func TestFetchFileOfDamaged(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	if _, err := src.edition(0); err != nil {
		t.Fatal(err)
	}
	content := strings.Repeat("- name: message\n", 100)
	fields := filepath.Join(src.dir, "0/packages/edited/1.0.0/kibana/fields.yml")
	if err := errors.Join(os.MkdirAll(filepath.Dir(fields), 0o777), os.WriteFile(fields, []byte(content), 0o666)); err != nil {
		t.Fatal(err)
	}
	m := mustRead(t, b, src.mustPublish(t, b, 0).Snapshot)
	p := m.Packages[slices.IndexFunc(m.Packages, func(p layout.ManifestPackage) bool { return p.Name == "edited" })]
	rev := revisionOf(p)
	_, list, err := b.Contents(t.Context(), rev, p.Contents)
	if err != nil {
		t.Fatal(err)
	}
	file := list.Find("kibana/fields.yml")
	if list.Own(file) {
		t.Fatal("the file is an object of its own")
	}
	whole := copyOf(t, b)
	archive := whole[rev.ArchiveKey()]
	offset, size := file.Span()
	flipped := bytes.Clone(archive)
	flipped[offset+size/2] ^= 1
	for what, c := range map[string]struct {
		archive []byte
		is      error
	}{
		"as it was":        {archive, nil},
		"cut before it":    {archive[:offset], ErrDamaged},
		"cut in it":        {archive[:offset+size-1], ErrDamaged},
		"cut behind it":    {archive[:offset+size], nil},
		"a bit turned":     {flipped, ErrDamaged},
		"not there at all": {nil, fs.ErrNotExist},
	} {
		now := bucketCopy{rev.ArchiveKey(): c.archive}
		if c.archive == nil {
			clear(now)
		}
		var got bytes.Buffer
		err := In(now.open(t)).FetchFile(t.Context(), rev, list, file, &got)
		if c.is == nil && (err != nil || got.String() != content) {
			t.Errorf("%s: %q, %v", what, got.String(), err)
		}
		if c.is != nil && (!errors.Is(err, c.is) || got.Len() > 0) {
			t.Errorf("%s: %q, %v; want %v and nothing", what, got.String(), err, c.is)
		}
	}
	if err := b.FetchFile(t.Context(), rev, list, file, failingWriter{}); !errors.Is(err, errCrash) {
		t.Errorf("to where it cannot be written: %v", err)
	}
	if err := b.Fetch(t.Context(), rev.ArchiveKey(), failingWriter{}, list.Archive); !errors.Is(err, errCrash) {
		t.Errorf("to where it cannot be written: %v", err)
	}
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, errCrash }

// taking is a store from which a prune takes the manifest of a snapshot as soon as one of
// its objects is not there.
type taking struct {
	store.Store
	t        *testing.T
	manifest string
}

func (s taking) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	r, size, err := s.Store.Open(ctx, key, offset, length)
	if errors.Is(err, fs.ErrNotExist) {
		if err := s.Delete(ctx, s.manifest); err != nil {
			s.t.Error(err)
		}
	}
	return r, size, err
}

// TestPrunedIsNotDamaged: of a snapshot that a prune takes while it is read nothing is
// called damaged, whichever object is missed first.
func TestPrunedIsNotDamaged(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	old := src.mustPublish(t, b, 0).Snapshot
	live := src.mustPublish(t, b, 1).Snapshot
	m := mustRead(t, b, old)
	whole := copyOf(t, b)
	reads := map[string]func(b *Bucket) error{
		"verify": func(b *Bucket) error {
			_, err := b.Verify(t.Context(), testEnv, old, VerifyOptions{})
			return err
		},
		"diff": func(b *Bucket) error {
			_, err := b.Diff(t.Context(), SnapshotRef{testEnv, live}, SnapshotRef{testEnv, old})
			return err
		},
		"mirror": func(b *Bucket) error {
			to := openTest(t, "mem://")
			l := to.Lease(LeaseOptions{Purpose: "mirror"})
			return errors.Join(l.CopyFrom(b, CopyOptions{}).Snapshot(t.Context(), m), l.Release(t.Context()))
		},
		"rollback": func(b *Bucket) error {
			_, err := b.Lease(LeaseOptions{}).PrepareRollback(t.Context(), testEnv, old)
			return err
		},
	}
	missed := map[string]int{}
	for _, key := range ofOneOnly(mustRead(t, b, live), m) {
		for what, read := range reads {
			now := bucketCopy{}
			for k, body := range whole {
				if k != key {
					now[k] = body
				}
			}
			s := now.open(t)
			err := read(In(taking{s, t, layout.ManifestKey(testEnv, old)}))
			if _, e := storetest.Read(t.Context(), s, layout.ManifestKey(testEnv, old)); e == nil {
				continue // it did not read that object
			}
			missed[what]++
			if !errors.Is(err, ErrPruned) || errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), old) {
				t.Errorf("%s, which misses %s: %v", what, key, err)
			}
		}
	}
	for what := range reads {
		if missed[what] == 0 {
			t.Errorf("%s missed nothing", what)
		}
	}
}

// TestAnotherDigest: what is sound in itself and is not what its reader was to expect is
// damaged, whichever object it is.
func TestAnotherDigest(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	m := mustRead(t, b, id)
	p, other := m.Packages[0], strings.Repeat("ab", 32)
	rev := revisionOf(p)
	_, list, err := b.Contents(t.Context(), rev, p.Contents)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(m.Responses, func(r layout.ManifestResponse) bool { return r.Gzip > 0 })
	response := m.Responses[i]
	plain := layout.ObjectDigest{Size: response.Size, SHA256: response.SHA256}
	encoded := response.Object(layout.CacheContent).Key + layout.GzipSuffix
	if len(m.Lists) == 0 {
		t.Fatal("the manifest has no lists")
	}
	read := map[string]func(sum func(string) string) error{
		"the list of files": func(sum func(string) string) error {
			_, _, err := b.Contents(t.Context(), rev, sum(p.Contents))
			return err
		},
		"the archive": func(sum func(string) string) error {
			want := list.Archive
			want.SHA256 = sum(want.SHA256)
			return b.Fetch(t.Context(), rev.ArchiveKey(), io.Discard, want)
		},
		"an encoded answer": func(sum func(string) string) error {
			want := plain
			want.SHA256 = sum(want.SHA256)
			return b.FetchEncoded(t.Context(), encoded, io.Discard, response.Gzip, want)
		},
		"a list of the manifest": func(sum func(string) string) error {
			r := m.Lists[0]
			r.SHA256 = sum(r.SHA256)
			_, err := b.readList(t.Context(), r)
			return err
		},
		"the routes": func(sum func(string) string) error {
			of := *m
			of.Routes.SHA256 = sum(of.Routes.SHA256)
			_, _, err := b.routes(t.Context(), &of, id)
			return err
		},
	}
	for what, f := range read {
		if err := f(func(sum string) string { return sum }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if err := f(func(string) string { return other }); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s of another digest: %v", what, err)
		}
	}
}
