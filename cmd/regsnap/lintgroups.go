package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// findingGroup is what was found about one package.
type findingGroup struct {
	pkg              string // empty: about no package
	errors, warnings []finding
}

// groupFindings sorts findings into groups, those with errors last: there the eye is when
// the list has gone by.
func groupFindings(errors, warnings []finding) []findingGroup {
	at := map[string]int{}
	var groups []findingGroup
	group := func(f finding) *findingGroup {
		name := f.Package
		if name != "" && f.Version != "" {
			name += "-" + f.Version
		}
		i, known := at[name]
		if !known {
			i = len(groups)
			at[name] = i
			groups = append(groups, findingGroup{pkg: name})
		}
		return &groups[i]
	}
	for _, f := range errors {
		g := group(f)
		g.errors = append(g.errors, f)
	}
	for _, f := range warnings {
		g := group(f)
		g.warnings = append(g.warnings, f)
	}
	slices.SortStableFunc(groups, func(a, b findingGroup) int {
		return cmp.Or(cmp.Compare(min(len(a.errors), 1), min(len(b.errors), 1)), cmp.Compare(a.pkg, b.pkg))
	})
	return groups
}

// printGroups prints findings package by package, with whom to ping once for each.
func printGroups(w io.Writer, s screen, errors, warnings []finding) {
	shown, hidden := 0, 0
	for _, g := range groupFindings(errors, warnings) {
		if over := shown + len(g.warnings) - maxWarnings; over > 0 {
			over = min(over, len(g.warnings))
			hidden += over
			g.warnings = g.warnings[:len(g.warnings)-over]
		}
		shown += len(g.warnings)
		if len(g.errors)+len(g.warnings) == 0 {
			continue
		}
		indent := ""
		if g.pkg != "" {
			indent = "  "
			fmt.Fprintln(w, clean(g.pkg))
		}
		var ping []string
		one := func(level string, f finding) {
			fmt.Fprintf(w, "%s%s %s%s [%s]\n", indent, level, clean(f.at()), clean(f.Detail), f.Rule)
			if line := f.pingLine(); line != "" && !slices.Contains(ping, line) {
				ping = append(ping, line)
			}
		}
		for _, f := range g.warnings {
			one(s.paint(yellow, "warning:"), f)
		}
		for _, f := range g.errors {
			one(s.paint(red, "error:"), f)
		}
		for _, line := range ping {
			fmt.Fprintf(w, "%s%s\n", indent, clean(line))
		}
	}
	if hidden > 0 {
		fmt.Fprintf(w, "… and %d more warnings (--json lists all)\n", hidden)
	}
}

// at is the file and line of a finding, as editors and terminals take them.
func (f finding) at() string {
	if f.File == "" {
		return ""
	}
	if f.Line == 0 {
		return f.File + ": "
	}
	return f.File + ":" + strconv.Itoa(f.Line) + ": "
}
