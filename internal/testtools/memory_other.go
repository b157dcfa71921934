//go:build !linux

package testtools

import "errors"

// MemoryFolder makes a folder in memory, which this system does not have.
func MemoryFolder(string) (string, error) { return "", errors.ErrUnsupported }

func hold(string) error { return nil }

func sweep(string) error { return nil }
