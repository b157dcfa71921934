package edgetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// manifests are what npm needs to install just the pinned versions.
var manifests = []string{"package.json", "package-lock.json", ".npmrc"}

// installing keeps the tests of one process from waiting for the file lock in
// many threads; the file lock keeps processes apart.
var installing sync.Mutex

// Install returns the folder with node_modules, into which npm puts what
// package-lock.json pins: once for each content of it, in the user's cache. The
// test must run in the folder edge.
func Install(t testing.TB) string {
	t.Helper()
	installing.Lock()
	defer installing.Unlock()
	dir, err := install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func install(ctx context.Context) (string, error) {
	contents := map[string][]byte{}
	h := sha256.New()
	for _, name := range manifests {
		content, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		contents[name] = content
		fmt.Fprintf(h, "%s %d\n%s", name, len(content), content)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "regsnap-test-edge", hex.EncodeToString(h.Sum(nil)[:8]))
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", err
	}
	unlock, err := lockedfile.MutexAt(filepath.Join(dir, "lock")).Lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); !errors.Is(err, fs.ErrNotExist) {
		return dir, err
	}
	for name, content := range contents {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return "", err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci")
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return "", fmt.Errorf("npm ci: %w\n%s", err, out)
	}
	return dir, os.WriteFile(done, nil, 0o666)
}

// workerdBinary is the runtime of Workers, as npm installed it for this machine.
func workerdBinary(modules string) string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "64"
	}
	return filepath.Join(modules, "node_modules", "@cloudflare", "workerd-"+runtime.GOOS+"-"+arch, "bin", "workerd")
}
