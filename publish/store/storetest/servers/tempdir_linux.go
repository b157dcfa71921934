package servers

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// memory is where Linux has a file system without a disk.
const memory = "/dev/shm"

// enoughMemory is how much of it must be free, in bytes.
const enoughMemory = 1 << 30

// MemoryDir is a folder for many small files that are flushed to disk over and
// over: in memory where there is room and the S3 server can keep its attributes,
// else one like any other. It is removed when the test ends.
func MemoryDir(t testing.TB) string {
	t.Helper()
	var room unix.Statfs_t
	if err := unix.Statfs(memory, &room); err != nil || room.Bavail*uint64(room.Bsize) < enoughMemory {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(memory, "regsnap-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := unix.Setxattr(dir, "user.regsnap", []byte("1"), 0); err != nil {
		return t.TempDir()
	}
	return dir
}
