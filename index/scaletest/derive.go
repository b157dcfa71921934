package scaletest

import (
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// branches are those of a storage, the most important first.
var branches = []string{"production", "staging", "snapshot"}

// derive measures the package storage that a source holds.
func derive(ctx context.Context, source index.Source) (*Statistics, error) {
	s := &Statistics{Branches: map[string]int{}, Types: map[string]int{}, Categories: map[string]int{}}
	byName := map[string][]*parse.Loaded{}
	loader := &parse.Loader{Source: source, Parser: parse.NewParser()}
	total := 0
	for _, name := range branches {
		branch, err := source.Branch(ctx, name)
		if err != nil {
			return nil, err
		}
		var report index.Findings
		packages, err := loader.Load(ctx, branch.Entries, &report)
		if err != nil {
			return nil, err
		}
		if len(report.Errors) > 0 {
			return nil, fmt.Errorf("branch %s: %d errors, the first is %s", name, len(report.Errors), report.Errors[0])
		}
		s.Branches[name] = len(packages)
		total += len(packages)
		for _, p := range packages {
			byName[p.Package.Name] = append(byName[p.Package.Name], p)
		}
	}
	s.Names = len(byName)
	m := measure{Statistics: s}
	for _, versions := range byName {
		slices.SortFunc(versions, func(a, b *parse.Loaded) int { return a.Package.SemVer.Compare(b.Package.SemVer) })
		m.versions = append(m.versions, float64(len(versions))*float64(s.Names)/float64(total))
		m.pack(versions)
	}
	m.finish(total)
	return s, nil
}

// measure collects values until they are made quantiles and shares of.
type measure struct {
	*Statistics
	versions, steps, first, description, files, newFiles, fileSize []float64

	kept, moved, patch, late, alternatives, open, none, released, experimental int
}

// pack measures the versions of one package, the oldest first.
func (m *measure) pack(versions []*parse.Loaded) {
	var before *parse.Loaded
	oldest := -1
	for _, v := range versions {
		p := v.Package
		if p.SemVer.Major() > 0 && p.SemVer.Prerelease() == "" {
			m.released++
		}
		if p.Release == "experimental" {
			m.experimental++
		}
		m.description = append(m.description, float64(len(p.Description)))
		m.content(v, before)
		at := m.constraint(p.KibanaConstraint)
		switch {
		case before == nil:
		case before.Package.KibanaConstraint == p.KibanaConstraint:
			m.kept++
		default:
			m.moved++
			if at > oldest && oldest >= 0 {
				m.steps = append(m.steps, float64(at-oldest))
			}
		}
		if at >= 0 {
			if oldest < 0 {
				m.first = append(m.first, float64(at))
			}
			oldest = at
		}
		before = v
	}
	newest := before.Package
	m.Types[newest.Type]++
	for _, c := range newest.Categories {
		m.Categories[c]++
	}
	count(&m.CategorySets, len(newest.Categories))
	count(&m.Templates, len(newest.PolicyTemplates))
	count(&m.Streams, len(newest.DataStreams))
}

func count(histogram *[]int, value int) {
	for len(*histogram) <= value {
		*histogram = append(*histogram, 0)
	}
	(*histogram)[value]++
}

// content measures the files of a version.
func (m *measure) content(v, before *parse.Loaded) {
	had := map[index.ID]bool{}
	if before != nil {
		for _, f := range before.Files {
			had[f.Blob] = true
		}
	}
	fresh := 0
	for _, f := range v.Files {
		if !had[f.Blob] {
			fresh++
			m.fileSize = append(m.fileSize, float64(f.Size))
		}
	}
	m.files = append(m.files, float64(len(v.Files)))
	if before != nil {
		m.newFiles = append(m.newFiles, float64(fresh))
	}
}

// firstVersion finds the version with which a constraint begins.
var firstVersion = regexp.MustCompile(`^(\^|>=)\s*(\d+)\.(\d+)(?:\.(\d+))?`)

// constraint measures a constraint, and returns where it begins in the list of
// minor releases; -1 when it does not say.
func (m *measure) constraint(text string) int {
	if text == "" {
		m.none++
		return -1
	}
	parts := firstVersion.FindStringSubmatch(text)
	if parts == nil {
		return -1
	}
	if parts[1] == ">=" {
		m.open++
	}
	if parts[4] != "" && parts[4] != "0" {
		m.patch++
	}
	major, _ := strconv.Atoi(parts[2]) // the expression lets only digits pass
	minor, _ := strconv.Atoi(parts[3])
	at := slices.Index(releases, release{major, minor})
	if next := nextMajor(at); next >= 0 && next-at <= lateReleases {
		m.late++
		if strings.Contains(text, "||") {
			m.alternatives++
		}
	}
	return at
}

func (m *measure) finish(total int) {
	share := func(n, of int) float64 { return math.Round(float64(n)/float64(max(of, 1))*1000) / 1000 }
	m.Statistics.Versions = quantiles(m.versions)
	m.Kibana = Evolution{
		Kept: share(m.kept, m.kept+m.moved), Steps: quantiles(m.steps), First: quantiles(m.first), Patch: share(m.patch, total),
		Alternatives: share(m.alternatives, m.late), Open: share(m.open, total), None: share(m.none, total),
	}
	m.Released, m.Experimental = share(m.released, total), share(m.experimental, total)
	m.Description, m.Files, m.NewFiles, m.FileSize = quantiles(m.description), quantiles(m.files), quantiles(m.newFiles), quantiles(m.fileSize)
}

// quantiles are the deciles of values, rounded: the numbers are to describe a
// storage, not to be it.
func quantiles(values []float64) Quantiles {
	slices.Sort(values)
	q := make(Quantiles, 11)
	for i := range q {
		if len(values) > 0 {
			at := min(i*10, 99) * (len(values) - 1) / 100
			q[i] = math.Round(values[at]*100) / 100
		}
	}
	return q
}
