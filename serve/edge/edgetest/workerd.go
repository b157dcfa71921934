package edgetest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/serve/edge"
)

// Worker is a bundle to run, and what is bound to it.
type Worker struct {
	edge.CloudflareOptions
	// Secrets are bound as texts, as "wrangler secret put" does.
	Secrets map[string]string
}

// Workerd is the runtime of Cloudflare Workers with a worker for each
// environment, over loopback. It is asked as a proxy is, with whole URLs: from
// others it would take "." and ".." out of the path before a worker sees them.
type Workerd struct {
	// Addrs are where each environment's worker listens.
	Addrs map[string]string
	// PID is of the process, for looking at its memory and processor time.
	PID int
	// Stop ends it before the test does.
	Stop func()

	log lockedBuffer
}

// Client asks the worker of an environment.
func (w *Workerd) Client(env string) Client {
	return Client{Addr: w.Addrs[env], Host: env + ".registry.example", Proxy: true}
}

// Log is what the workers wrote to the console.
func (w *Workerd) Log() string { return w.log.String() }

// StartWorkerd runs bundles until the test ends.
func StartWorkerd(t testing.TB, workers ...Worker) *Workerd {
	t.Helper()
	dir := t.TempDir()
	var services, sockets strings.Builder
	for _, w := range workers {
		files, err := edge.Cloudflare(w.CloudflareOptions)
		if err != nil {
			t.Fatal(err)
		}
		env := w.Environment
		if err := os.WriteFile(filepath.Join(dir, env+".js"), files[0].Content, 0o666); err != nil {
			t.Fatal(err)
		}
		var bindings strings.Builder
		for name, value := range w.Secrets {
			fmt.Fprintf(&bindings, "(name = %q, text = %q),", name, value)
		}
		fmt.Fprintf(&services, `(name = %q, worker = (modules = [(name = "worker.js", esModule = embed %q)], compatibilityDate = %q, globalOutbound = "internet", bindings = [%s])),`+"\n",
			env, env+".js", compatibilityDate(t, files), bindings.String())
		fmt.Fprintf(&sockets, `(name = %[1]q, address = "127.0.0.1:0", http = (style = proxy), service = %[1]q),`+"\n", env)
	}
	config := `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "internet", network = (allow = ["private"])),
    ` + services.String() + `  ],
  sockets = [
    ` + sockets.String() + `  ],
);
`
	file := filepath.Join(dir, "config.capnp")
	if err := os.WriteFile(file, []byte(config), 0o666); err != nil {
		t.Fatal(err)
	}
	w := &Workerd{Addrs: map[string]string{}}
	w.start(t, exec.Command(workerdBinary(t), "serve", "--control-fd=3", file), len(workers))
	return w
}

// workerdBinary is the runtime of Workers, as npm installed it for this machine.
func workerdBinary(t testing.TB) string {
	t.Helper()
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "64"
	}
	return filepath.Join(Modules(t), "@cloudflare", "workerd-"+runtime.GOOS+"-"+arch, "bin", "workerd")
}

// Modules is the folder of the npm packages that check and test the edge.
func Modules(t testing.TB) string {
	t.Helper()
	return filepath.Join(testtools.EdgeModules.Need(t).Root, "node_modules")
}

// start runs the process, and reads from its control pipe where it listens.
func (w *Workerd) start(t testing.TB, cmd *exec.Cmd, sockets int) {
	t.Helper()
	control, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close()
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stdout, cmd.Stderr = &w.log, &w.log
	err = errors.Join(cmd.Start(), theirs.Close())
	if err != nil {
		t.Fatal(err)
	}
	w.Stop = sync.OnceFunc(func() {
		_ = cmd.Process.Kill() // it has nothing to lose
		_ = cmd.Wait()
	})
	t.Cleanup(w.Stop)
	w.PID = cmd.Process.Pid
	lines := bufio.NewScanner(control)
	for len(w.Addrs) < sockets && lines.Scan() {
		var event struct {
			Event, Socket string
			Port          int
		}
		if err := json.Unmarshal(lines.Bytes(), &event); err != nil {
			t.Fatal(err)
		}
		if event.Event == "listen" {
			w.Addrs[event.Socket] = fmt.Sprintf("127.0.0.1:%d", event.Port)
		}
	}
	if len(w.Addrs) < sockets {
		t.Fatalf("workerd ended early: %s", w.Log())
	}
}

// compatibilityDate is the one that the bundle's wrangler.json names.
func compatibilityDate(t testing.TB, files []edge.File) string {
	t.Helper()
	var wrangler struct {
		Date string `json:"compatibility_date"`
	}
	if err := json.Unmarshal(files[1].Content, &wrangler); err != nil {
		t.Fatal(err)
	}
	return wrangler.Date
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
