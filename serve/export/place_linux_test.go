package export

import (
	"path/filepath"
	"syscall"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestPipe: a pipe where a file was is not waited for.
func TestPipe(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o666); err != nil {
		t.Fatal(err)
	}
	if (&writer{}).plain(t.Context(), "key", layout.ObjectDigest{SHA256: sumOf("")}).in(pipe) {
		t.Error("a pipe is taken for an empty file")
	}
}
