package index

import (
	"path"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// CheckNames warns of names that can be served, but mean trouble where a package
// is unpacked or looked at: reserved on Windows, spelled in two ways of Unicode,
// or with characters that hide or turn what is read. Problem.File is relative to
// the package, like File.Path.
func CheckNames(files []File) (found Findings) {
	warn := func(name, detail string) {
		found.Warning(Problem{File: name, Rule: RulePathPortable, Detail: detail})
	}
	spelled := make(map[string]string, len(files)) // by the composed form
	checked := map[string]bool{}
	for _, f := range files {
		composed := norm.NFC.String(f.Path)
		if other, known := spelled[composed]; known && other != f.Path {
			warn(f.Path, "differs from another name only by how its letters are composed (NFC and NFD): some systems take them for one; rename one of them")
		}
		spelled[composed] = f.Path
		for name := f.Path; name != "." && !checked[name]; name = path.Dir(name) {
			checked[name] = true
			switch element := path.Base(name); {
			case strings.ContainsFunc(element, isInvisible):
				warn(name, "the name has an invisible character, which can show it as another: rename it")
			case strings.ContainsAny(element, `<>:"|?*`):
				warn(name, "the name has a character that Windows does not allow: rename it")
			case strings.HasSuffix(element, ".") || strings.HasSuffix(element, " "):
				warn(name, "the name ends in a dot or a space, which Windows drops: rename it")
			case isDevice(element):
				warn(name, "the name is that of a device on Windows: rename it")
			}
		}
	}
	return found
}

// isInvisible reports whether a character has no shape of its own: those that
// turn the direction of a text, join or part letters, or break lines (Unicode
// categories Cf, Zl, Zp).
func isInvisible(r rune) bool { return unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp) }

// isDevice reports whether Windows takes a name for a device, whatever its
// extension ("Naming Files, Paths, and Namespaces").
func isDevice(element string) bool {
	stem, _, _ := strings.Cut(strings.ToUpper(element), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$":
		return true
	}
	for _, port := range []string{"COM", "LPT"} {
		if number, ok := strings.CutPrefix(stem, port); ok && len([]rune(number)) == 1 && strings.Contains("0123456789¹²³", number) {
			return true
		}
	}
	return false
}
