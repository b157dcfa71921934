package servers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// tool is a program that publish/storetest/tools pins the version of.
type tool struct{ name, pkg string }

var (
	versitygw = tool{"versitygw", "github.com/versity/versitygw/cmd/versitygw"}
	fakeGCS   = tool{"fake-gcs-server", "github.com/fsouza/fake-gcs-server"}
)

// toolsModule is the folder of the module that pins the tools, below that of the
// main module.
const toolsModule = "publish/store/storetest/tools"

// building keeps the tests of one process from waiting for the file lock in
// many threads; the file lock keeps processes apart.
var building sync.Mutex

// build returns the program's path, and builds it when it was not built before
// from the same versions by the same Go. The first time takes minutes, and
// downloads the modules.
func (p tool) build(ctx context.Context) (string, error) {
	building.Lock()
	defer building.Unlock()
	module, err := toolsDir(ctx)
	if err != nil {
		return "", err
	}
	dir, err := cacheDir(module)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(dir, p.name)
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	temp := binary + ".new" // the lock is ours
	cmd := exec.CommandContext(ctx, "go", "build", "-C", module, "-trimpath", "-ldflags=-s -w", "-o", temp, p.pkg)
	// Flags of the caller, such as -race or -mod=mod, are not for this build.
	cmd.Env = append(os.Environ(), "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off", "CGO_ENABLED=0", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", p.name, err, out)
	}
	return binary, os.Rename(temp, binary)
}

// path is that of the program, built if need be.
func (p tool) path(t testing.TB) string {
	t.Helper()
	binary, err := p.build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

// toolsDir finds the module of the tools from the module that is being tested:
// the path of this file is not known to a binary that is built with -trimpath.
func toolsDir(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	dir := filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), filepath.FromSlash(toolsModule))
	if _, err := os.Stat(filepath.Join(dir, "go.mod")); err != nil {
		return "", fmt.Errorf("tests of stores run within the module: %w", err)
	}
	return dir, nil
}

// cacheDir is where the programs of one set of versions lie.
func cacheDir(module string) (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	for _, name := range []string{"go.mod", "go.sum"} {
		content, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		h.Write(content)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "regsnap-test-servers", hex.EncodeToString(h.Sum(nil)[:8]))
	return dir, os.MkdirAll(dir, 0o777)
}
