package testtools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// modulePath is the first line of the go.mod that has this package.
const modulePath = "module github.com/regsnap/regsnap\n"

// moduleRoot finds the folder of the module above the working folder, which for
// a test is that of its package: a binary that is built with -trimpath does not
// know the path of this file.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		content, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(content), modulePath) {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("tests look up their tools from a folder of the module")
		}
		dir = parent
	}
}

var unsafeInNames = regexp.MustCompile(`[^a-z0-9]+`)

// cacheDir is the folder of one version of the tool.
func (tool Tool) cacheDir(module string) (string, error) {
	version, err := tool.method.version(module)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(version)
	name := unsafeInNames.ReplaceAllString(tool.Name, "-") + "-" + hex.EncodeToString(sum[:8])
	return filepath.Join(cache, "regsnap-test-tools", name), nil
}

// contents is the names and the contents of files, as part of a version.
func contents(dir string, names ...string) ([]byte, error) {
	var out []byte
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, "%s %d\n%s", name, len(content), content)
	}
	return out, nil
}

// run runs a command; its output is shown if it fails.
func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return nil
}
