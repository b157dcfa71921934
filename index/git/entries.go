package git

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
)

// packagesDir is the directory of a branch that holds its packages.
const packagesDir = "packages"

const (
	archiveSuffix   = ".zip"
	signatureSuffix = ".sig" // after archiveSuffix
)

// directory is a listed directory of a branch.
type directory struct {
	name    string
	entries []treeEntry // in order of name
}

// listing sorts out what is in packages/ and in the directories below: which
// are package versions, and what is wrong with the rest.
type listing struct {
	branch     string
	dir        string // where the packages are: packagesDir, but in a WorkSource
	entries    []index.Entry
	found      index.Findings
	signatures []signature
}

// signature is a .sig file whose archive is still to be found.
type signature struct {
	of, file string // the archive's path, its own
	id       index.ID
}

// listBranch makes the Branch of what packages/ holds, which must not be empty.
// names are the listed directories of packages/, of which those with a bad name
// may be left out.
func listBranch(branch string, commit *index.Commit, packages []treeEntry, names []directory) (*index.Branch, error) {
	b := sortOut(branch, commit, packages, names)
	return b, checkEmpty(b, packages)
}

// sortOut is listBranch for any part of packages/.
func sortOut(branch string, commit *index.Commit, packages []treeEntry, names []directory) *index.Branch {
	l := &listing{branch: branch, dir: packagesDir}
	l.sort(packages, names)
	return l.finish(commit)
}

// sort sorts out a directory of packages.
func (l *listing) sort(packages []treeEntry, names []directory) {
	for _, e := range packages {
		l.top(e)
	}
	for _, dir := range names {
		if !ValidName(dir.name) {
			continue // top reported it
		}
		for _, e := range dir.entries {
			l.below(dir.name, e)
		}
	}
}

// finish is the Branch of what was sorted out.
func (l *listing) finish(commit *index.Commit) *index.Branch {
	l.attachSignatures()
	l.findDuplicates()
	return &index.Branch{Name: l.branch, Commit: commit, Entries: l.entries, Found: l.found}
}

// KeepFile is the file in packages/ that says of a branch without packages that
// it is meant to be so: git keeps no empty directory.
const KeepFile = ".gitkeep"

// checkEmpty is ErrEmptyBranch for a branch without packages, unless its
// KeepFile says that there are none.
func checkEmpty(b *index.Branch, packages []treeEntry) error {
	if len(b.Entries) > 0 || len(b.Found.Errors) > 0 || slices.ContainsFunc(packages, treeEntry.isKeepFile) {
		return nil
	}
	return fmt.Errorf("branch %s: %w in %s/ (%d other files or directories there); one that is meant to have none has a file %s/%s",
		b.Name, index.ErrEmptyBranch, packagesDir, len(b.Found.Warnings), packagesDir, KeepFile)
}

func (e treeEntry) isKeepFile() bool { return e.name == KeepFile && e.kind() == index.Regular }

// ValidName reports whether a package may be called that: [a-z0-9_]+, and no
// longer than an element of a path may be.
func ValidName(name string) bool {
	return name != "" && len(name) <= index.MaxElement && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_'
	})
}

// validVersion reports whether a version is one by https://semver.org, with
// nothing left out or put before it.
func validVersion(version string) bool {
	_, err := semver.StrictNewVersion(version)
	return err == nil
}

// at is the path of what lies in the directory of packages.
func (l *listing) at(rel string) string {
	if l.dir == "." {
		return rel
	}
	return l.dir + "/" + rel
}

// top sorts out an entry of packages/.
func (l *listing) top(e treeEntry) {
	at := l.at(e.name)
	switch {
	case e.isKeepFile():
	case strings.HasPrefix(e.name, "."):
		l.ignoreHidden(at, e)
	case e.isTree() && !ValidName(e.name):
		l.problem("", "", at, index.RulePackageName, "a package cannot be called %q: its name is made of a-z, 0-9 and _; rename the directory", e.name)
	case e.isTree(): // its content comes by itself
	default:
		l.file("", at, e)
	}
}

// below sorts out an entry of packages/<name>/.
func (l *listing) below(name string, e treeEntry) {
	at := l.at(name + "/" + e.name)
	switch {
	case strings.HasPrefix(e.name, "."):
		l.ignoreHidden(at, e)
	case e.isTree() && !validVersion(e.name):
		l.warn(name, at, index.RuleUnexpectedDirectory, "%q is not a semantic version (major.minor.patch): the directory is passed over", e.name)
	case e.isTree():
		l.add(index.Entry{Name: name, Version: e.name, Path: at, Tree: e.id})
	default:
		l.file(name, at, e)
	}
}

