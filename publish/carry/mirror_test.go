package carry_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/gcsblob"
	_ "gocloud.dev/blob/s3blob"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest"
)

// mirror is regsnap mirror.
func mirror(ctx context.Context, from, to *publish.Bucket, change func(*carry.Options)) (r *carry.Result, err error) {
	live, err := carry.LiveManifests(ctx, to)
	if err != nil {
		return nil, err
	}
	lease := to.Lease(publish.LeaseOptions{Purpose: "mirror", Live: live})
	defer func() { err = errors.Join(err, lease.Release(ctx)) }()
	o := carry.Options{From: from, To: lease, Environment: servetest.Env, Note: publish.Note{By: "ada"}}
	if change != nil {
		change(&o)
	}
	return carry.Mirror(ctx, o)
}

func mustMirror(t *testing.T, from, to *publish.Bucket, change func(*carry.Options)) *carry.Result {
	t.Helper()
	r, err := mirror(t.Context(), from, to, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestMirrorAcrossStores takes a registry from a folder to S3, on to GCS, and to
// a folder again, which then holds what the first one holds.
func TestMirrorAcrossStores(t *testing.T) {
	s3, gcs := servers.StartS3(t), servers.StartGCS(t)
	s3.Setenv(t)
	gcs.Setenv(t)
	first := servetest.FolderURL(t)
	urls := []string{first, s3.URL(s3.NewBucket(t)), gcs.URL(gcs.NewBucket(t)), servetest.FolderURL(t)}
	var buckets []*publish.Bucket
	for _, url := range urls {
		buckets = append(buckets, servetest.Open(t, url))
	}
	var ids []string
	for n := range 3 {
		ids = append(ids, servetest.Publish(t, buckets[0], n, 3))
		for i, to := range buckets[1:] {
			r := mustMirror(t, buckets[i], to, nil)
			if r.Snapshot != ids[n] || !r.Moved.Changed || r.Copied.Units != r.Copied.Total || r.Copied.Objects == 0 {
				t.Fatalf("%s: %+v", urls[i+1], r)
			}
			// Only what changed was copied: two package versions, and the pages about them.
			if revisions := r.Copied.Total; n > 0 && revisions > 30 {
				t.Errorf("%s: edition %d: %d units were copied", urls[i+1], n, revisions)
			}
			servetest.MustBeSound(t, to, ids[n])
			if again := mustMirror(t, buckets[i], to, nil); again.Moved.Changed || again.Copied != (publish.Copied{}) {
				t.Errorf("%s: again: %+v", urls[i+1], again)
			}
		}
	}
	compareFolders(t, strings.TrimPrefix(urls[0], "file://"), strings.TrimPrefix(urls[3], "file://"))
}

// compareFolders compares all objects but pointers, which say when they moved.
func compareFolders(t *testing.T, a, b string) {
	t.Helper()
	for _, prefix := range []string{layout.PackagesPrefix, layout.ResponsesPrefix, layout.SnapshotsPrefix} {
		want, got := tree(t, filepath.Join(a, prefix)), tree(t, filepath.Join(b, prefix))
		if len(want) != len(got) {
			t.Errorf("%s: %d objects, want %d", prefix, len(got), len(want))
		}
		for name, content := range want {
			if got[name] != content {
				t.Errorf("%s%s differs", prefix, name)
			}
		}
	}
}

func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		out[strings.TrimPrefix(path, root)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// compareHeaders holds the headers of copies to those of what a build writes.
func compareHeaders(t *testing.T, builtURL, mirroredURL string) {
	t.Helper()
	ctx := t.Context()
	built, mirrored := blobs(t, builtURL), blobs(t, mirroredURL)
	objects := 0
	for list := built.List(nil); ; {
		o, err := list.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		want, err := built.Attributes(ctx, o.Key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := mirrored.Attributes(ctx, o.Key)
		if err != nil {
			t.Errorf("%s: %v", o.Key, err)
			continue
		}
		objects++
		if got.ContentType != want.ContentType || got.CacheControl != want.CacheControl || got.ContentEncoding != want.ContentEncoding {
			t.Errorf("%s: a copy has %q, %q, %q, want %q, %q, %q", o.Key, got.ContentType, got.CacheControl, got.ContentEncoding,
				want.ContentType, want.CacheControl, want.ContentEncoding)
		}
	}
	if objects < 40 {
		t.Errorf("only %d objects were compared", objects)
	}
}

func blobs(t *testing.T, url string) *blob.Bucket {
	t.Helper()
	b, err := blob.OpenBucket(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestMirrorHeaders compares copies in the cloud with what a build writes there.
func TestMirrorHeaders(t *testing.T) {
	for _, s := range []*servers.Server{servers.StartS3(t), servers.StartGCS(t)} {
		t.Run(s.Kind(), func(t *testing.T) {
			s.Setenv(t)
			built, mirrored := s.URL(s.NewBucket(t)), s.URL(s.NewBucket(t))
			from := servetest.Open(t, built)
			servetest.Publish(t, from, 0, 0)
			mustMirror(t, from, servetest.Open(t, mirrored), nil)
			compareHeaders(t, built, mirrored)
		})
	}
}

// TestMirrorRequests counts what a mirror costs that has nothing to do, and
// one that brings a push.
func TestMirrorRequests(t *testing.T) {
	s := servers.StartS3(t)
	s.Setenv(t)
	proxy := faultproxy.Start(t, faultproxy.Options{Target: s.Addr})
	from, to := servetest.Open(t, servetest.FolderURL(t)), servetest.Open(t, s.Via(proxy.Addr).URL(s.NewBucket(t)))
	servetest.Publish(t, from, 0, 30)
	mustMirror(t, from, to, nil)
	before := proxy.Requests()
	mustMirror(t, from, to, nil)
	if got := proxy.Requests() - before; got > 5 {
		t.Errorf("a mirror with nothing to do took %d requests, want at most 5", got)
	}
	servetest.Publish(t, from, 1, 30)
	before = proxy.Requests()
	r := mustMirror(t, from, to, nil)
	got := proxy.Requests() - before
	t.Logf("a push: %d requests for %+v", got, r.Copied)
	// One look at each new revision, and what any publish needs.
	if most := int64(r.Copied.Objects + r.Copied.Total + 20); int64(got) > most {
		t.Errorf("a push took %d requests for %+v, want at most %d", got, r.Copied, most)
	}
}

// TestMirrorSnapshots takes named snapshots and a history, and goes back only
// when it is told to.
func TestMirrorSnapshots(t *testing.T) {
	from, to := servetest.Open(t, servetest.FolderURL(t)), servetest.Open(t, servetest.FolderURL(t))
	var ids []string
	for n := range 4 {
		ids = append(ids, servetest.Publish(t, from, n, 0))
	}
	r := mustMirror(t, from, to, func(o *carry.Options) { o.Snapshot = ids[2] })
	if r.Moved.Live != ids[2] {
		t.Errorf("live is %+v, want %s", r.Moved, ids[2])
	}
	if r = mustMirror(t, from, to, func(o *carry.Options) { o.Snapshot, o.Stay = ids[3], true }); r.Moved != nil {
		t.Errorf("the pointer was to stay: %+v", r.Moved)
	}
	if _, err := mirror(t.Context(), from, to, func(o *carry.Options) { o.Snapshot = ids[0] }); !errors.Is(err, publish.ErrOlder) {
		t.Errorf("an older snapshot: %v", err)
	}
	if r = mustMirror(t, from, to, func(o *carry.Options) { o.Snapshot, o.Back = ids[0], true }); r.Moved.Live != ids[0] {
		t.Errorf("live is %+v, want %s", r.Moved, ids[0])
	}
	if r = mustMirror(t, from, to, func(o *carry.Options) { o.History = 3 }); r.Moved.Live != ids[3] || !slices.Equal(r.History, ids[1:3]) {
		t.Errorf("live is %+v after %v, want %s after %v", r.Moved, r.History, ids[3], ids[1:3])
	}
	for _, id := range ids {
		servetest.MustBeSound(t, to, id)
	}
	if _, err := mirror(t.Context(), from, to, func(o *carry.Options) { o.Snapshot = "20240101T000000Z-000000000000" }); !errors.Is(err, publish.ErrNoSnapshot) {
		t.Errorf("a snapshot that is not there: %v", err)
	}
	if _, err := mirror(t.Context(), from, to, func(o *carry.Options) { o.Environment = "staging" }); !errors.Is(err, publish.ErrNothingLive) {
		t.Errorf("an environment that is not there: %v", err)
	}
}

// TestMirrorDamaged: what is not what its snapshot says is not stored, and
// nothing goes live.
func TestMirrorDamaged(t *testing.T) {
	for _, c := range []struct {
		name, match string
		damage      func(content []byte) []byte // nil removes it
		want        string
	}{
		{"another byte", "large.png", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, "SHA-256"},
		{"too long", "web-2.0.0.zip", func(b []byte) []byte { return append(b, 0) }, "more bytes than"},
		{"too short", "README.md", func(b []byte) []byte { return b[:len(b)-1] }, "bytes, want"},
		{"missing", "signed-1.0.0.zip.sig", nil, "is missing"},
		{"list of files", "contents.json", func(b []byte) []byte { return append(b, ' ') }, "contents.json"},
		{"encoded response", ".json.gz", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, ".json.gz"},
		{"end of an encoded response", ".json.gz", func(b []byte) []byte { return b[:len(b)-3] }, ".json.gz"},
		{"routes", "routes.json", func(b []byte) []byte { return append(b, ' ') }, "routes.json"},
		{"manifest", "manifest.json", func(b []byte) []byte { b[len(b)-3]++; return b }, "manifest"},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := servetest.FolderURL(t)
			from, to := servetest.Open(t, url), servetest.Open(t, servetest.FolderURL(t))
			id := servetest.Publish(t, from, 0, 0)
			damage(t, strings.TrimPrefix(url, "file://"), c.match, c.damage)
			_, err := mirror(t.Context(), from, to, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error %v, want %q", err, c.want)
			}
			if c.name != "manifest" && !errors.Is(err, publish.ErrDamaged) {
				t.Errorf("%v is not ErrDamaged", err)
			}
			if _, err := to.Pointer(t.Context(), servetest.Env); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("something is live: %v", err)
			}
			if _, err := to.Manifest(t.Context(), servetest.Env, id); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("there is a manifest: %v", err)
			}
		})
	}
}

// damage changes one object of a folder, chosen by its key.
func damage(t *testing.T, root, match string, change func([]byte) []byte) {
	t.Helper()
	var found string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(path, match) {
			found = path
		}
		return err
	})
	if err != nil || found == "" {
		t.Fatalf("nothing is called %s: %v", match, err)
	}
	content, err := os.ReadFile(found)
	if err == nil {
		err = os.Remove(found) // it may be linked
	}
	if err == nil && change != nil {
		err = os.WriteFile(found, change(content), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
