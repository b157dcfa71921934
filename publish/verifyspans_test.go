package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
)

// spanned is a snapshot of one package whose archive holds files of every kind.
func spanned(t *testing.T) (b *Bucket, m *layout.Manifest, routes []byte, list *layout.Contents) {
	t.Helper()
	dir := t.TempDir()
	if err := writePackage(dir, "p", "1.0.0", strings.Repeat("a text that is worth deflating\n", 40)); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 900)
	for i, rng := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(rng.Uint32())
	}
	for file, content := range map[string][]byte{
		"elasticsearch/one.json":   bytes.Repeat([]byte(`{"one": 1} `), 200),
		"elasticsearch/two.json":   bytes.Repeat([]byte(`{"two": 2} `), 200),
		"elasticsearch/empty.json": {},
		"kibana/noise.bin":         noise,
		"kibana/other.bin":         noise[:800],
	} {
		file = filepath.Join(dir, "packages", "p", "1.0.0", filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, content, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	b, _ = fileBucket(t)
	r, err := build.Build(t.Context(), build.Options{Source: git.OpenDirs(map[string]string{"production": dir}), Store: b, Environments: []build.Environment{testEnvironment}, Regsnap: "test"})
	if err != nil {
		t.Fatal(err, r.Report.Errors)
	}
	m = r.Snapshots[0].Manifest
	if routes, err = b.Read(t.Context(), layout.RoutesKey(testEnv, m.ID())); err != nil {
		t.Fatal(err)
	}
	if _, list, err = b.Contents(t.Context(), revisionOf(m.Packages[0]), m.Packages[0].Contents); err != nil {
		t.Fatal(err)
	}
	return b, m, routes, list
}

// relisted puts another list of files into the bucket, and a snapshot that vouches for
// it, in the place of the package's own. It returns that snapshot.
func relisted(t *testing.T, b *Bucket, m *layout.Manifest, routes []byte, list *layout.Contents) string {
	t.Helper()
	rev := revisionOf(m.Packages[0])
	body := list.Encode()
	if _, err := layout.DecodeContents(body, rev); err != nil {
		t.Fatalf("a list that no reader takes: %v", err)
	}
	other := *m
	other.Packages = slices.Clone(m.Packages)
	other.Packages[0].Contents = fmt.Sprintf("%x", sha256.Sum256(body))
	for _, o := range []layout.Object{rev.Contents().With(body), layout.RoutesObject(testEnv, other.ID()).With(routes), layout.ManifestObject(testEnv, other.ID()).With(other.Encode())} {
		if err := b.replaceLive(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	return other.ID()
}

// Every list that does not fit its archive is found, though the manifest has the digest
// of the list, and the list that of the archive; one that fits is not.
func TestVerifySpans(t *testing.T) {
	b, m, routes, list := spanned(t)
	one, two, noise, other, own := "elasticsearch/one.json", "elasticsearch/two.json", "kibana/noise.bin", "kibana/other.bin", "docs/README.md"
	if f := list.Find(own); !list.Own(f) || f.Deflate == nil {
		t.Fatalf("%s: %+v", own, f)
	}
	if f := list.Find(noise); f.Stored == nil {
		t.Fatalf("%s: %+v", noise, f)
	}
	stored := func(offset int64) *int64 { return &offset }
	for name, spoil := range map[string]func(find func(path string) *layout.ContentsFile){
		"nothing":                          nil,
		"offset of a deflated file before": func(f func(string) *layout.ContentsFile) { f(one).Deflate.Offset-- },
		"offset of a deflated file behind": func(f func(string) *layout.ContentsFile) { f(one).Deflate.Offset++ },
		"span too short":                   func(f func(string) *layout.ContentsFile) { f(one).Deflate.Size-- },
		"span too long":                    func(f func(string) *layout.ContentsFile) { f(one).Deflate.Size++ },
		"span empty":                       func(f func(string) *layout.ContentsFile) { f(one).Deflate.Size = 0 },
		"CRC-32":                           func(f func(string) *layout.ContentsFile) { f(one).Deflate.CRC32 ^= 1 },
		"size smaller":                     func(f func(string) *layout.ContentsFile) { f(one).Size-- },
		"size larger":                      func(f func(string) *layout.ContentsFile) { f(one).Size++ },
		"size nothing":                     func(f func(string) *layout.ContentsFile) { f(one).Size = 0 },
		"digest of another file":           func(f func(string) *layout.ContentsFile) { f(one).SHA256 = f(two).SHA256 },
		"place of another file":            func(f func(string) *layout.ContentsFile) { f(one).Deflate = f(two).Deflate },
		"two files in each other's place": func(f func(string) *layout.ContentsFile) {
			f(one).Deflate, f(two).Deflate = f(two).Deflate, f(one).Deflate
		},
		"a deflated file as it is": func(f func(string) *layout.ContentsFile) { f(one).Stored, f(one).Deflate = &f(one).Deflate.Offset, nil },
		"a stored file deflated": func(f func(string) *layout.ContentsFile) {
			f(noise).Deflate, f(noise).Stored = &layout.Deflate{Offset: *f(noise).Stored, Size: 900}, nil
		},
		"offset of a stored file before":         func(f func(string) *layout.ContentsFile) { f(noise).Stored = stored(*f(noise).Stored - 1) },
		"offset of a stored file behind":         func(f func(string) *layout.ContentsFile) { f(noise).Stored = stored(*f(noise).Stored + 1) },
		"a part of a stored file":                func(f func(string) *layout.ContentsFile) { f(noise).Size-- },
		"more than a stored file":                func(f func(string) *layout.ContentsFile) { f(noise).Size++ },
		"digest of a stored file":                func(f func(string) *layout.ContentsFile) { f(noise).SHA256 = f(other).SHA256 },
		"place of a file with an object":         func(f func(string) *layout.ContentsFile) { f(own).Deflate.Offset++ },
		"CRC-32 of a file with an object":        func(f func(string) *layout.ContentsFile) { f(own).Deflate.CRC32 ^= 1 << 31 },
		"a file behind the beginning of another": func(f func(string) *layout.ContentsFile) { f(two).Deflate.Offset = f(one).Deflate.Offset + 1 },
	} {
		other, err := layout.DecodeContents(list.Encode(), revisionOf(m.Packages[0]))
		if err != nil {
			t.Fatal(err)
		}
		if spoil != nil {
			spoil(other.Find)
		}
		id := relisted(t, b, m, routes, other)
		v, err := b.Verify(t.Context(), testEnv, id, VerifyOptions{})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		key := revisionOf(m.Packages[0]).ContentsKey()
		if sound := spoil == nil; v.Sound() != sound || !sound && (len(v.Faults) != 1 || v.Faults[0].Key != key || v.Faults[0].Missing || !strings.Contains(v.Faults[0].Detail, ".")) {
			t.Errorf("%s: %+v", name, v.Faults)
		}
	}
}

// Files that share a span, as an archive of another's making may have it, fit; and
// what was found to fit under one digest does not under another.
func TestVerifySharedSpans(t *testing.T) {
	b, m, routes, list := spanned(t)
	twin := *list.Find("elasticsearch/one.json")
	twin.Path = "elasticsearch/twin.json"
	list.Files = append(list.Files, twin)
	list.Sort()
	for i, want := range []bool{true, false} {
		if !want {
			list.Find(twin.Path).SHA256 = list.Find("elasticsearch/two.json").SHA256
		}
		id := relisted(t, b, m, routes, list)
		if v, err := b.Verify(t.Context(), testEnv, id, VerifyOptions{}); err != nil || v.Sound() != want {
			t.Errorf("%d: %v, %+v", i, err, v)
		}
	}
}

// An archive that is damaged is the archive's fault only, whatever becomes of its
// spans, and a store that fails is no fault at all.
func TestVerifySpansOfDamaged(t *testing.T) {
	b, m, _, _ := spanned(t)
	key := revisionOf(m.Packages[0]).ArchiveKey()
	whole, err := b.Read(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < len(whole); at += 37 {
		for name, body := range map[string][]byte{"flipped": append(append(slices.Clone(whole[:at]), whole[at]^4), whole[at+1:]...), "cut": whole[:at]} {
			if err := b.replaceLive(t.Context(), layout.Object{Key: key, Body: body}); err != nil {
				t.Fatal(err)
			}
			v, err := b.Verify(t.Context(), testEnv, m.ID(), VerifyOptions{})
			if err != nil || len(v.Faults) != 1 || v.Faults[0].Key != key {
				t.Errorf("%s at %d: %v, %+v", name, at, err, v)
			}
		}
	}
	if err := b.replaceLive(t.Context(), layout.Object{Key: key, Body: whole}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v, err := b.Verify(ctx, testEnv, m.ID(), VerifyOptions{}); err == nil {
		t.Error(fmt.Sprint("a check that was cancelled: ", v))
	}
}
