package promote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/internal/suggest"
)

// Board is what is where.
type Board struct {
	// Branches in the order of precedence: production, staging, snapshot.
	Branches []string       `json:"branches"`
	Packages []BoardPackage `json:"packages"`
	// Waiting counts the versions that wait for promotion.
	Waiting int `json:"waiting"`
}

// BoardPackage is one package in all branches.
type BoardPackage struct {
	Name string `json:"package"`
	// Versions are those of each branch, the newest first.
	Versions map[string][]string `json:"versions"`
	// Waiting are newer than what all branches of higher precedence hold; the
	// newest first.
	Waiting []BoardWaiting `json:"waiting"`
	// Left are in a branch although one of higher precedence holds them.
	Left []BoardVersion `json:"left"`
}

// BoardVersion is a version in a branch.
type BoardVersion struct {
	Version string `json:"version"`
	Branch  string `json:"branch"`
}

// BoardWaiting is a version that waits for promotion.
type BoardWaiting struct {
	BoardVersion
	// Since is when it came to the branch.
	Since time.Time `json:"since"`
	// AtLeast: it was there when the history that the clone has begins.
	AtLeast bool `json:"at_least,omitempty"`
}

// NewBoard reads branches, given in the order of precedence. One that is not
// there or holds nothing is empty.
func NewBoard(ctx context.Context, s *git.GitSource, branches []string) (*Board, error) {
	b := &Board{Branches: branches, Packages: []BoardPackage{}}
	at := map[string]int{}
	came := map[string]map[nameVersion]BoardWaiting{}
	for _, name := range branches {
		read, err := s.Branch(ctx, name)
		if errors.Is(err, index.ErrNoBranch) || errors.Is(err, index.ErrEmptyBranch) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if came[name], err = arrivals(ctx, s, name); err != nil {
			return nil, fmt.Errorf("board: %w", err)
		}
		for _, e := range read.Entries {
			i, known := at[e.Name]
			if !known {
				i = len(b.Packages)
				at[e.Name] = i
				b.Packages = append(b.Packages, BoardPackage{Name: e.Name, Versions: map[string][]string{}, Waiting: []BoardWaiting{}, Left: []BoardVersion{}})
			}
			b.Packages[i].Versions[name] = append(b.Packages[i].Versions[name], e.Version)
		}
	}
	slices.SortFunc(b.Packages, func(x, y BoardPackage) int { return cmp.Compare(x.Name, y.Name) })
	for i := range b.Packages {
		b.Packages[i].compare(branches, came)
		b.Waiting += len(b.Packages[i].Waiting)
	}
	return b, nil
}

type nameVersion struct{ name, version string }

// arrivals says when each version came to a branch.
func arrivals(ctx context.Context, s *git.GitSource, branch string) (map[nameVersion]BoardWaiting, error) {
	out := map[nameVersion]BoardWaiting{}
	_, err := s.History(ctx, branch, func(step git.Step) error {
		for _, c := range step.Changes {
			if c.Added() {
				out[nameVersion{c.New.Name, c.New.Version}] = BoardWaiting{BoardVersion{c.New.Version, branch}, step.Commit.Time, step.Parents == 0}
			}
		}
		return nil
	})
	return out, err
}

// compare sorts the versions of a package and finds those that wait or are left.
func (p *BoardPackage) compare(branches []string, came map[string]map[nameVersion]BoardWaiting) {
	var newest *semver.Version // of the branches of higher precedence
	above := map[string]bool{}
	for i, branch := range branches {
		versions := p.Versions[branch]
		slices.SortFunc(versions, func(a, b string) int { return compareVersions(b, a) })
		for _, text := range versions {
			v, err := semver.StrictNewVersion(text)
			switch {
			case above[text]:
				p.Left = append(p.Left, BoardVersion{text, branch})
			case i > 0 && err == nil && (newest == nil || v.GreaterThan(newest)):
				p.Waiting = append(p.Waiting, came[branch][nameVersion{p.Name, text}])
			}
		}
		for _, text := range versions {
			above[text] = true
		}
		if len(versions) > 0 {
			if v, err := semver.StrictNewVersion(versions[0]); err == nil && (newest == nil || v.GreaterThan(newest)) {
				newest = v
			}
		}
	}
	slices.SortStableFunc(p.Waiting, func(a, b BoardWaiting) int { return compareVersions(b.Version, a.Version) })
}

func compareVersions(a, b string) int {
	x, errX := semver.StrictNewVersion(a)
	y, errY := semver.StrictNewVersion(b)
	if errX != nil || errY != nil {
		return cmp.Compare(a, b)
	}
	return cmp.Or(x.Compare(y), cmp.Compare(a, b))
}

// Filter keeps the named packages, and with waiting only those that have
// something to promote.
func (b *Board) Filter(names []string, waiting bool) error {
	for _, name := range names {
		if !slices.ContainsFunc(b.Packages, func(p BoardPackage) bool { return p.Name == name }) {
			var known []string
			for _, p := range b.Packages {
				known = append(known, p.Name)
			}
			return fmt.Errorf("%w: no branch holds %s%s", ErrNotThere, name, suggest.DidYouMean(name, known))
		}
	}
	b.Packages = slices.DeleteFunc(b.Packages, func(p BoardPackage) bool {
		return len(names) > 0 && !slices.Contains(names, p.Name) || waiting && len(p.Waiting) == 0
	})
	b.Waiting = 0
	for _, p := range b.Packages {
		b.Waiting += len(p.Waiting)
	}
	return nil
}
