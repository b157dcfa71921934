package catalog_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
)

// TestScript: the types that the comments of the script name hold, and it is small
// enough for a page that must show fast.
func TestScript(t *testing.T) {
	tsc := filepath.Join(testtools.EdgeModules.Need(t).Root, "node_modules", "typescript", "bin", "tsc")
	if out, err := exec.CommandContext(t.Context(), "node", tsc, "--project", ".").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	for file, most := range map[string]int64{"catalog.js": 22_000, "live.js": 8_000, "catalog.css": 20_000} {
		info, err := os.Stat(filepath.Join("assets", file))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size() > most {
			t.Errorf("%s has %d bytes, want at most %d", file, info.Size(), most)
		}
	}
}
