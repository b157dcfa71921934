package testtools

import (
	"os/signal"
	"syscall"
	"testing"
)

// WithMaxFileSize calls do while no file of this process can have more than so many bytes,
// as where the disk is full: writes beyond that end in EFBIG. The test must be Alone: the
// log that go test keeps of each test would not fit either.
func WithMaxFileSize(t *testing.T, bytes uint64, do func() error) error {
	t.Helper()
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ) // the error of the write says it
	defer signal.Reset(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: bytes, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Error(err)
		}
	}()
	return do()
}
