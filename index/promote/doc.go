// Package promote moves package versions between the branches of a package
// storage: from snapshot to staging, and by pull request to production. It makes
// commits with git's plumbing, so it needs no work tree and works in any clone.
//
// A promotion is all or nothing: of all packages that were asked for, and of all
// branches that it touches. It is refused when lint refuses what it does.
package promote

import "errors"

var (
	// ErrRefused: the rules of a branch forbid it; the report says why.
	ErrRefused = errors.New("the branch's rules forbid it")
	// ErrConflict: others changed the branches each time.
	ErrConflict = errors.New("the branches were changed meanwhile")
	// ErrNotThere: a package that was asked for is not in the branch.
	ErrNotThere = errors.New("no such package version")
	// ErrCheckedOut: a branch to be changed is checked out in a work tree.
	ErrCheckedOut = errors.New("the branch is checked out")
)
