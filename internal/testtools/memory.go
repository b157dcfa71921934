package testtools

import (
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// memoryPrefix is what the names of RunInMemory's folders begin with.
const memoryPrefix = "regsnap-tests-"

// gcPercent is GOGC for tests.
const gcPercent = 400

// RunInMemory runs the tests of a package with all temporary files in memory,
// where there is room: most of what they would wait for is the disk, which flushes
// every object. It is for TestMain of packages that others hold to the disk. What
// is measured (the tag bench) stays on the disk, and so does what has whole registries
// (the tag conformance), for which there may not be room.
//
// Memory that is free saves time too: unless GOGC says otherwise, tests and the programs
// that they start collect garbage a fourth as often as by default. They hold little.
func RunInMemory(m interface{ Run() int }) (code int) {
	if !onDisk && os.Getenv("GOGC") == "" {
		os.Setenv("GOGC", strconv.Itoa(gcPercent))
		debug.SetGCPercent(gcPercent)
	}
	dir, err := enterMemory()
	if err != nil || dir == "" {
		return m.Run()
	}
	defer func() {
		if err := os.RemoveAll(dir); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}

// enterMemory makes a folder in memory that of temporary files. It is empty if it
// is already, as in a process that a test has started.
func enterMemory() (dir string, err error) {
	if onDisk || strings.Contains(os.TempDir(), memoryPrefix) {
		return "", nil
	}
	if err := sweep(memoryPrefix); err != nil {
		return "", err
	}
	if dir, err = MemoryFolder(memoryPrefix); err != nil {
		return "", err
	}
	// The process of another package may sweep at this moment: then this one stays on
	// the disk.
	if err = hold(dir); err == nil {
		err = os.Setenv("TMPDIR", dir)
	}
	if err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}
