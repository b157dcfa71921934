package folderlock

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// Who may only read the lock's file cannot keep anyone from it, by any kind of lock.
func TestReadersCannotLock(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	unlock()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, command := range []int{unix.F_OFD_SETLK, unix.F_SETLK} {
		if err := unix.FcntlFlock(f.Fd(), command, &unix.Flock_t{Type: unix.F_WRLCK, Whence: io.SeekStart}); err == nil {
			t.Errorf("command %d locks a file that is open for reading only", command)
		}
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if unlock, err = Lock(t.Context(), file, nil); err != nil {
		t.Fatal(err)
	}
	unlock()
}
