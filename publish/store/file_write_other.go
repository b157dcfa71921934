//go:build !linux

package store

import (
	"errors"
	"os"
)

// writeFile makes a new file.
func writeFile(name string, body []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(name))
	}
	return nil
}

// renameNew gives a file its name unless that is taken: then what is there stays,
// and the file goes.
func renameNew(from, to string) error { return renameUnlessThere(from, to) }
