package store

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// SyncFileSystem writes everything of the file system that holds dir to disk:
// one call for all objects, where a call for each would cost minutes.
func SyncFileSystem(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd()))), f.Close())
}
