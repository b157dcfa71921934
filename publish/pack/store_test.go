package pack_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/servetest"
)

var _ serve.Bucket = (*pack.Store)(nil)

// TestStoreHasTheBucket: every object of the snapshot is the same, whole and in
// any part.
func TestStoreHasTheBucket(t *testing.T) {
	for name, b := range map[string]*publish.Bucket{"packages": registry(t), "text": textRegistry(t)} {
		t.Run(name, func(t *testing.T) {
			dir, _ := packed(t, b)
			s := open(t, dir)
			random := rand.New(rand.NewPCG(1, 2))
			for key, want := range objects(t, b) {
				got, err := s.Read(t.Context(), key)
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %v, %d bytes, want %d", key, err, len(got), len(want))
					continue
				}
				for range 20 {
					offset := random.IntN(len(want) + 1)
					length := random.IntN(len(want) + 2)
					part := want[offset:min(len(want), offset+length)]
					if got := readPart(t, s, key, int64(offset), int64(length)); !bytes.Equal(got, part) {
						t.Errorf("%s: %d bytes from %d on are others", key, length, offset)
					}
				}
				if got := readPart(t, s, key, 0, -1); !bytes.Equal(got, want) {
					t.Errorf("%s: streamed it is another", key)
				}
				if _, err := s.Open(t.Context(), key, int64(len(want))+1, 1); err == nil {
					t.Errorf("%s can be read from behind its end", key)
				}
			}
		})
	}
}

func readPart(t *testing.T, s *pack.Store, key string, offset, length int64) []byte {
	t.Helper()
	r, err := s.Open(t.Context(), key, offset, length)
	if err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	body, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatalf("%s: %v", key, err)
	}
	return body
}

// TestStoreKnowsItsSnapshot: pointer and routes are those of the one snapshot, and
// there is nothing else.
func TestStoreKnowsItsSnapshot(t *testing.T) {
	b := registry(t)
	dir, _ := packed(t, b)
	s := open(t, dir)
	ctx := t.Context()
	live, err := b.Pointer(ctx, servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Pointer(ctx, servetest.Env)
	if err != nil || p.Snapshot != live.Snapshot {
		t.Errorf("%+v %v, want %s", p, err, live.Snapshot)
	}
	routes, err := s.Routes(ctx, servetest.Env, p.Snapshot)
	if err != nil || routes.Environment != servetest.Env {
		t.Errorf("routes: %v", err)
	}
	m, err := b.Live(ctx, servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	rev := layout.Revision{Name: "web", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	signed := layout.Revision{Name: m.Packages[0].Name, Version: m.Packages[0].Version, ID: m.Packages[0].Revision}
	for _, key := range []string{
		"", "packs.json", "../x", "environments/staging.json", layout.RoutesKey("staging", p.Snapshot), layout.ManifestKey(servetest.Env, "20240101T000000Z-000000000000"),
		rev.ArchiveKey(), rev.ContentsKey(), signed.FileKey("docs/none.md"), signed.FileKey("../manifest.yml"), signed.SignatureKey(), strings.TrimSuffix(signed.ContentsKey(), "contents.json"),
		layout.ResponseKey(layout.DigestOf(nil)), layout.ResponseKey(layout.DigestOf(nil)) + layout.GzipSuffix, "responses/x.json", "packages/web",
	} {
		if _, err := s.Read(ctx, key); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("read %q: %v", key, err)
		}
		if _, err := s.Open(ctx, key, 0, -1); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open %q: %v", key, err)
		}
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Read(gone, layout.PointerKey(servetest.Env)); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}

// TestAnswersOfAPack: a server answers as it does from the bucket.
func TestAnswersOfAPack(t *testing.T) {
	b := registry(t)
	dir, _ := packed(t, b)
	bucket, store := servetest.Site(t, b), servetest.Site(t, open(t, dir))
	paths := servetest.KibanaRequests("kibana.version=8.5.0", []string{"web", "store"}, []string{"web", "security"})
	paths = append(paths, servetest.PackagePaths(t, b)...)
	paths = append(paths, "/health", "/search?kibana.version=x", "/package/none/1.0.0")
	for _, path := range paths {
		servetest.CompareAnswers(t, bucket, store, path)
	}
	if len(paths) < 100 {
		t.Errorf("only %d answers were compared", len(paths))
	}
}
