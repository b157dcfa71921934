package layout_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestPrefixes holds the prefixes to what the manual says is in a bucket. What looks
// for regsnap's objects, such as the checks of lifecycle rules, knows no others.
func TestPrefixes(t *testing.T) {
	manual, err := os.ReadFile("../docs/bucket.md")
	if err != nil {
		t.Fatal(err)
	}
	_, listing, _ := strings.Cut(string(manual), "```\n")
	listing, _, _ = strings.Cut(listing, "```")
	var want []string
	for line := range strings.Lines(listing) {
		if prefix, _, ok := strings.Cut(line, "/"); ok && !strings.HasPrefix(line, " ") {
			want = append(want, prefix+"/")
		}
	}
	slices.Sort(want)
	if want = slices.Compact(want); !slices.Equal(layout.Prefixes, want) {
		t.Errorf("%q, want %q", layout.Prefixes, want)
	}
}
