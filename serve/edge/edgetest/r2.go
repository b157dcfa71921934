package edgetest

import (
	"bufio"
	"os/exec"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

// StartR2 runs a Worker whose bucket is in Cloudflare's simulator of R2, with
// the objects of a file:// bucket's folder, until the test ends. It returns the
// address.
func StartR2(t testing.TB, worker, dir string) string {
	t.Helper()
	cmd := exec.Command("node", "test/r2.js", testtools.EdgeModules.Need(t).Root, worker, dir)
	var log lockedBuffer
	cmd.Stderr = &log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close() // which asks it to end
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatalf("the simulator ended early: %v\n%s", err, log.String())
	}
	return "127.0.0.1:" + strings.TrimSpace(port)
}
