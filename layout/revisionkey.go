package layout

import (
	"fmt"
	"strings"
)

// RevisionOfKey tells which revision a key belongs to and what it stands for,
// without saying which file: unlike ParsePackageKey it also knows the keys of
// files whose long names are abbreviated.
func RevisionOfKey(key string) (Revision, PackageObject, error) {
	if r, what, _, err := ParsePackageKey(key); err == nil {
		return r, what, nil
	}
	rest, ok := strings.CutPrefix(key, PackagesPrefix)
	part := strings.SplitN(rest, "/", 4)
	if !ok || len(part) != 4 || !ValidPackageName(part[0]) || !revisionID.MatchString(part[2]) || !strings.HasPrefix(part[3], "files/") {
		return Revision{}, 0, fmt.Errorf("%q is not a key of a package", key)
	}
	version, err := unescapePath(part[1])
	if err != nil {
		return Revision{}, 0, fmt.Errorf("%q is not a key of a package: %w", key, err)
	}
	return Revision{Name: part[0], Version: version, ID: part[2]}, FileObject, nil
}
