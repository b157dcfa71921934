package testtools

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// memory is where Linux has a file system without a disk.
const memory = "/dev/shm"

// enoughMemory is how much of it must be free, in bytes.
const enoughMemory = 1 << 30

// MemoryFolder makes a folder in memory whose name begins with a prefix. It fails
// where there is no room, or where files have no attributes, which the S3 server needs.
func MemoryFolder(prefix string) (string, error) {
	var room unix.Statfs_t
	if err := unix.Statfs(memory, &room); err != nil {
		return "", err
	}
	if room.Bavail*uint64(room.Bsize) < enoughMemory {
		return "", errors.New("too little memory")
	}
	dir, err := os.MkdirTemp(memory, prefix)
	if err != nil {
		return "", err
	}
	if err := unix.Setxattr(dir, "user.regsnap", []byte("1"), 0); err != nil {
		return "", errors.Join(err, os.Remove(dir))
	}
	return dir, nil
}

// hold locks a folder until this process ends, however it does. It fails if
// another one holds it.
func hold(dir string) error {
	at, err := unix.Open(dir, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	if err := unix.Flock(at, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.Join(err, unix.Close(at))
	}
	return nil
}

// sweep removes the folders of processes that were killed.
func sweep(prefix string) error {
	left, err := filepath.Glob(filepath.Join(memory, prefix+"*"))
	for _, dir := range left {
		if hold(dir) == nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}
	return err
}
