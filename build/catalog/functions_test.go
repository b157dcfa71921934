package catalog

import (
	"testing"
)

// TestFunctions: what templates call, at its bounds.
func TestFunctions(t *testing.T) {
	for got, want := range map[string]string{
		size(0): "0 bytes", size(999): "999 bytes", size(1000): "1.0 kB", size(1550): "1.6 kB", size(999_949): "999.9 kB", size(999_950): "1.0 MB", size(12_345_678): "12.3 MB",
		plural(0, "file"): "0 files", plural(1, "file"): "1 file", plural(2, "query"): "2 queries", plural(1, "query"): "1 query",
		plural(2, "search"): "2 searches", plural(2, "lens"): "2 lenses", plural(2, "map"): "2 maps",
		escapePath("a b/c?d/é"): "a%20b/c%3Fd/%C3%A9", escapePath("/x"): "/x",
		short("0123456789abcdef"): "0123456789ab", short("abc"): "abc", short(""): "",
		first("  über"): "Ü", first("x"): "X", first(""): "?", first("\xff"): "?",
		anchor("A", "z09_-", "{"): "a-z09_---", anchor("`", "/:"): "----", anchor(): "",
		versionAnchor("1.2.0-rc.1+b"): "v-1_2_0-rc_1__b",
		value("text"):                 "text", value(float64(5)): "5", value([]any{"a", true}): `["a",true]`, value(nil): "null", value(func() {}): "",
		kindOf("breaking-change"): "breaking", kindOf("bugfix"): "fix", kindOf("enhancement"): "enhancement", kindOf("deprecation"): "deprecation", kindOf("Bugfix"): "change", kindOf(""): "change",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for file, want := range map[string][2]bool{ // Reads, IsFields
		"changelog.yml": {true, false}, "docs/changelog.yml": {}, "docs/README.md": {true, false}, "a.md": {true, false}, "a.mdx": {}, "manifest.yml": {},
		"fields/a.yml": {true, true}, "fields/a.yaml": {true, false}, "data_stream/x/fields/a.yml": {true, true}, "data_stream/x/fields/deep/a.yml": {},
		"a/b/c/fields/a.yml": {true, false}, "kibana/dashboard/a.json": {true, false}, "kibana/map/a.json": {}, "x/kibana/dashboard/a.json": {}, "xfields/a.yml": {},
	} {
		if got := [2]bool{Reads(file), IsFields(file)}; got != want {
			t.Errorf("%s: read, of fields: %v, want %v", file, got, want)
		}
	}
}
