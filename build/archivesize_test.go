//go:build conformance

package build

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/parse"
)

// TestConformanceArchiveSizes makes the archive of every package directory of the
// real storage, and the one that Go's archive/zip makes of the same files at its
// default level, as other registries do: together ours must be no larger.
func TestConformanceArchiveSizes(t *testing.T) {
	ctx := t.Context()
	source, err := git.OpenGit(ctx, indextest.RealStorage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	sizes := newGoZip(t)
	cache := newBlobCache(source, idleBlobs)
	made := map[index.ID]bool{}
	var ours, theirs int64
	worst, worstName := 0.0, ""
	for _, branch := range []string{"production", "staging", "snapshot"} {
		b, err := source.Branch(ctx, branch)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range b.Entries {
			if e.IsArchive() || made[e.Tree] {
				continue
			}
			made[e.Tree] = true
			a, b := bothArchives(t, ctx, source, cache, sizes, e)
			ours, theirs = ours+a, theirs+b
			if share := float64(a) / float64(b); share > worst {
				worst, worstName = share, e.Name+"-"+e.Version
			}
		}
	}
	share := float64(ours) / float64(theirs)
	t.Logf("%d archives: %.1f MB, as Go's default level makes them %.1f MB: %.4f of it; the worst, %s, %.4f",
		len(made), float64(ours)/1e6, float64(theirs)/1e6, share, worstName, worst)
	if share > 1 || len(made) < 100 {
		t.Errorf("%d archives have %.4f of the size that Go's default level gives, want at most 1", len(made), share)
	}
}

// bothArchives gives the size of a package's archive, and of the other one.
func bothArchives(t *testing.T, ctx context.Context, source index.Source, cache *blobCache, other *goZip, e index.Entry) (ours, theirs int64) {
	t.Helper()
	list, err := source.List(ctx, e)
	if err != nil {
		t.Fatal(err)
	}
	ids := contentsOf(&parse.Loaded{Entry: e, Files: list})
	cache.expect(ids)
	cache.expect(ids) // they stay as long as there is room
	blobs, err := cache.pin(ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	defer cache.unpin(blobs)
	files := make([]archiveFile, len(list))
	for i, f := range list {
		files[i] = archiveFile{File: f, blob: blobs[f.Blob]}
	}
	var out bytes.Buffer
	root := e.Name + "-" + e.Version
	if _, err := writeArchive(&out, root, files); err != nil {
		t.Fatal(err)
	}
	return int64(out.Len()), other.size(t, root, files)
}

// goZip makes archives with archive/zip, and deflates each content once.
type goZip struct {
	deflater *flate.Writer
	deflated map[index.ID][]byte
}

func newGoZip(t *testing.T) *goZip {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		t.Fatal(err)
	}
	return &goZip{deflater: w, deflated: map[index.ID][]byte{}}
}

func (z *goZip) size(t *testing.T, root string, files []archiveFile) int64 {
	t.Helper()
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	var size counting
	var next []byte
	w := zip.NewWriter(&size)
	w.RegisterCompressor(zip.Deflate, func(to io.Writer) (io.WriteCloser, error) { return instead{to, next}, nil })
	dirs := map[string]bool{".": true}
	for _, f := range files {
		above := []string{}
		for dir := path.Dir(f.Path); !dirs[dir]; dir = path.Dir(dir) {
			dirs[dir] = true
			above = append(above, dir)
		}
		for _, dir := range slices.Backward(above) {
			_, err := w.Create(root + "/" + dir + "/")
			check(err)
		}
		if z.deflated[f.Blob] == nil {
			var out bytes.Buffer
			z.deflater.Reset(&out)
			_, err := z.deflater.Write(f.raw)
			check(errors.Join(err, z.deflater.Close()))
			z.deflated[f.Blob] = out.Bytes()
		}
		next = z.deflated[f.Blob]
		to, err := w.Create(root + "/" + f.Path)
		check(err)
		_, err = to.Write(f.raw)
		check(err)
	}
	check(w.Close())
	return int64(size)
}

// instead writes what a content was deflated to before.
type instead struct {
	to       io.Writer
	deflated []byte
}

func (instead) Write(p []byte) (int, error) { return len(p), nil }

func (i instead) Close() error {
	_, err := i.to.Write(i.deflated)
	return err
}

type counting int64

func (n *counting) Write(p []byte) (int, error) {
	*n += counting(len(p))
	return len(p), nil
}
