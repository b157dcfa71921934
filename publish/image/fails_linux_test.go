package image_test

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestFailsOnAFullDisk: an image, a layout or an archive that does not fit on the disk is
// an error; no half file stays, and no tag is set.
func TestFailsOnAFullDisk(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	b, _ := tiny(t)
	binaries := programs(t)[:1]
	noise := make([]byte, 200<<10) // a program that is larger than all packs
	rand.NewChaCha8([32]byte{1}).Read(noise)
	f, err := os.OpenFile(binaries[0].Path, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.Write(noise)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	_, left := temporary(t)
	o := image.Options{From: b, Environment: servetest.Env, Regsnap: "test", Programs: binaries}
	whole, err := image.Make(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	kept := left()
	sizes := []uint64{0, 10, 30, 1000, 5000, 50000, 100000, 150000, 200 << 10}
	for _, size := range sizes {
		err := testtools.WithMaxFileSize(t, size, func() error { _, err := image.Make(t.Context(), o); return err })
		if !errors.Is(err, syscall.EFBIG) || !slices.Equal(left(), kept) {
			t.Errorf("an image with %d bytes a file: %v, %q were left", size, err, left())
		}
		for what, do := range map[string]func(dir string) error{
			"layout": func(dir string) error { _, err := whole.WriteLayout(t.Context(), dir); return err },
			"archive": func(dir string) error {
				return whole.WriteTarball(t.Context(), filepath.Join(dir, "image.tar"), "hub.example/x")
			},
		} {
			dir := t.TempDir()
			if err := testtools.WithMaxFileSize(t, size, func() error { return do(dir) }); !errors.Is(err, syscall.EFBIG) {
				t.Errorf("%s with %d bytes a file: %v", what, size, err)
			}
			for _, name := range fileNames(t, dir) {
				if name == "index.json" || name == "image.tar" || strings.Contains(name, ".regsnap-") {
					t.Errorf("%s with %d bytes a file: %s was left", what, size, name)
				}
			}
		}
	}
	if err := whole.Close(); err != nil {
		t.Error(err)
	}
}
