package durable

import (
	"errors"
	"math/rand/v2"
	"os"
	"time"

	"golang.org/x/sys/windows"
)

// rename and Remove wait a moment for those who read the file: Windows takes no
// file from under its readers, and of these each is soon done.
func rename(from, to string) error { return patiently(func() error { return os.Rename(from, to) }) }

// Remove removes a file.
func Remove(name string) error { return patiently(func() error { return os.Remove(name) }) }

// patience is how long a reader is waited for.
const patience = 2 * time.Second

func patiently(change func() error) error {
	for begun := time.Now(); ; time.Sleep(rand.N(10 * time.Millisecond)) {
		err := change()
		busy := errors.Is(err, windows.ERROR_SHARING_VIOLATION) || errors.Is(err, windows.ERROR_ACCESS_DENIED)
		if !busy || time.Since(begun) > patience {
			return err
		}
	}
}
