//go:build thorough

package edge_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestSources checks the types that the comments of the sources name, and their
// format.
func TestSources(t *testing.T) {
	modules := edgetest.Modules(t)
	for _, args := range [][]string{
		{"typescript/bin/tsc", "--project", ".", "--typeRoots", filepath.Join(modules, "@types")},
		{"prettier/bin/prettier.cjs", "--check", "**/*.{js,ts,json}"},
	} {
		args[0] = filepath.Join(modules, args[0])
		if out, err := exec.CommandContext(t.Context(), "node", args...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", filepath.Base(args[0]), err, out)
		}
	}
}
