package store

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// writeFile makes a new file. It asks the system itself: a file of package os is
// first made ready for waiting on it, which takes five calls more than the three
// that write it, and a build from nothing writes tens of thousands.
func writeFile(name string, body []byte) error {
	fd, err := unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o666)
	for errors.Is(err, unix.EINTR) {
		fd, err = unix.Open(name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o666)
	}
	if err != nil {
		return &fs.PathError{Op: "open", Path: name, Err: err}
	}
	for len(body) > 0 && err == nil {
		var n int
		if n, err = unix.Write(fd, body); errors.Is(err, unix.EINTR) {
			err = nil
			continue
		}
		body = body[max(n, 0):]
	}
	if err = errors.Join(err, unix.Close(fd)); err != nil {
		return errors.Join(&fs.PathError{Op: "write", Path: name, Err: err}, os.Remove(name))
	}
	return nil
}

// renameNew gives a file its name unless that is taken: then what is there stays,
// and the file goes.
func renameNew(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, unix.EEXIST):
		return os.Remove(from)
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINTR):
		return renameUnlessThere(from, to) // NFS, among others, has no such call
	}
	return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
}

// SyncFileSystem writes everything of the file system that holds dir to disk:
// one call for all objects, where a call for each would cost minutes.
func SyncFileSystem(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(os.NewSyscallError("syncfs", unix.Syncfs(int(f.Fd()))), f.Close())
}
