package layout_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// someVersions are on both sides of every border of the constraints below.
var someVersions = []string{
	"0.0.0", "0.9.0", "1.0.0", "7.9.9", "7.10.0", "7.13.9", "7.14.0", "7.15.9", "7.16.0-SNAPSHOT", "7.16.0", "7.17.99",
	"8.0.0-SNAPSHOT", "8.0.0", "8.1.9", "8.2.0", "8.2.1", "8.3.0", "8.3.0-rc1", "8.3.1", "8.4.0", "8.4.9", "8.5.0-0", "8.5.0-alpha1", "8.5.0-SNAPSHOT",
	"8.5.0-SNAPSHOT.1", "8.5.0-beta1", "8.5.0", "8.5.9", "8.6.0-SNAPSHOT", "8.6.0", "8.99.99", "9.0.0-SNAPSHOT", "9.0.0", "10.0.0", "9999999.0.0",
}

// TestRanges holds the intervals of constraints that packages have, and of a
// few that are hard, to what the constraint itself says.
func TestRanges(t *testing.T) {
	for _, c := range []string{
		"^7.16.0 || ^8.0.0", ">=7.10", "~8.4.0", "8.5.x", ">=8.5.0-SNAPSHOT", "!=8.3.0", "7.14.0 - 8.2.0",
		"^7.14.1 || ^8.0.0", "~7.x.x || ~8.x.x", "~7.17.0 || >=8.1.0", "^8.5.0-SNAPSHOT", "*", ">=7.10, <8.3", ">= 7.10 < 8.3", "=8.5.0",
		"8", "8.5", "x", "^0.9", "~0", "^0.0.0", ">8.3.0", "<=8.3", "<8.5.0-SNAPSHOT", "!=8.x", "!=8.5.0-SNAPSHOT", "=>8.1", "=<8.1", "~>8.2", "8.5.0-SNAPSHOT",
		"v8.1", "^v7.16.0", ">=8.5.0-alpha1 <8.6.0", "7.14.0 - 8.5.0-beta1", ">=9 || <7.10", "<1 || >8.4.0 !=8.5.0", ">=8.5.0+build",
	} {
		constraint, err := semver.NewConstraint(c)
		if err != nil {
			t.Errorf("%q: %v", c, err)
			continue
		}
		ranges, err := layout.RangesOf(c)
		if err != nil {
			t.Errorf("%q: %v", c, err)
			continue
		}
		for _, text := range someVersions {
			v := semver.MustParse(text)
			got, err := ranges.Accepts(v)
			if want := constraint.Check(v); err != nil || got != want {
				t.Errorf("%q accepts %s: %t, want %t (%v): %+v", c, text, got, want, err, ranges)
			}
		}
	}
}

// TestRangesByHand does not take the library's word for it.
func TestRangesByHand(t *testing.T) {
	for _, c := range []struct{ constraint, version string }{
		{"^7.16.0 || ^8.0.0", "7.16.0"}, {"^7.16.0 || ^8.0.0", "8.99.99"}, {"^7.16.0 || ^8.0.0", "-7.15.9"}, {"^7.16.0 || ^8.0.0", "-9.0.0"},
		{"^7.16.0 || ^8.0.0", "-8.6.0-SNAPSHOT"}, {">=8.5.0-SNAPSHOT", "8.5.0-SNAPSHOT"}, {">=8.5.0-SNAPSHOT", "-8.5.0-RC1"}, {">=8.5.0-SNAPSHOT", "8.5.0-alpha"},
		{"~8.4.0", "8.4.9"}, {"~8.4.0", "-8.5.0"}, {"8.5.x", "8.5.7"}, {"!=8.3.0", "8.3.1"}, {"!=8.3.0", "-8.3.0"}, {"7.14.0 - 8.2.0", "8.2.0"}, {"7.14.0 - 8.2.0", "-8.2.1"},
	} {
		ranges, err := layout.RangesOf(c.constraint)
		if err != nil {
			t.Fatal(err)
		}
		text, want := c.version, true
		if text[0] == '-' {
			text, want = text[1:], false
		}
		if got, err := ranges.Accepts(semver.MustParse(text)); err != nil || got != want {
			t.Errorf("%q accepts %s: %t, %v", c.constraint, text, got, err)
		}
	}
	if _, err := layout.RangesOf("not a constraint"); err == nil {
		t.Error("nonsense is a constraint")
	}
	if _, err := layout.RangesOf("!=8.x.x-rc1"); err == nil {
		t.Error("what intervals cannot say is said")
	}
	for _, r := range []layout.Ranges{
		{Release: []layout.Interval{{From: "x"}}}, {Release: []layout.Interval{{From: "1.0.0", To: "y"}}}, {Pre: []layout.Interval{{From: "2.0.0", To: "1.0.0"}}}, {Pre: []layout.Interval{{From: "1.0.0", To: "1.0.0"}}},
	} {
		if _, err := r.Accepts(semver.MustParse("1.0.0")); err == nil {
			t.Errorf("%+v is no error", r)
		}
	}
}

// TestRandomRanges tries constraints of every form that the language has.
func TestRandomRanges(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	number := func() string { return pick("0", "1", "2", "3", "8", "9") }
	pre := func() string { return pick("", "", "", "-0", "-1", "-a", "-a.1", "-rc1", "-SNAPSHOT", "-rc1.0") }
	version := func() string { return number() + "." + number() + "." + number() + pre() }
	pattern := func() string {
		switch random.IntN(6) {
		case 0:
			return number()
		case 1:
			return number() + "." + number()
		case 2:
			return number() + "." + pick("x", "X", "*")
		case 3:
			return number() + "." + number() + ".x"
		}
		return pick("", "v") + version()
	}
	tried, refused := 0, 0
	for range 3_000 {
		var alternatives []string
		for range 1 + random.IntN(3) {
			if random.IntN(6) == 0 {
				alternatives = append(alternatives, pattern()+" - "+pattern())
				continue
			}
			var all []string
			for range 1 + random.IntN(3) {
				all = append(all, pick("", "=", "!=", ">", "<", ">=", "<=", "=>", "=<", "~", "~>", "^")+pick("", " ")+pattern())
			}
			alternatives = append(alternatives, strings.Join(all, pick(" ", ", ", ",")))
		}
		text := strings.Join(alternatives, pick("||", " || "))
		constraint, err := semver.NewConstraint(text)
		if err != nil {
			continue
		}
		ranges, err := layout.RangesOf(text)
		if err != nil {
			refused++
			continue
		}
		tried++
		for range 8 {
			v := semver.MustParse(version())
			if got, err := ranges.Accepts(v); err != nil || got != constraint.Check(v) {
				t.Fatalf("%q accepts %s: %t, %v; want %t: %+v", text, v, got, err, constraint.Check(v), ranges)
			}
		}
	}
	if tried < 2_500 || refused > tried/20 {
		t.Errorf("%d constraints tried, %d refused", tried, refused)
	}
	t.Logf("%d constraints tried, %d refused", tried, refused)
}
