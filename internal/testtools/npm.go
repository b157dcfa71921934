package testtools

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// npm installs what the package-lock.json of a folder pins. The folder itself
// stays as it is: node_modules goes into the cache.
type npm struct{ folder string }

// npmFiles are what npm needs to install just the pinned versions.
var npmFiles = []string{"package.json", "package-lock.json", ".npmrc"}

func (npm) system() (Place, bool) { return Place{}, false }

func (p npm) version(module string) ([]byte, error) {
	return contents(filepath.Join(module, filepath.FromSlash(p.folder)), npmFiles...)
}

func (p npm) install(ctx context.Context, module, dir, _ string) error {
	program, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("install Node.js 20 or newer, and run again: %w", err)
	}
	for _, name := range npmFiles {
		content, err := os.ReadFile(filepath.Join(module, filepath.FromSlash(p.folder), name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o666); err != nil {
			return err
		}
	}
	return run(ctx, dir, nil, program, "ci")
}

func (npm) place(dir string) Place { return Place{Root: dir} }
