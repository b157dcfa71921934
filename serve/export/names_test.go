package export

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestFileOf holds the names to the list to which the script for nginx is held
// as well.
func TestFileOf(t *testing.T) {
	data, err := os.ReadFile("../edge/testdata/names.json")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]string{}
	if err := json.Unmarshal(data, &names); err != nil {
		t.Fatal(err)
	}
	if len(names) < 20 {
		t.Fatalf("%d names", len(names))
	}
	for key, want := range names {
		if got := fileOf(key); got != want {
			t.Errorf("%s: %s, want %s", key, got, want)
		}
	}
}

// TestShortKeys: a key of too few elements is not of a package, and no text behind "=" but
// two digits stands for a byte.
func TestShortKeys(t *testing.T) {
	for _, key := range []string{"packages", "packages/a", "packages/a/1.0.0", "packages/a/1.0.0/0123", "package/a/1.0.0/0123/x.zip"} {
		if got := fileOf(key); got != "data/"+key {
			t.Errorf("%s: %s", key, got)
		}
	}
	for element, want := range map[string]string{"a=zz": "a=zz", "a=2": "a=2", "a=20=zz": "a =zz", "a=20": "a "} {
		if got := plainName(element); got != want {
			t.Errorf("%s: %q, want %q", element, got, want)
		}
	}
}

// TestHostileNames: whatever paths a list of files has, they stay within the
// package, and no two have one name.
func TestHostileNames(t *testing.T) {
	rev := layout.Revision{Name: "a", Version: "1.0.0", ID: "0123456789abcdef0123"}
	long := strings.Repeat("ü", 200)
	paths := []string{
		"../../x", "../x", "..", ".", "a/../../../x", "/etc/passwd", "a\x00b", "index.json", "=index.json", "=2E", "=2E=2E", "=2E=2E/x",
		"a b", "a=20b", "a=3D20b", "=", "==", "=-", "\xff", "=FF", "ü", "=C3=BC", "a\\b", "a/b", long, "index.json.gz",
		strings.TrimPrefix(rev.FileKey(long), rev.FileKey("")), // what a long one is cut to
	}
	seen := map[string]string{}
	for _, path := range paths {
		file := fileOf(rev.FileKey(path))
		if !filepath.IsLocal(file) || !strings.HasPrefix(file, "tree/package/a/1.0.0/") {
			t.Errorf("%q is %q", path, file)
		}
		if other, twice := seen[file]; twice {
			t.Errorf("%q and %q are both %q", path, other, file)
		}
		seen[file] = path
	}
}

// TestTarget: a name that leads out of the export is refused.
func TestTarget(t *testing.T) {
	w := &writer{dir: t.TempDir()}
	for _, file := range []string{"../x", "/x", "tree/../../x", ""} {
		if target, err := w.target(file); err == nil {
			t.Errorf("%q is %s", file, target)
		}
	}
	if _, err := w.target("tree/x"); err != nil {
		t.Error(err)
	}
}
