package store

import (
	"errors"
	"fmt"
	"os"
	"strconv"
)

// TempSuffix marks files on their way; no key holds a tilde.
const TempSuffix = "~tmp"

// temporary names a new file beside target.
func (s *fileStore) temporary(target string) string {
	return target + "." + s.run + "-" + strconv.FormatInt(s.next.Add(1), 36) + TempSuffix
}

// write makes the file whole or not at all: under a temporary name, which rename
// then turns into target.
func (s *fileStore) write(target string, body []byte, rename func(from, to string) error) error {
	temp := s.temporary(target)
	if err := writeFile(temp, body); err != nil {
		return fmt.Errorf("write %s: %w", target, err)
	}
	if err := rename(temp, target); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

// renameUnlessThere is renameNew where the system has no call for it. Of two
// writers at the same moment the later one wins: both have the same bytes.
func renameUnlessThere(from, to string) error {
	if exists(to) {
		return os.Remove(from)
	}
	return os.Rename(from, to)
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
