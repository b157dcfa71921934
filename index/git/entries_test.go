package git

import (
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
)

const oddities = `
-- main/packages/.DS_Store --
-- main/packages/.github/x --
-- main/packages/README.md --
-- main/packages/Upper/1.0.0/manifest.yml --
-- main/packages/with-hyphen/1.0.0/manifest.yml --
-- main/packages/link (symlink) --
good
-- main/packages/Bad-1.0.0.zip --
-- main/packages/top-2.0.0.zip --
a zip
-- main/packages/top-2.0.0.zip.sig --
a signature
-- main/packages/top-1.0.zip --
-- main/packages/alone-1.0.0.zip.sig --
-- main/packages/good/.DS_Store --
-- main/packages/good/.hidden/x --
-- main/packages/good/1.0.0/manifest.yml --
-- main/packages/good/v1.0.0/manifest.yml --
-- main/packages/good/01.0.0/manifest.yml --
-- main/packages/good/latest (symlink) --
1.0.0
-- main/packages/good/CHANGELOG.md --
-- main/packages/good/good-1.1.0.zip --
another zip
-- main/packages/good/other-1.1.0.zip --
-- main/packages/good/good-1.0.0.zip --
the same as the directory
-- main/packages/top/top-2.0.0.zip --
the same as above
-- main/packages/top/top-3.0.0-rc1.zip --
-- main/packages/top/top-3.0.0-rc1.zip.sig --
`

func TestListBranch(t *testing.T) {
	repo := indextest.NewRepoFrom(t, oddities)
	dirs, err := OpenDir(indextest.Folders(t, oddities))
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]index.Source{"git": openGit(t, repo.Dir), "dir": dirs} {
		t.Run(name, func(t *testing.T) {
			b := branch(t, s, "main")
			var entries []string
			for _, e := range b.Entries {
				kind := "directory"
				if e.IsArchive() {
					kind = "archive"
				}
				if !e.Signature.IsZero() {
					kind += ", signed"
				}
				entries = append(entries, e.Name+" "+e.Version+" "+e.Path+" "+kind)
			}
			indextest.Compare(t, "entries", entries, []string{
				"good 1.0.0 packages/good/1.0.0 directory",
				"good 1.1.0 packages/good/good-1.1.0.zip archive",
				"top 2.0.0 packages/top-2.0.0.zip archive, signed",
				"top 3.0.0-rc1 packages/top/top-3.0.0-rc1.zip archive, signed",
			})
			indextest.Compare(t, "problems", problemLines(b.Found.Errors), []string{
				"main: good-1.0.0: packages/good/good-1.0.0.zip: the same name and version is also at packages/good/1.0.0: remove one of them [package-duplicate]",
				"main: good: packages/good/latest: a symbolic link stands where packages are: put the package itself there [symlink]",
				"main: packages/Bad-1.0.0.zip: a package cannot be called \"Bad\": its name is made of a-z, 0-9 and _; rename the archive [package-name]",
				"main: packages/Upper: a package cannot be called \"Upper\": its name is made of a-z, 0-9 and _; rename the directory [package-name]",
				"main: packages/link: a symbolic link stands where packages are: put the package itself there [symlink]",
				"main: packages/with-hyphen: a package cannot be called \"with-hyphen\": its name is made of a-z, 0-9 and _; rename the directory [package-name]",
				"main: top-2.0.0: packages/top/top-2.0.0.zip: the same name and version is also at packages/top-2.0.0.zip: remove one of them [package-duplicate]",
			})
			b.Found.Warnings = slices.DeleteFunc(b.Found.Warnings, func(p index.Problem) bool { return p.Rule == index.RuleNotCommitted })
			const neither = ": neither a package nor an archive called <name>-<version>.zip: the file is passed over [unexpected-file]"
			const version = " is not a semantic version (major.minor.patch): the directory is passed over [unexpected-directory]"
			indextest.Compare(t, "warnings", problemLines(b.Found.Warnings), []string{
				"main: good: packages/good/01.0.0: \"01.0.0\"" + version,
				"main: good: packages/good/CHANGELOG.md" + neither,
				"main: good: packages/good/other-1.1.0.zip" + neither,
				"main: good: packages/good/v1.0.0: \"v1.0.0\"" + version,
				"main: packages/.DS_Store: hidden: it is passed over [unexpected-file]",
				"main: packages/.github: hidden: it is passed over [unexpected-directory]",
				"main: packages/README.md" + neither,
				"main: packages/alone-1.0.0.zip.sig: a signature without the archive that it signs, alone-1.0.0.zip: it is passed over [unexpected-file]",
				"main: packages/good/.DS_Store: hidden: it is passed over [unexpected-file]",
				"main: packages/good/.hidden: hidden: it is passed over [unexpected-directory]",
				"main: packages/top-1.0.zip" + neither,
			})
		})
	}
}

func problemLines(problems []index.Problem) []string {
	var lines []string
	for _, p := range problems {
		lines = append(lines, p.String())
	}
	slices.Sort(lines)
	return lines
}

func TestListBranchOdder(t *testing.T) {
	long := "1.0.0-" + strings.Repeat("x", 210)
	packages := []treeEntry{
		{name: "module", mode: modeGitlink}, {name: "odd", mode: 0},
		{name: strings.Repeat("p", index.MaxElement+1), mode: modeTree},
	}
	names := []directory{{"p", []treeEntry{{name: long, mode: modeTree}}}}
	b, err := listBranch("main", nil, packages, names)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range b.Found.Errors {
		got = append(got, string(p.Rule))
	}
	indextest.Compare(t, "rules", got, []string{"submodule", "irregular-file", "package-name", "path-length"})
	_, err = listBranch("main", nil, []treeEntry{{name: "x", mode: modeFile}}, nil)
	wantError(t, err, index.ErrEmptyBranch, "branch main", "1 other files")
}

func TestValidName(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "a_b2": true, "0": true, "_": true,
		"": false, "a-b": false, "A": false, "a.b": false, "é": false, "a b": false, "..": false, "a/b": false,
		strings.Repeat("a", 220): true, strings.Repeat("a", 221): false,
	} {
		if got := ValidName(name); got != want {
			t.Errorf("ValidName(%.30q) = %v", name, got)
		}
	}
}
