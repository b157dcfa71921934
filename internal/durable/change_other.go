//go:build !windows

package durable

import "os"

func rename(from, to string) error { return os.Rename(from, to) }

// Remove removes a file, on Windows when those are done who read it.
func Remove(name string) error { return os.Remove(name) }
