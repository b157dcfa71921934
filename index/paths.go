package index

import (
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckFiles tells what files (of one package, from any source) no package may
// hold: it must find nothing before a file is read or put anywhere. Problem.File
// is relative to the package, like File.Path; branch, name and version are left
// to the caller. The order is that of files, then faults of the package as a whole.
func CheckFiles(files []File, limits Limits) Findings {
	limits = limits.WithDefaults()
	var p Findings
	for _, f := range files {
		p.checkFile(f, limits)
	}
	p.checkTotals(files, limits)
	p.checkTogether(files)
	return p
}

// Clip makes a hostile path fit to be shown: valid UTF-8, no control
// characters, not endless.
func Clip(file string) string {
	const most = 300 // bytes
	if len(file) > most {
		file = file[:most] + "…"
	}
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return unicode.ReplacementChar
		}
		return r
	}, strings.ToValidUTF8(file, string(unicode.ReplacementChar)))
}

// checkFile finds what is wrong with a file by itself.
func (p *Findings) checkFile(f File, limits Limits) {
	p.CheckPath(f.Path)
	switch f.Mode {
	case Symlink:
		p.Fail(f.Path, RuleSymlink, "is a symbolic link: put the file itself there")
	case Submodule:
		p.Fail(f.Path, RuleSubmodule, "is a git submodule: put the files themselves there")
	case Irregular:
		p.Fail(f.Path, RuleIrregularFile, "is not a regular file: remove it")
	}
	switch {
	case f.Size < 0:
		p.Fail(f.Path, RuleObjectMissing, "its content, git object %s, is missing from the source: fetch the whole repository", f.Blob)
	case f.Size > limits.FileSize:
		p.Fail(f.Path, RuleFileSize, "has %d bytes: a file may have %d", f.Size, limits.FileSize)
	}
}

// CheckPath finds what is wrong with a path by itself.
func (p *Findings) CheckPath(name string) {
	if len(name) > MaxPath {
		p.Fail(name, RulePathLength, "the path has %d bytes: it may have %d", len(name), MaxPath)
	}
	switch {
	case !utf8.ValidString(name):
		p.Fail(name, RulePathCharacter, "the path is not UTF-8: rename it")
	case strings.ContainsFunc(name, unicode.IsControl):
		p.Fail(name, RulePathCharacter, "the path has a control character: rename it")
	case strings.Contains(name, `\`):
		p.Fail(name, RulePathCharacter, "the path has a backslash, which separates directories for some: rename it")
	}
	for element := range strings.SplitSeq(name, "/") {
		switch {
		case element == "":
			p.Fail(name, RulePathElement, "the path has an element without a name")
			return
		case element == ".", element == "..", strings.EqualFold(element, ".git"):
			p.Fail(name, RulePathElement, "the path has the element %q, which means something else than a name", element)
			return
		case len(element) > MaxElement:
			p.Fail(name, RulePathLength, "an element of the path has %d bytes: it may have %d", len(element), MaxElement)
			return
		}
	}
}

func (p *Findings) checkTotals(files []File, limits Limits) {
	if len(files) > limits.Files {
		p.Fail("", RuleFileCount, "the package has %d files: it may have %d", len(files), limits.Files)
	}
	var total int64
	for _, f := range files {
		if f.Size > limits.TotalSize-total { // no sum that could overflow
			p.Fail("", RulePackageSize, "the files of the package have together over %d bytes, the most they may have", limits.TotalSize)
			return
		}
		total += max(f.Size, 0)
	}
}

// checkTogether finds paths that cannot stand beside each other.
func (p *Findings) checkTogether(files []File) {
	seen := make(map[string]string, len(files)) // by folded path
	paths := make(map[string]bool, len(files))
	dirs := make(map[string]bool)
	for _, f := range files {
		for dir := path.Dir(f.Path); !dirs[dir]; dir = path.Dir(dir) { // at last "." or "/", which no file may be called
			dirs[dir] = true
		}
		folded := fold(f.Path)
		other, ok := seen[folded]
		switch {
		case paths[f.Path]:
			p.Fail(f.Path, RulePathDuplicate, "the path is there twice")
		case ok:
			p.Fail(f.Path, RulePathCollision, "differs from %q by upper and lower case alone: where case does not count one would replace the other", Clip(other))
		default:
			seen[folded] = f.Path
		}
		paths[f.Path] = true
	}
	for _, file := range slices.Sorted(maps.Keys(paths)) {
		if dirs[file] {
			p.Fail(file, RulePathDuplicate, "is a file, and also a directory that holds files")
		}
	}
}

// fold gives strings that are equal under Unicode's simple case folding the
// same value, as strings.EqualFold compares them.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			// Two ASCII letters have a third form outside of ASCII.
			// That form is folded to them below, by being a larger rune.
			return r
		}
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		if least < utf8.RuneSelf { // K or S, the only letters of ASCII with a third form
			least += 'a' - 'A'
		}
		return least
	}, s)
}
