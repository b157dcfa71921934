// Package git reads the branches of a package storage out of a git repository,
// from its objects and without a work tree, or out of folders.
//
// Start reading at git.go, which opens a repository, and at dir.go, which opens
// folders. entries.go decides which package versions a branch holds; object.go
// and catfile.go read objects, fetch.go fetches what a partial clone lacks, and
// history.go and compare.go answer what changed since when.
package git
