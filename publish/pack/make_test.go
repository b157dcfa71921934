package pack_test

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

	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve/servetest"
)

// folder is all files of a folder.
func folder(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := os.ReadFile(name)
		rel, _ := filepath.Rel(dir, name)
		out[filepath.ToSlash(rel)] = string(body)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestMakeDependsOnTheSnapshotAlone: not on what was before it, nor on the run.
func TestMakeDependsOnTheSnapshotAlone(t *testing.T) {
	grown, fresh := servetest.Open(t, servetest.FolderURL(t)), servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, grown, 0, 5)
	servetest.Publish(t, grown, 1, smallPackages)
	servetest.Publish(t, fresh, 1, smallPackages)
	first, made := packed(t, grown)
	second, again := packed(t, fresh)
	want, got := folder(t, first), folder(t, second)
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs", name)
		}
	}
	if len(want) != len(got) || !slices.Equal(made.Packs, again.Packs) || !slices.Equal(made.Head, again.Head) {
		t.Errorf("%v and %v", made, again)
	}
	if len(want) != len(made.Packs)+len(made.Head) {
		t.Errorf("%d files in the folder, %d are named: temporary ones were left", len(want), len(made.Packs)+len(made.Head))
	}
}

// TestMakeStoresOnce: a content that many versions have is there once, so that
// the packs are smaller than the archives alone.
func TestMakeStoresOnce(t *testing.T) {
	b := registry(t)
	dir, _ := packed(t, b)
	packs, archives := 0, 0
	image := []byte{}
	for name, body := range folder(t, dir) {
		if strings.HasSuffix(name, ".pack") {
			packs += len(body)
		}
	}
	for key, body := range objects(t, b) {
		if strings.HasSuffix(key, ".zip") {
			archives += len(body)
		}
		if strings.HasSuffix(key, "large.png") {
			image = body
		}
	}
	n := 0
	for _, body := range folder(t, dir) {
		n += strings.Count(body, string(image[100:200]))
	}
	if n != 1 || packs > archives+archives/10 {
		t.Errorf("the large image is there %d times; packs %d bytes, archives %d", n, packs, archives)
	}
}

// TestMakeKeepsPacks: a push leaves the packs of what it does not touch.
func TestMakeKeepsPacks(t *testing.T) {
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, b, 0, smallPackages)
	_, before := packed(t, b)
	servetest.Publish(t, b, 1, smallPackages) // another large image, and another web
	_, after := packed(t, b)
	kept := 0
	for _, name := range after.Packs {
		if slices.Contains(before.Packs, name) {
			kept++
		}
	}
	if kept == 0 || kept == len(after.Packs) {
		t.Errorf("%d of %d packs were kept", kept, len(after.Packs))
	}
}

// TestMakeRefusesADamagedBucket: nothing is packed that is not what the manifest
// or a list of files says, and no temporary file stays.
func TestMakeRefusesADamagedBucket(t *testing.T) {
	for _, c := range []struct {
		name, match string
		damage      func([]byte) []byte // nil removes the object
		want        error
	}{
		{"archive", "web-2.0.0.zip", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, pack.ErrSource},
		{"archive too long", "web-2.0.0.zip", func(b []byte) []byte { return append(b, 0) }, pack.ErrSource},
		{"archive too short", "web-2.0.0.zip", func(b []byte) []byte { return b[1:] }, pack.ErrSource},
		{"archive missing", "web-2.0.0.zip", nil, fs.ErrNotExist},
		{"signature", ".zip.sig", func(b []byte) []byte { b[0] ^= 1; return b }, pack.ErrSource},
		{"list of files", "contents.json", func(b []byte) []byte { return append(b, ' ') }, pack.ErrSource},
		{"response", ".json.gz", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, pack.ErrSource},
		{"end of a response", ".json.gz", func(b []byte) []byte { return b[:len(b)-1] }, pack.ErrSource},
		{"routes", "routes.json", func(b []byte) []byte { b[len(b)/2] ^= 1; return b }, pack.ErrSource},
	} {
		t.Run(c.name, func(t *testing.T) {
			url := servetest.FolderURL(t)
			b := servetest.Open(t, url)
			servetest.Publish(t, b, 0, 0)
			damage(t, strings.TrimPrefix(url, "file://"), c.match, c.damage)
			m, err := b.Live(t.Context(), servetest.Env)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			_, err = pack.Make(t.Context(), pack.Options{From: b, Manifest: m, Dir: dir, Parallel: 2})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), strings.TrimPrefix(c.match, ".")) {
				t.Errorf("%v, want %v that names %s", err, c.want, c.match)
			}
			for name := range folder(t, dir) {
				if !strings.HasPrefix(name, "packs/") {
					t.Errorf("%s was left", name)
				}
			}
		})
	}
}

// damage changes one object of a folder, chosen by the end of its key.
func damage(t *testing.T, root, match string, change func([]byte) []byte) {
	t.Helper()
	for name, body := range folder(t, root) {
		if !strings.HasSuffix(name, match) {
			continue
		}
		file := filepath.Join(root, filepath.FromSlash(name))
		err := os.Remove(file) // it may be linked
		if err == nil && change != nil {
			err = os.WriteFile(file, change([]byte(body)), 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("nothing is called %s", match)
}

// TestMakeCanBeStopped: it ends with the context's error and leaves no temporary
// file.
func TestMakeCanBeStopped(t *testing.T) {
	b := registry(t)
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	_, err = pack.Make(ctx, pack.Options{From: b, Manifest: m, Dir: dir, Parallel: 2, Progress: func(done, total int) {
		if done == total/2 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := folder(t, dir); len(left) != 0 {
		t.Errorf("%d files were left", len(left))
	}
}

// stopping is a source whose reader stops in the middle of an archive.
type stopping struct {
	pack.Source
	stop context.CancelFunc
}

func (s stopping) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := s.Source.Open(ctx, key, offset, length)
	if err != nil || !strings.HasSuffix(key, ".zip") {
		return r, err
	}
	return &halfRead{r, ctx, s.stop}, nil
}

type halfRead struct {
	io.ReadCloser
	ctx  context.Context
	stop context.CancelFunc
}

func (h *halfRead) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := h.ReadCloser.Read(p[:1])
	h.stop()
	return n, err
}

// TestMakeStoppedWithinAnArchive: what ends a download does not make the source a
// damaged one.
func TestMakeStoppedWithinAnArchive(t *testing.T) {
	b := registry(t)
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = pack.Make(ctx, pack.Options{From: stopping{b, cancel}, Manifest: m, Dir: t.TempDir(), Parallel: 1})
	if !errors.Is(err, context.Canceled) || errors.Is(err, pack.ErrSource) {
		t.Errorf("%v", err)
	}
}

// TestPackOfAPack: a store is a source like a bucket, and gives the same packs.
func TestPackOfAPack(t *testing.T) {
	b := registry(t)
	first, made := packed(t, b)
	s := open(t, first)
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if _, err := pack.Make(t.Context(), pack.Options{From: s, Manifest: m, Dir: dir, Parallel: 2}); err != nil {
		t.Fatal(err)
	}
	for _, name := range append(made.Packs, made.Head...) {
		want, err := os.ReadFile(filepath.Join(first, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
