package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
)

// readBranch is a branch as a build read it.
type readBranch struct {
	Branch string `json:"branch"`
	// Ref is empty where the branch is a folder or was given as a commit.
	Ref    string `json:"ref,omitempty"`
	Commit string `json:"commit"`
	// Behind are other refs of the branch, which stand at what Commit comes from.
	Behind []string `json:"behind,omitempty"`
}

// referrer is a source whose branches are refs.
type referrer interface {
	// Known is what a branch was read from; false if it was not read.
	Known(branch string) (git.Ref, bool)
}

// branchesRead lists what a build read, each branch once.
func branchesRead(o build.Options) []readBranch {
	out := []readBranch{}
	src, ok := o.Source.(referrer)
	if !ok {
		return out
	}
	seen := map[string]bool{}
	for _, env := range o.Environments {
		for _, branch := range env.Branches {
			r, known := src.Known(branch)
			if !known || seen[branch] {
				continue
			}
			seen[branch] = true
			out = append(out, readBranch{Branch: branch, Ref: r.Name, Commit: r.Commit.String(), Behind: r.Behind})
		}
	}
	return out
}

func printRead(w io.Writer, read []readBranch) {
	for _, b := range read {
		fmt.Fprintf(w, "read %s", clean(b.Branch))
		if b.Ref != "" {
			fmt.Fprintf(w, " from %s", clean(b.Ref))
		}
		fmt.Fprintf(w, " at %.12s", b.Commit)
		if len(b.Behind) > 0 {
			fmt.Fprintf(w, ", which contains the older %s", clean(strings.Join(b.Behind, ", ")))
		}
		fmt.Fprintln(w)
	}
}
