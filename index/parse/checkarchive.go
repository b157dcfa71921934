package parse

import "github.com/regsnap/regsnap/index"

// IsArchive reports whether bytes can be the archive of a package version: whether it is
// packed as an archive must be, and holds the manifest of that version. The package
// itself is not looked at.
func IsArchive(name, version string, content []byte, limits index.Limits) bool {
	a, _ := openArchive(name, version, content, limits)
	if a == nil {
		return false
	}
	manifest, err := a.Read(manifestName)
	if err != nil {
		return false
	}
	n, v := Identity(manifest)
	return n == name && v == version
}
