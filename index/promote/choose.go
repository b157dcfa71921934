package promote

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/internal/suggest"
)

// Choice says which versions are meant.
type Choice struct {
	// Packages are NAME-VERSION each, or NAME with Latest or AllNewer.
	Packages []string
	// Latest takes the newest version of each name, and no other.
	Latest bool
	// AllNewer takes every version that is newer than what the target shows, of
	// the names in Packages or else of all.
	AllNewer bool
}

// Validate checks a choice before anything is read.
func (c Choice) Validate() error {
	if len(c.Packages) == 0 && !c.AllNewer {
		return fmt.Errorf("which packages? Name them (nginx-1.2.3; or nginx with --latest), or give --all-newer")
	}
	for _, p := range c.Packages {
		name, v, versioned := strings.Cut(p, "-")
		_, err := semver.StrictNewVersion(v)
		switch broad := c.Latest || c.AllNewer; {
		case !git.ValidName(name), versioned && err != nil:
			return fmt.Errorf("%q is not a package: want NAME-VERSION such as nginx-1.2.3", p)
		case versioned && broad:
			return fmt.Errorf("%s is one version: with --latest and --all-newer name packages without it", p)
		case !versioned && !broad:
			return fmt.Errorf("which version of %s? Want NAME-VERSION such as %s-1.2.3, or --latest", p, p)
		}
	}
	return nil
}

// of picks the entries of a branch. shown are the entries that users of the
// target have now.
func (c Choice) of(branch string, entries, shown []index.Entry) ([]index.Entry, error) {
	if !c.Latest && !c.AllNewer {
		return named(branch, entries, c.Packages)
	}
	have := newest(shown)
	var out []index.Entry
	for _, e := range entries {
		if len(c.Packages) > 0 && !slices.Contains(c.Packages, e.Name) {
			continue
		}
		if old, there := have[e.Name]; c.AllNewer && there && !newer(e, old) {
			continue
		}
		out = append(out, e)
	}
	if c.Latest {
		latest := newest(out)
		out = slices.DeleteFunc(out, func(e index.Entry) bool { return latest[e.Name] != e })
	}
	for _, name := range c.Packages {
		if !slices.ContainsFunc(out, func(e index.Entry) bool { return e.Name == name }) {
			if held := namesOf(entries); !slices.Contains(held, name) {
				return nil, fmt.Errorf("%w: %s holds no package %s%s", ErrNotThere, branch, name, suggest.DidYouMean(name, held))
			}
			return nil, fmt.Errorf("%w: %s holds no version of %s that is newer than what there is", ErrNotThere, branch, name)
		}
	}
	return out, nil
}

func namesOf(entries []index.Entry) []string {
	var out []string
	for _, e := range entries {
		out = append(out, e.Name)
	}
	return out
}

// named finds entries by NAME-VERSION, in the order of the branch.
func named(branch string, entries []index.Entry, packages []string) ([]index.Entry, error) {
	var out []index.Entry
	found := map[string]bool{}
	for _, e := range entries {
		if id := e.Name + "-" + e.Version; slices.Contains(packages, id) {
			out, found[id] = append(out, e), true
		}
	}
	var missing []string
	for _, p := range packages {
		if !found[p] {
			missing = append(missing, p)
		}
	}
	if len(missing) > 0 {
		var known []string
		for _, e := range entries {
			known = append(known, e.Name+"-"+e.Version)
		}
		return nil, fmt.Errorf("%w: %s does not hold %s%s", ErrNotThere, branch, strings.Join(missing, ", "), suggest.DidYouMean(missing[0], known))
	}
	return out, nil
}

// newest is the highest version of each name.
func newest(entries []index.Entry) map[string]index.Entry {
	out := map[string]index.Entry{}
	for _, e := range entries {
		if old, there := out[e.Name]; !there || newer(e, old) {
			out[e.Name] = e
		}
	}
	return out
}

// newer compares the versions of two entries; those of a Branch always parse.
func newer(a, b index.Entry) bool {
	x, errX := semver.StrictNewVersion(a.Version)
	y, errY := semver.StrictNewVersion(b.Version)
	return errX == nil && errY == nil && x.GreaterThan(y)
}

// olderThan are the entries of the same names with lower versions than the
// highest of those given, and that are not given themselves.
func olderThan(entries, given []index.Entry) []index.Entry {
	highest := newest(given)
	var out []index.Entry
	for _, e := range entries {
		if h, named := highest[e.Name]; named && newer(h, e) && !slices.ContainsFunc(given, func(g index.Entry) bool { return g.Name == e.Name && g.Version == e.Version }) {
			out = append(out, e)
		}
	}
	return out
}
