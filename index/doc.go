// Package index is the branches' side: what a branch of a package storage
// holds, and how the branches of an environment merge. It knows nothing of
// buckets.
//
// Start reading at source.go, the contract of a source of branches, which
// packages index/git and index/upstream fulfil; merge.go makes the package set of
// an environment; problem.go and rules.go say what can be wrong with a package.
// Package index/parse reads the packages themselves.
package index
