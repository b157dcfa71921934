package index

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Rule names what a package must or should obey. The names are stable: reports
// for machines carry them and docs/rules.md explains each.
type Rule string

// Problem is one finding about one package: what is wrong, where, and whom to ask.
type Problem struct {
	Branch  string `json:"branch"`
	Package string `json:"package,omitempty"` // name
	Version string `json:"version,omitempty"`
	// File is the path in the branch ("packages/nginx/1.0.0/manifest.yml").
	File string `json:"file,omitempty"`
	// Line is counted from 1; 0 when the finding is about the whole file.
	Line int  `json:"line,omitempty"`
	Rule Rule `json:"rule"`
	// Detail says what is wrong, and what to do where that is not obvious.
	Detail string `json:"detail"`
	// Owner is owner.github of the manifest, when it could be read.
	Owner string `json:"owner,omitempty"`
	// Commit is the last one that touched the package, when the source knows.
	Commit *Commit `json:"last_change,omitempty"`
}

// String is the finding on one line, without the commit.
func (p Problem) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: ", p.Branch)
	switch {
	case p.Package != "" && p.Version != "":
		fmt.Fprintf(&b, "%s-%s: ", p.Package, p.Version)
	case p.Package != "":
		fmt.Fprintf(&b, "%s: ", p.Package)
	}
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	fmt.Fprintf(&b, "%s [%s]", p.Detail, p.Rule)
	return b.String()
}

// blameTime is how long a source may look for a commit. Git walks all of a tree
// that spells out millions of empty directories.
const blameTime = 5 * time.Second

// Blame adds to findings of a branch the commit that last touched path. Not to
// know it must not hide the findings.
func Blame(ctx context.Context, s Source, branch, path string, problems []Problem) {
	ctx, cancel := context.WithTimeout(ctx, blameTime)
	defer cancel()
	commit, err := s.LastChange(ctx, branch, path)
	if err != nil {
		return
	}
	for i := range problems {
		problems[i].Commit = commit
	}
}
