package servers

import (
	"os"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

// MemoryDir is a folder for many small files that are flushed to disk over and
// over: in memory where there is room and the S3 server can keep its attributes,
// else one like any other. It is removed when the test ends.
func MemoryDir(t testing.TB) string {
	t.Helper()
	dir, err := testtools.MemoryFolder("regsnap-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}
