//go:build unix

package folderlock

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestMain: a child takes the lock, says so, and holds it until it is killed.
func TestMain(m *testing.M) {
	if file := os.Getenv("TEST_HOLD"); file != "" {
		if _, err := Lock(context.Background(), file, nil); err != nil {
			panic(err)
		}
		fmt.Println("held")
		select {}
	}
	os.Exit(m.Run())
}

// hold has another process hold the lock.
func hold(t *testing.T, file string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TEST_HOLD="+file)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	return cmd
}

// Who waits says for whom, also for one that was stopped, ends when it is told to,
// and gets the lock when its holder dies.
func TestLockWaits(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lock")
	holder := hold(t, file)
	if err := holder.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	said := ""
	_, err := Lock(ctx, file, func(h Holder) { said = h.String(); cancel() })
	who := fmt.Sprintf("process %d on ", holder.Process.Pid)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), who) || !strings.Contains(err.Error(), file) || !strings.HasPrefix(said, who) {
		t.Errorf("%v; said %q", err, said)
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	unlock, err := Lock(t.Context(), file, nil)
	if err != nil {
		t.Fatal(err)
	}
	// Within one process too it is held once.
	ctx, cancel = context.WithCancel(t.Context())
	if _, err := Lock(ctx, file, func(h Holder) { said = h.String(); cancel() }); !errors.Is(err, context.Canceled) || !strings.HasPrefix(said, fmt.Sprintf("process %d on ", os.Getpid())) {
		t.Errorf("%v; said %q", err, said)
	}
	unlock()
	if unlock, err = Lock(t.Context(), file, nil); err != nil {
		t.Fatal(err)
	}
	unlock()
}
