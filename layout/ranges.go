package layout

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Ranges is a version constraint as an edge can test it: the versions that it
// accepts, as half-open intervals. A released version is looked up in Release,
// one with a pre-release part in Pre, because Masterminds/semver answers them
// differently: a constraint that names no pre-release accepts none, even where
// it lies between two versions that it accepts.
type Ranges struct {
	Release []Interval `json:"release,omitempty"`
	Pre     []Interval `json:"pre,omitempty"`
}

// Interval holds the versions v with From <= v < To in the order of Semantic
// Versioning 2.0.0, section 11. An empty To is infinity.
type Interval struct {
	From string `json:"from"`
	To   string `json:"to,omitempty"`
}

// versionInConstraint finds the versions that a constraint names, with "x", "X"
// and "*" wildcards.
var versionInConstraint = regexp.MustCompile(`([0-9]+|[xX*])(\.([0-9]+|[xX*]))?(\.([0-9]+|[xX*]))?(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?`)

// dirtyNotEqual finds the one form that no finite set of intervals expresses:
// "!= 8.5.x-rc1" rejects one pre-release of every patch.
var dirtyNotEqual = regexp.MustCompile(`!=\s*v?[0-9]+(\.([0-9]+|[xX*]))?(\.[xX*])?-`)

// RangesOf gives the intervals of a constraint in the language of
// Masterminds/semver v3, for instance "^7.16.0 || ^8.0.0".
//
// The constraint is asked itself: between two neighbours of the versions that
// it names its answer cannot change, so asking at each of them is enough.
func RangesOf(constraint string) (Ranges, error) {
	c, err := semver.NewConstraint(constraint)
	if err != nil {
		return Ranges{}, err
	}
	if strings.ContainsAny(dirtyNotEqual.FindString(constraint), "xX*") {
		return Ranges{}, fmt.Errorf("%q excludes a pre-release of every patch, which cannot be written as intervals", constraint)
	}
	releases := []*semver.Version{semver.New(0, 0, 0, "", "")}
	pres := []*semver.Version{semver.New(0, 0, 0, "0", "")}
	for _, m := range versionInConstraint.FindAllStringSubmatch(constraint, -1) {
		v, err := semver.NewVersion(number(m[1]) + "." + number(m[3]) + "." + number(m[5]) + m[6])
		if err != nil {
			return Ranges{}, fmt.Errorf("constraint %q: version %q: %w", constraint, m[0], err)
		}
		for _, near := range [][3]uint64{
			{v.Major(), v.Minor(), v.Patch()}, {v.Major(), v.Minor(), v.Patch() + 1},
			{v.Major(), v.Minor() + 1, 0}, {v.Major() + 1, 0, 0},
		} {
			releases = append(releases, semver.New(near[0], near[1], near[2], "", ""))
			pres = append(pres, semver.New(near[0], near[1], near[2], "0", ""))
		}
		if pre := v.Prerelease(); pre != "" {
			// ".0" makes the next higher version: nothing lies between.
			pres = append(pres, semver.New(v.Major(), v.Minor(), v.Patch(), pre, ""),
				semver.New(v.Major(), v.Minor(), v.Patch(), pre+".0", ""))
		}
	}
	return Ranges{Release: intervals(c, releases), Pre: intervals(c, pres)}, nil
}

// number reads a part of a version in a constraint; a wildcard, like a part
// that is not there, counts as 0.
func number(s string) string {
	if s == "" || strings.ContainsAny(s, "xX*") {
		return "0"
	}
	return s
}

func intervals(c *semver.Constraints, at []*semver.Version) []Interval {
	slices.SortFunc(at, (*semver.Version).Compare)
	var out []Interval
	open := false
	for _, v := range at {
		switch accepts := c.Check(v); {
		case accepts && !open:
			out = append(out, Interval{From: v.String()})
			open = true
		case !accepts && open:
			out[len(out)-1].To = v.String()
			open = false
		}
	}
	return out
}

// RangeTest is Ranges made ready for looking versions up.
type RangeTest struct{ release, pre []bounds }

type bounds struct{ from, to *semver.Version }

func NewRangeTest(r Ranges) (RangeTest, error) {
	release, err := newBounds(r.Release)
	if err != nil {
		return RangeTest{}, err
	}
	pre, err := newBounds(r.Pre)
	return RangeTest{release: release, pre: pre}, err
}

func newBounds(in []Interval) ([]bounds, error) {
	out := make([]bounds, len(in))
	for i, iv := range in {
		from, err := semver.StrictNewVersion(iv.From)
		if err != nil {
			return nil, fmt.Errorf("interval from %q: %w", iv.From, err)
		}
		out[i].from = from
		if iv.To == "" {
			continue
		}
		if out[i].to, err = semver.StrictNewVersion(iv.To); err != nil {
			return nil, fmt.Errorf("interval to %q: %w", iv.To, err)
		}
		if from.Compare(out[i].to) >= 0 {
			return nil, fmt.Errorf("interval %s to %s is empty", iv.From, iv.To)
		}
	}
	return out, nil
}

func (t RangeTest) Accepts(v *semver.Version) bool {
	in := t.release
	if v.Prerelease() != "" {
		in = t.pre
	}
	for _, b := range in {
		if v.Compare(b.from) >= 0 && (b.to == nil || v.Compare(b.to) < 0) {
			return true
		}
	}
	return false
}

// Accepts reports whether the constraint that r stands for accepts v.
func (r Ranges) Accepts(v *semver.Version) (bool, error) {
	t, err := NewRangeTest(r)
	if err != nil {
		return false, err
	}
	return t.Accepts(v), nil
}

// String writes the accepted versions as people read them: "7.16.0 to before 9.0.0".
func (r Ranges) String() string {
	var parts []string
	for _, list := range [][]Interval{r.Release, r.Pre} {
		for _, iv := range list {
			if iv.To == "" {
				parts = append(parts, iv.From+" and later")
			} else {
				parts = append(parts, iv.From+" to before "+iv.To)
			}
		}
	}
	if len(parts) == 0 {
		return "no version"
	}
	return strings.Join(parts, " or ")
}
