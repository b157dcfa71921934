package image_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/serve/servetest"
)

// registry is a bucket with an edition of a small registry.
func registry(t *testing.T, edition int) *publish.Bucket {
	t.Helper()
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, b, edition, 5)
	return b
}

// programs are for both platforms.
func programs(t *testing.T) []image.Program {
	t.Helper()
	dir := t.TempDir()
	amd64, arm64 := filepath.Join(dir, "amd64"), filepath.Join(dir, "arm64")
	err := errors.Join(os.WriteFile(amd64, imagetest.ELF(imagetest.AMD64, ""), 0o755), os.WriteFile(arm64, imagetest.ELF(imagetest.ARM64, ""), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	return []image.Program{{Arch: "amd64", Path: amd64}, {Arch: "arm64", Path: arm64}}
}

// made makes an image of what is live; change, if set, changes how.
func made(t *testing.T, b *publish.Bucket, change func(*image.Options)) *image.Image {
	t.Helper()
	o := image.Options{From: b, Environment: servetest.Env, Regsnap: "test", Programs: programs(t)}
	if change != nil {
		change(&o)
	}
	i, err := image.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := i.Close(); err != nil {
			t.Error(err)
		}
	})
	return i
}

func digest(t *testing.T, i *image.Image) string {
	t.Helper()
	d, err := i.Index.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}
