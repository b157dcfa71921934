package pack_test

import (
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve/servetest"
)

// smallPackages is how many small packages the registry of the tests has beside
// those of carrytest, with their signed archive and their large image.
const smallPackages = 40

func registry(t *testing.T) *publish.Bucket {
	t.Helper()
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, b, 0, smallPackages)
	return b
}

// largeText is the size of a text that shrinks by half: its deflate stream is
// still too large to be read at once.
const largeText = 3 << 20

// textRegistry has one package, with a large text and an empty file.
func textRegistry(t *testing.T) *publish.Bucket {
	t.Helper()
	root := t.TempDir()
	noise := make([]byte, largeText/2)
	rand.NewChaCha8([32]byte{1}).Read(noise) // it never fails
	for name, content := range map[string]string{
		"manifest.yml":   "{format_version: 1.0.0, name: text, title: Text, version: 1.0.0, description: d, type: integration}\n",
		"docs/README.md": "# Text\n", "docs/large.txt": hex.EncodeToString(noise), "docs/empty.txt": "",
	} {
		file := filepath.Join(root, "packages", "text", "1.0.0", filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o777), os.WriteFile(file, []byte(content), 0o666)); err != nil {
			t.Fatal(err)
		}
	}
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.PublishSource(t, b, git.OpenDirs(map[string]string{servetest.Env: root}), servetest.Env, nil)
	return b
}

// packed packs what is live in a bucket into a new folder.
func packed(t *testing.T, b *publish.Bucket) (dir string, made *pack.Made) {
	t.Helper()
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	if made, err = pack.Make(t.Context(), pack.Options{From: b, Manifest: m, Dir: dir, Parallel: 4}); err != nil {
		t.Fatal(err)
	}
	return dir, made
}

// open opens a folder until the test ends.
func open(t *testing.T, dir string) *pack.Store {
	t.Helper()
	s, err := pack.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// objects are the objects of the live snapshot of a bucket, but for its pointer:
// that of a pack knows no history.
func objects(t *testing.T, b *publish.Bucket) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, prefix := range []string{"snapshots/", "packages/", "responses/"} {
		for o, err := range b.List(t.Context(), prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if out[o.Key], err = b.Read(t.Context(), o.Key); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}
