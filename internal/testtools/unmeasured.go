//go:build !bench && !conformance

package testtools

import (
	"os"
	"runtime/debug"
)

// onDisk: see measured.go.
const onDisk = false

// Tests hold little and make much: a sixth of their time went by in collecting it, and
// of that of the programs they start a fifth, before they had done anything.
func init() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
		os.Setenv("GOGC", "400")
	}
}
