//go:build conformance

package answer_test

import (
	"fmt"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/parse"
)

// TestConformanceFragments cuts the summary of every package of the real
// package storage, and compares with rendering the cut package.
func TestConformanceFragments(t *testing.T) {
	source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	tested := 0
	for _, name := range []string{"production", "staging", "snapshot"} {
		branch, err := source.Branch(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		loader := parse.Loader{Source: source, Parser: parse.NewParser()}
		var report index.Findings
		loaded, err := loader.Load(t.Context(), branch.Entries, &report)
		if err != nil || len(report.Errors) > 0 {
			t.Fatalf("branch %s: %v %v", name, err, report.Errors)
		}
		for _, l := range loaded {
			if len(l.Package.PolicyTemplates) > 0 {
				subsets(t, l.Package)
				tested++
			}
		}
	}
	fmt.Printf("%d summaries cut in every way\n", tested)
}
