package testtools

import (
	"io"
	"os"
	"os/exec"
	"testing"
)

// alone is the variable that names the test for which a process runs.
const alone = "REGSNAP_TEST_ALONE"

// Alone reports whether this process runs for the test alone. If not, it runs the test in
// such a process, whose failure is the test's: for what changes the whole process.
func Alone(t *testing.T) bool {
	t.Helper()
	if os.Getenv(alone) == t.Name() {
		go func() {
			io.Copy(io.Discard, os.Stdin) // until the process that waits for this one is gone
			os.Exit(1)
		}()
		return true
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), alone+"="+t.Name())
	if _, err := cmd.StdinPipe(); err != nil { // open as long as this process lives
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}
