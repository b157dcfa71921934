package publish_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// st puts a snapshot of the commit with that number into a bucket, and gives its
// id. Each comes from the one before and has an earlier date.
func st(t *testing.T, b *publish.Bucket, number int) string {
	t.Helper()
	m := &layout.Manifest{
		Format: layout.WholeManifest, Environment: "production", Regsnap: "main", Render: 1,
		Branches: []layout.ManifestBranch{{Name: "production"}},
	}
	routes := (&layout.Routes{
		Format: layout.RoutesFormat, Environment: "production", ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy, Every: layout.DigestOf(nil),
	}).Encode()
	sum := sha256.Sum256(routes)
	m.Routes = layout.ObjectDigest{Size: int64(len(routes)), SHA256: hex.EncodeToString(sum[:])}
	if number >= 0 {
		m.Branches[0].Commit = fmt.Sprintf("%040x", number+1)
		m.Branches[0].Time = time.Date(2024, 5, 6, 23-number, 0, 0, 0, time.UTC)
	}
	for _, o := range []layout.Object{
		{Key: layout.RoutesKey("production", m.ID()), Body: routes, ContentType: "application/json"},
		{Key: layout.ManifestKey("production", m.ID()), Body: m.Encode(), ContentType: "application/json"},
	} {
		if err := b.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return m.ID()
}

// live makes a snapshot live by the order of st.
func live(ctx context.Context, b *publish.Bucket, id string) (m *publish.Moved, err error) {
	l := b.Lease(publish.LeaseOptions{Purpose: "publish"})
	defer func() { err = errors.Join(err, l.Release(ctx)) }()
	return l.Publish(ctx, "production", id, publish.Note{}, publish.ByHistory(func(_ context.Context, _, live, next string) (publish.Relation, error) {
		if next > live {
			return publish.Descendant, nil
		}
		return publish.Ancestor, nil
	}, false))
}

func openBucket(t *testing.T, url string) *publish.Bucket {
	t.Helper()
	b, err := publish.Open(t.Context(), url)
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

func wantLive(t *testing.T, b *publish.Bucket, want string) {
	t.Helper()
	p, err := b.Pointer(t.Context(), "production")
	if want == "" && errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err != nil || p.Snapshot != want {
		t.Errorf("live is %s, %v; want %s", p.Snapshot, err, want)
	}
}

func TestPublishRules(t *testing.T) {
	for name, url := range map[string]string{"file": "file://" + filepath.ToSlash(t.TempDir()), "mem": "mem://"} {
		t.Run(name, func(t *testing.T) {
			b := openBucket(t, url)
			old, middle, recent, plain := st(t, b, 1), st(t, b, 2), st(t, b, 3), st(t, b, -1)
			publishes := func(id, previous string, changed bool) {
				t.Helper()
				moved, err := live(t.Context(), b, id)
				if err != nil {
					t.Fatal(err)
				}
				if moved.Snapshot != id || moved.Previous != previous || moved.Changed != changed {
					t.Errorf("moved %+v, want %s, before %q, changed %v", moved, id, previous, changed)
				}
				wantLive(t, b, id)
			}
			refuses := func(id string, want error, text string) {
				t.Helper()
				_, err := live(t.Context(), b, id)
				if !errors.Is(err, want) || !strings.Contains(err.Error(), text) {
					t.Errorf("publish %s: error %v, want %v with %q", id, err, want, text)
				}
			}
			refuses("20240506T010000Z-0123456789ab", publish.ErrNoSnapshot, "regsnap history lists what there is")
			wantLive(t, b, "")
			publishes(middle, "", true)
			publishes(middle, "", false)
			refuses(old, publish.ErrOlder, "comes from 000000000000")
			refuses(plain, publish.ErrDiverged, "a folder that is no commit's content")
			wantLive(t, b, middle)
			publishes(recent, middle, true)
			publishes(recent, middle, false)
			refuses(middle, publish.ErrOlder, recent+" is live")
			wantLive(t, b, recent)
		})
	}
}

// Of many who publish at once all succeed, one after the other, and what is live
// in the end is the newest.
func TestPublishRace(t *testing.T) {
	b := openBucket(t, "file://"+filepath.ToSlash(t.TempDir()))
	var ids []string
	for number := range 10 {
		ids = append(ids, st(t, b, number))
	}
	var wg sync.WaitGroup
	var done atomic.Int64
	for _, id := range ids {
		wg.Go(func() {
			_, err := live(context.Background(), b, id)
			switch {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, publish.ErrOlder) && !errors.Is(err, store.ErrConflict):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if done.Load() == 0 {
		t.Error("nobody could publish")
	}
	if _, err := live(t.Context(), b, ids[9]); err != nil {
		t.Error(err)
	}
	wantLive(t, b, ids[9])
}

func TestPublishDamaged(t *testing.T) {
	dir := t.TempDir()
	b := openBucket(t, "file://"+filepath.ToSlash(dir))
	good, other := st(t, b, 1), st(t, b, 2)
	write := func(key, content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, key), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	refuses := func(want string) {
		t.Helper()
		if _, err := live(t.Context(), b, good); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v lacks %q", err, want)
		}
	}
	key := layout.ManifestKey("production", good)
	whole, err := os.ReadFile(filepath.Join(dir, key))
	if err != nil {
		t.Fatal(err)
	}
	// Another snapshot's manifest, half of one, one of a later format.
	swapped, err := os.ReadFile(filepath.Join(dir, layout.ManifestKey("production", other)))
	if err != nil {
		t.Fatal(err)
	}
	write(key, string(swapped))
	refuses("its content has the id " + other)
	write(key, string(whole[:len(whole)/2]))
	refuses("manifest: damaged: unexpected EOF")
	write(key, strings.Replace(string(whole), fmt.Sprintf(`"format":%d`, layout.WholeManifest), `"format":99`, 1))
	refuses("written by a newer regsnap (format 99)")
	wantLive(t, b, "")

	// A pointer that cannot be read is not overwritten.
	write(key, string(whole))
	if _, err := live(t.Context(), b, good); err != nil {
		t.Fatal(err)
	}
	pointer := layout.PointerKey("production")
	write(pointer, "{}")
	if _, err := live(t.Context(), b, other); err == nil || !strings.Contains(err.Error(), pointer) {
		t.Errorf("a pointer of another format: error %v", err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, pointer)); err != nil || string(got) != "{}" {
		t.Errorf("it is overwritten by %q, %v", got, err)
	}
}

func TestOpenErrors(t *testing.T) {
	for url, want := range map[string]string{
		"":                        "has no scheme",
		"/srv/registry":           "has no scheme: want file:///dir",
		"ftp://x":                 `scheme "ftp" is not known`,
		"file://srv/registry":     "three slashes, file:///srv/registry",
		"file:///no/such/dir":     "/no/such/dir",
		"s3://%zz":                "",
		"http://[::1":             "",
		"file:///tmp?unknown=yes": "unknown",
	} {
		b, err := publish.Open(t.Context(), url)
		if err == nil {
			t.Errorf("%q opens", url)
			b.Close()
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %q lacks %q", url, err, want)
		}
	}
	// Create makes the folder that Open wants.
	dir := filepath.Join(t.TempDir(), "new", "folder")
	b, err := publish.Create(t.Context(), "file://"+filepath.ToSlash(dir))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		t.Errorf("Create made %v, %v", info, err)
	}
}
