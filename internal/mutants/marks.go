package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// marksFile lists a package's mutants that change nothing that can be observed,
// a line each: the mutant's name, two spaces, "#", and the reason.
const marksFile = "testdata/mutants.txt"

// readMarks returns the reasons by the mutants' names.
func readMarks(dir string) (map[string]string, error) {
	content, err := os.ReadFile(filepath.Join(dir, marksFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	marks := map[string]string{}
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, reason, ok := cutLast(line, "  # ")
		if !ok || reason == "" {
			return nil, fmt.Errorf("%s: %q has no reason", marksFile, line)
		}
		marks[name] = reason
	}
	return marks, nil
}

func cutLast(text, sep string) (before, after string, found bool) {
	i := strings.LastIndex(text, sep)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(sep):], true
}

// judge sorts the mutants that were tried.
func judge(s *source, tried []mutant, passed, reached map[int]bool, marks map[string]string) result {
	r := result{path: s.path, made: len(tried)}
	exists := map[string]bool{}
	for _, m := range s.mutants {
		exists[m.name] = true
	}
	for _, m := range tried {
		_, marked := marks[m.name]
		switch where := fmt.Sprintf("%d: %s", m.line, m.name); {
		case marked && reached[m.id] && !passed[m.id]:
			r.noticed++
			r.stale = append(r.stale, m.name+" is noticed")
		case marked:
			r.equivalent++
		case !reached[m.id]:
			r.unreached = append(r.unreached, where)
		case passed[m.id]:
			r.survivors = append(r.survivors, where)
		default:
			r.noticed++
		}
	}
	for name := range marks {
		if !exists[name] {
			r.stale = append(r.stale, name+" is no longer there")
		}
	}
	slices.Sort(r.stale)
	r.survivors = append(r.survivors, r.unreached...)
	return r
}

// score is how many of the mutants that are not equivalent are noticed.
func (r result) score() string {
	different := r.made - r.equivalent
	if different == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(r.noticed)/float64(different))
}

func (r result) print(w io.Writer) {
	fmt.Fprintf(w, "%s: %d mutants, %d noticed, %d equivalent, %d survive\n", r.path, r.made, r.noticed, r.equivalent, len(r.survivors))
	for _, name := range r.survivors {
		reached := ""
		if slices.Contains(r.unreached, name) {
			reached = "  (no test comes by)"
		}
		fmt.Fprintf(w, "  survives: %s%s\n", name, reached)
	}
	for _, text := range r.stale {
		fmt.Fprintf(w, "  marked in vain: %s\n", text)
	}
}

// printTable prints what docs/testing.md has.
func printTable(w io.Writer, results []result) {
	fmt.Fprintf(w, "\n| package | mutants | noticed | equivalent | survive | score |\n| --- | --- | --- | --- | --- | --- |\n")
	all := result{path: "all"}
	for _, r := range results {
		all.made, all.noticed, all.equivalent = all.made+r.made, all.noticed+r.noticed, all.equivalent+r.equivalent
		all.survivors = append(all.survivors, r.survivors...)
		r.row(w)
	}
	if len(results) > 1 {
		all.row(w)
	}
}

func (r result) row(w io.Writer) {
	fmt.Fprintf(w, "| `%s` | %d | %d | %d | %d | %s |\n", strings.TrimPrefix(r.path, "./"), r.made, r.noticed, r.equivalent, len(r.survivors), r.score())
}
