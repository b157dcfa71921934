package index_test

import (
	"testing"

	"github.com/regsnap/regsnap/index"
)

// TestCheckNames: each name that some system cannot keep is warned of once.
func TestCheckNames(t *testing.T) {
	for name, want := range map[string]int{
		"docs/README.md": 0, "img/größe.png": 0, "img/図.svg": 0, "a b.md": 0, ".hidden": 0, "a/console.md": 0, "com10.md": 0, "null.json": 0, "comx": 0, "com12": 0, "1": 0, "docs/9.png": 0, "/a": 0,
		"CON": 1, "docs/con.md": 1, "Aux/x.json": 1, "nul.tar.gz": 1, "com1": 1, "LPT9.txt": 1, "COM¹": 1, "con .md": 1, "conin$": 1,
		"docs/a\u202etxt.md": 1, "a\u200db": 1, "a\ufeffb": 1, "a\u2066b": 1, "a\u2028b": 1, "a\u00adb": 1,
		"a:b": 1, "what?.md": 1, "<a>": 1, "a|b": 1, "a*b": 1, `a"b`: 1, "dir./x": 1, "x.": 1, "x ": 1, "con/aux": 2,
	} {
		got := index.CheckNames([]index.File{{Path: name}}).Warnings
		if len(got) != want {
			t.Errorf("%q: %v, want %d warnings", name, got, want)
		}
		for _, p := range got {
			if p.Rule != index.RulePathPortable {
				t.Errorf("%q: %v", name, p)
			}
		}
	}
	if got := index.CheckNames([]index.File{{Path: "con/a"}, {Path: "con/b"}}).Warnings; len(got) != 1 || got[0].File != "con" {
		t.Errorf("a directory with two files: %v", got)
	}
	if got := index.CheckNames([]index.File{{Path: "a"}, {Path: "a"}}).Warnings; len(got) != 0 {
		t.Errorf("a path twice, which is another rule: %v", got)
	}
	both := []index.File{{Path: "docs/\u00e9.md"}, {Path: "docs/e\u0301.md"}, {Path: "docs/e.md"}}
	if got := index.CheckNames(both).Warnings; len(got) != 1 || got[0].File != both[1].Path {
		t.Errorf("é in two spellings: %v", got)
	}
	if got := index.CheckNames(both[1:]).Warnings; len(got) != 0 {
		t.Errorf("é in one spelling: %v", got)
	}
}