func (l *listing) ignoreHidden(at string, e treeEntry) {
	rule := index.RuleUnexpectedFile
	if e.isTree() {
		rule = index.RuleUnexpectedDirectory
	}
	l.warn("", at, rule, "hidden: it is passed over")
}

// file sorts out what is not a directory: a ready-made archive, the signature
// of one, or something that should not be there. dir is the name of the package
// in whose directory it is, empty in packages/ itself.
func (l *listing) file(dir, at string, e treeEntry) {
	switch e.kind() {
	case index.Symlink:
		l.problem(dir, "", at, index.RuleSymlink, "a symbolic link stands where packages are: put the package itself there")
		return
	case index.Submodule:
		l.problem(dir, "", at, index.RuleSubmodule, "a git submodule stands where packages are: put the package itself there")
		return
	case index.Irregular:
		l.problem(dir, "", at, index.RuleIrregularFile, "not a file or directory: remove it")
		return
	}
	archive, isSignature := strings.CutSuffix(e.name, signatureSuffix)
	stem, isArchive := strings.CutSuffix(archive, archiveSuffix)
	name, version, _ := strings.Cut(stem, "-") // a name has no hyphen
	switch {
	case !isArchive || !validVersion(version) || dir != "" && name != dir:
		l.warn(dir, at, index.RuleUnexpectedFile, "neither a package nor an archive called <name>-<version>.zip: the file is passed over")
	case !ValidName(name):
		l.problem("", "", at, index.RulePackageName, "a package cannot be called %q: its name is made of a-z, 0-9 and _; rename the archive", name)
	case isSignature:
		l.signatures = append(l.signatures, signature{of: strings.TrimSuffix(at, signatureSuffix), file: at, id: e.id})
	default:
		l.add(index.Entry{Name: name, Version: version, Path: at, Archive: e.id})
	}
}

func (l *listing) add(e index.Entry) {
	e.Branch = l.branch
	if longest := e.Name + "-" + e.Version + archiveSuffix + signatureSuffix; len(longest) > index.MaxElement {
		l.problem(e.Name, e.Version, e.Path, index.RulePathLength,
			"the name of the signature of its archive, %.40q…, would have %d bytes, over %d: shorten the name or the version", longest, len(longest), index.MaxElement)
		return
	}
	l.entries = append(l.entries, e)
}

func (l *listing) attachSignatures() {
	byPath := make(map[string]int)
	for i, e := range l.entries {
		if e.IsArchive() {
			byPath[e.Path] = i
		}
	}
	for _, s := range l.signatures {
		i, ok := byPath[s.of]
		if !ok {
			l.warn("", s.file, index.RuleUnexpectedFile, "a signature without the archive that it signs, %s: it is passed over", path.Base(s.of))
			continue
		}
		l.entries[i].Signature = s.id
	}
}

// findDuplicates sorts the entries and keeps the first of those with the same
// name and version, which is the directory, if there is one.
func (l *listing) findDuplicates() {
	slices.SortFunc(l.entries, func(a, b index.Entry) int {
		return cmp.Or(
			cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			compareBool(a.IsArchive(), b.IsArchive()), cmp.Compare(a.Path, b.Path))
	})
	kept := l.entries[:0]
	for _, e := range l.entries {
		if n := len(kept); n > 0 && kept[n-1].Name == e.Name && kept[n-1].Version == e.Version {
			l.problem(e.Name, e.Version, e.Path, index.RulePackageDuplicate, "the same name and version is also at %s: remove one of them", kept[n-1].Path)
			continue
		}
		kept = append(kept, e)
	}
	l.entries = kept
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func (l *listing) problem(name, version, file string, rule index.Rule, format string, args ...any) {
	l.found.Errors = append(l.found.Errors, index.Problem{Branch: l.branch, Package: name, Version: version, File: file, Rule: rule, Detail: fmt.Sprintf(format, args...)})
}

func (l *listing) warn(name, file string, rule index.Rule, format string, args ...any) {
	l.found.Warnings = append(l.found.Warnings, index.Problem{Branch: l.branch, Package: name, File: file, Rule: rule, Detail: fmt.Sprintf(format, args...)})
}
