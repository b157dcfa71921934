// Package child runs servers for tests, as processes that do not outlive them.
package child

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// startTimeout is how long a server may take until it answers.
const startTimeout = 20 * time.Second

// Serve starts a server on a free port of the loopback interface, waits until it
// answers HTTP, and stops it when the test ends. It has env beside the environment
// of this process. What it printed is shown only if the test failed.
func Serve(t testing.TB, binary string, env []string, args func(address string) []string) (address string) {
	t.Helper()
	name := filepath.Base(binary)
	address = Address(t)
	c, err := start(binary, env, args(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.kill()
		if t.Failed() {
			t.Logf("%s on %s printed:\n%s", name, address, c.log.String())
		}
	})
	if err = c.ready(t.Context(), "http://"+address); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return address
}

// process is one that ends with this one, even if this one is killed.
type process struct {
	cmd  *exec.Cmd
	log  tail
	done chan struct{}
}

func start(binary string, env, args []string) (*process, error) {
	c := &process{cmd: exec.Command(binary, args...), done: make(chan struct{})}
	c.cmd.Env = append(os.Environ(), env...)
	c.cmd.Stdout, c.cmd.Stderr = &c.log, &c.log
	c.cmd.SysProcAttr = endWithParent()
	started := make(chan error)
	go func() {
		// Linux takes the thread that started the child for its parent: the
		// thread has to live as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(c.done)
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.cmd.Wait() // it is always killed
		}
	}()
	return c, <-started
}

func (c *process) kill() {
	c.cmd.Process.Kill() // it may have ended by itself
	<-c.done
}

// ready waits until the server answers HTTP.
func (c *process) ready(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			return resp.Body.Close()
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-c.done:
			return fmt.Errorf("ended before it answered")
		case <-ctx.Done():
			return fmt.Errorf("does not answer: %w", err)
		}
	}
}

// tail keeps the end of what was written to it.
type tail struct {
	mu   sync.Mutex
	last bytes.Buffer
}

// tailBytes is how much of a server's log is kept, in bytes.
const tailBytes = 32 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last.Write(p)
	if extra := t.last.Len() - tailBytes; extra > 0 {
		t.last.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last.String()
}
