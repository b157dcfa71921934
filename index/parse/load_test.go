package parse

import (
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
)

// A package that cannot even be listed is a broken package: the others are
// reported all the same, and it is told apart from a store that fails.
func TestLoadReportsWhatCannotBeListed(t *testing.T) {
	// Six trees that spell out a million files. (With empty directories alone it
	// takes all of blameTime to give up asking who did it.)
	bomb := func(r *indextest.Repo) string {
		tree := r.Tree(indextest.TreeEntry{Mode: indextest.ModeFile, Name: "f", ID: r.Blob("x")})
		for range 6 {
			var entries []indextest.TreeEntry
			for _, name := range strings.Split("0123456789", "") {
				entries = append(entries, indextest.TreeEntry{Mode: indextest.ModeTree, Name: name, ID: tree})
			}
			tree = r.Tree(entries...)
		}
		return tree
	}
	deep := func(r *indextest.Repo) string {
		tree := r.Tree(indextest.TreeEntry{Mode: indextest.ModeFile, Name: "f", ID: r.Blob("x")})
		for range 25 {
			tree = r.Tree(indextest.TreeEntry{Mode: indextest.ModeTree, Name: strings.Repeat("d", 200), ID: tree})
		}
		return tree
	}
	r := indextest.NewRepo(t)
	var packages []indextest.TreeEntry
	for _, p := range []struct {
		name string
		tree string
	}{
		{"bomb", bomb(r)},
		{"deep", deep(r)},
		{"malformed", r.RawTree("100644 name\x00short")},
		{"none", r.Tree(indextest.TreeEntry{Mode: indextest.ModeFile, Name: "README.md", ID: r.Blob("x")})},
		{"slash", r.RawTree("100644 a/b\x00" + strings.Repeat("i", 20))},
	} {
		version := r.Tree(indextest.TreeEntry{Mode: indextest.ModeTree, Name: "1.0.0", ID: p.tree})
		packages = append(packages, indextest.TreeEntry{Mode: indextest.ModeTree, Name: p.name, ID: version})
	}
	r.CommitTree("main", r.Tree(indextest.TreeEntry{Mode: indextest.ModeTree, Name: "packages", ID: r.Tree(packages...)}), "hostile")

	s, entries := mainOf(t, r)
	var report index.Findings
	loader := Loader{Source: s, Parser: NewParser()}
	if _, err := loader.Load(t.Context(), entries, &report); err != nil {
		t.Fatal(err)
	}
	got := map[string]index.Rule{}
	for _, p := range report.Errors {
		if got[p.Package] == "" {
			got[p.Package] = p.Rule
		}
		if p.Branch != "main" || p.Version != "1.0.0" || !strings.HasPrefix(p.File, "packages/"+p.Package+"/1.0.0") {
			t.Errorf("finding %s does not say where it is", p)
		}
	}
	for name, want := range map[string]index.Rule{
		"bomb": index.RuleFileCount, "deep": index.RulePathLength, "malformed": index.RuleIrregularFile, "none": index.RuleManifestMissing, "slash": index.RuleIrregularFile,
	} {
		if got[name] != want {
			t.Errorf("%s breaks the rule %q, want %q", name, got[name], want)
		}
	}
}

// The owner is named where the manifest can be read, whatever else is wrong, and
// even if it is not YAML.
func TestLoadNamesTheOwner(t *testing.T) {
	const archive = `
-- main/packages/linked/1.0.0/manifest.yml --
owner.github: acme/linked
-- main/packages/linked/1.0.0/docs/README.md (symlink) --
/etc/passwd
-- main/packages/broken/1.0.0/manifest.yml --
owner: {github: "acme/broken"}
title: "no end
-- main/packages/nobody/1.0.0/docs/README.md --
`
	s, err := git.OpenDir(indextest.Folders(t, archive))
	if err != nil {
		t.Fatal(err)
	}
	b, err := s.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	var report index.Findings
	loader := Loader{Source: s, Parser: NewParser()}
	if _, err := loader.Load(t.Context(), b.Entries, &report); err != nil {
		t.Fatal(err)
	}
	owners := map[string]string{"linked": "acme/linked", "broken": "acme/broken", "nobody": ""}
	for _, p := range report.Errors {
		if p.Owner != owners[p.Package] {
			t.Errorf("%s: the owner is %q, want %q", p, p.Owner, owners[p.Package])
		}
	}
	if len(report.Errors) < 3 {
		t.Errorf("findings %v", report.Errors)
	}
}

// TestLoadNamesTheCommit: what is wrong says who changed the package last; a sound one is
// not asked about.
func TestLoadNamesTheCommit(t *testing.T) {
	r := indextest.NewRepo(t)
	sound := indextest.Package("sound", "1.0.0", "sound")
	r.Commit("main", "add both", sound+indextest.Package("broken", "1.0.0", "x"))
	r.Commit("main", "break it", sound+strings.Replace(indextest.Package("broken", "1.0.0", "x"), "version: 1.0.0", "version: 1.0", 1))
	r.Commit("main", "another", sound+strings.Replace(indextest.Package("broken", "1.0.0", "x"), "version: 1.0.0", "version: 1.0", 1)+"-- README.md --\n")
	s, entries := mainOf(t, r)
	var report index.Findings
	loader := Loader{Source: s, Parser: NewParser()}
	out, err := loader.Load(t.Context(), entries, &report)
	if err != nil || out[0] != nil || out[1] == nil || len(report.Errors) == 0 {
		t.Fatalf("%v, %v, %v", out, report.Errors, err)
	}
	for _, p := range report.Errors {
		if p.Package != "broken" || p.Commit == nil || p.Commit.Subject != "break it" {
			t.Errorf("%s: by %+v", p, p.Commit)
		}
	}
}

// mainOf opens a repository, and gives the packages of its branch main.
func mainOf(t *testing.T, r *indextest.Repo) (*git.GitSource, []index.Entry) {
	t.Helper()
	s, err := git.OpenGit(t.Context(), r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	b, err := s.Branch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return s, b.Entries
}
