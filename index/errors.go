package index

import "errors"

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoBranch: the source has no branch of that name.
	ErrNoBranch = errors.New("no such branch")
	// ErrEmptyBranch: the branch holds no packages/ directory, or nothing in it.
	ErrEmptyBranch = errors.New("branch holds no packages")
	// ErrNoObject: the git object store lacks an object that a tree names.
	ErrNoObject = errors.New("git object is missing")
)
