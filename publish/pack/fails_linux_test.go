package pack_test

import (
	"errors"
	"maps"
	"strings"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/pack"
)

// TestFailsOnAFullDisk packs where files can have no more than so many bytes, as where
// the disk is full: packing ends with that error, and leaves no temporary file.
func TestFailsOnAFullDisk(t *testing.T) {
	if !testtools.Alone(t) {
		return
	}
	s, m := tiny(t)
	within := func(size uint64) (map[string]string, error) {
		dir := t.TempDir()
		err := testtools.WithMaxFileSize(t, size, func() error {
			_, err := pack.Make(t.Context(), pack.Options{From: publish.In(s), Manifest: m, Dir: dir, Parallel: 1})
			return err
		})
		return folder(t, dir), err
	}
	want, err := within(1 << 30)
	if err != nil {
		t.Fatal(err)
	}
	largest := 0
	for _, body := range want {
		largest = max(largest, len(body))
	}
	const steps = 40
	for i := range steps + 1 {
		size := 4 * largest * i / steps // the temporary file has all of it, and is larger
		got, err := within(uint64(size))
		if err == nil != maps.Equal(got, want) || err != nil && !errors.Is(err, syscall.EFBIG) || i == 0 && err == nil || i == steps && err != nil {
			t.Errorf("%d bytes: %v", size, err)
		}
		for name := range got {
			if !strings.HasPrefix(name, "packs/") && want[name] == "" {
				t.Errorf("%d bytes: %s was left", size, name)
			}
		}
	}
}
