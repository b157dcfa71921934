package index

import (
	"context"
	"time"
)

// A Source holds the branches of a package storage. The implementations read a
// git object store (GitSource) and work-tree folders (DirSource); for the same
// content they give the same Branch, and so the same snapshot.
//
// A Source is safe for concurrent use. Close ends the processes it started.
type Source interface {
	// Branch lists what a branch holds, without reading any file's content
	// beyond what listing needs. A branch that does not exist is
	// ErrNoBranch; one without packages is ErrEmptyBranch.
	Branch(ctx context.Context, name string) (*Branch, error)

	// List gives the files of an entry of a Branch, ordered as a lexical
	// walk of the tree meets them (names compared a path element at a time),
	// each with its size. What no package may hold (symlinks, submodules,
	// hostile names, ...) is listed too, for CheckFiles to report.
	List(ctx context.Context, e Entry) ([]File, error)

	// Read calls fn once for each id, in order, with its content. The
	// content is only valid during the call. An object that is not there is
	// ErrNoObject, naming the id. Reading is pipelined: fn should not block
	// for long. If fn returns an error, Read stops and returns it.
	Read(ctx context.Context, ids []ID, fn func(id ID, content []byte) error) error

	// Size is the length of a content in bytes, without reading it. One that is
	// not there is ErrNoObject.
	Size(ctx context.Context, id ID) (int64, error)
	// LastChange finds the newest commit of the branch that touched path
	// ("packages/nginx/1.0.0"), or nil when the source does not know.
	LastChange(ctx context.Context, branch, path string) (*Commit, error)

	Close() error
}

// A Prefetcher is a Source that may have to get contents from elsewhere, and
// does it faster for many entries at once.
type Prefetcher interface {
	Prefetch(ctx context.Context, entries []Entry) error
}

// Branch is the state of one branch of a package storage.
type Branch struct {
	Name string
	// Commit is the commit that was read; nil for a folder whose content is
	// not that of a commit.
	Commit *Commit
	// Entries are the package versions, sorted by name, then by version text.
	Entries []Entry
	// Found is what listing found. Errors: what stands where a package should be and is
	// not one, two packages in one place, ... Warnings tell what was passed over and why.
	Found Findings
}

// Entry is one package version as a branch holds it: a directory
// packages/<name>/<version>/, or a ready-made <name>-<version>.zip.
type Entry struct {
	Branch  string
	Name    string
	Version string
	// Path is where it is in the branch: "packages/nginx/1.0.0".
	Path string
	// Tree is the git tree id of the directory; zero for an archive.
	Tree ID
	// Archive is the blob id of the ready-made archive; zero for a directory.
	Archive ID
	// Signature is the blob id of the .sig beside the archive; zero if none.
	Signature ID
	// Revision is set where the source is a snapshot: what it calls this content.
	Revision string
}

// IsArchive reports whether the entry is a ready-made archive.
func (e Entry) IsArchive() bool { return !e.Archive.IsZero() }

// File is one file of a package.
type File struct {
	// Path is relative to the package's directory, with slashes.
	Path string
	Mode Mode
	// Size is the length of the content in bytes; -1 when the object is
	// missing from the source.
	Size int64
	// Blob identifies the content.
	Blob ID
}

// Mode is what kind of thing a File is, in git's terms.
type Mode uint8

const (
	Regular Mode = iota
	Executable
	Symlink
	Submodule
	Irregular // a device, socket or pipe, which only a folder can hold
)

// Commit says who changed what, when.
type Commit struct {
	ID ID `json:"-"`
	// Hash is ID as text.
	Hash    string    `json:"commit"`
	Author  string    `json:"author"`
	Email   string    `json:"-"`
	Time    time.Time `json:"time"` // committer time, UTC
	Subject string    `json:"subject"`
}
