package git

import (
	"bytes"
	"cmp"
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regsnap/regsnap/index"
)

// ErrBadObject: a git object is not what its place says, or cannot be parsed.
var ErrBadObject = errors.New("git object is malformed")

// objectType is the type of a git object as git spells it.
type objectType string

const (
	BlobObject   objectType = "blob"
	treeObject   objectType = "tree"
	commitObject objectType = "commit"
	tagObject    objectType = "tag"
)

// The file types of the mode of a tree entry, and the mask that selects them
// (gitformat-index(5), "mode"; a tree knows directories too).
const (
	modeMask    = 0o170000
	modeTree    = 0o040000
	modeFile    = 0o100000
	modeSymlink = 0o120000
	modeGitlink = 0o160000
	modeExec    = 0o000100
)

// treeEntry is one name in a directory.
type treeEntry struct {
	name string
	mode uint32 // as in a git tree
	id   index.ID
}

func (e treeEntry) isTree() bool { return e.mode&modeMask == modeTree }

// kind is the Mode of an entry that is not a tree. Like git, it looks at
// nothing but the owner's execute bit of a file's permissions.
func (e treeEntry) kind() index.Mode {
	switch e.mode & modeMask {
	case modeFile:
		if e.mode&modeExec != 0 {
			return index.Executable
		}
		return index.Regular
	case modeSymlink:
		return index.Symlink
	case modeGitlink:
		return index.Submodule
	default:
		return index.Irregular
	}
}

// parseTree reads a tree object: for each entry the mode in octal, a space, the
// name, a NUL byte, and the 20 bytes of the id (git's
// Documentation/gitformat-pack and tree.c; no document of git spells it out).
// Hostile names are kept, for CheckFiles to report; but one with a slash cannot
// be told from a path, and is ErrBadObject like all that does not parse. The
// entries are returned in the order of their names' bytes, which is that of a
// lexical walk; git's own order takes directories to end in a slash.
func parseTree(content []byte) ([]treeEntry, error) {
	var entries []treeEntry
	text := string(content) // the names share one copy
	for at := 0; at < len(text); {
		space := strings.IndexByte(text[at:], ' ')
		if space < 0 {
			return nil, fmt.Errorf("%w: the tree is cut off in a mode at byte %d", ErrBadObject, at)
		}
		mode, err := strconv.ParseUint(text[at:at+space], 8, 32)
		if err != nil {
			return nil, fmt.Errorf("%w: the tree has mode %.20q at byte %d", ErrBadObject, text[at:at+space], at)
		}
		nameAt := at + space + 1
		nul := strings.IndexByte(text[nameAt:], 0)
		end := nameAt + nul + 1 + len(index.ID{})
		if nul < 0 || end > len(text) {
			return nil, fmt.Errorf("%w: the tree is cut off in the entry at byte %d", ErrBadObject, at)
		}
		e := treeEntry{name: text[nameAt : nameAt+nul], mode: uint32(mode)}
		if strings.Contains(e.name, "/") {
			return nil, fmt.Errorf("%w: the tree has a name with a slash, %q", ErrBadObject, e.name)
		}
		copy(e.id[:], text[nameAt+nul+1:end])
		entries = append(entries, e)
		at = end
	}
	slices.SortStableFunc(entries, func(a, b treeEntry) int { return cmp.Compare(a.name, b.name) })
	// A file that is there twice, CheckFiles reports; of two directories a walk
	// would make one.
	for i := range entries[min(1, len(entries)):] {
		if a, b := entries[i], entries[i+1]; a.name == b.name && a.isTree() && b.isTree() {
			return nil, fmt.Errorf("%w: the tree has the directory %q twice", ErrBadObject, a.name)
		}
	}
	return entries, nil
}

// formatTree writes the tree object that git would: sorted as if the names of
// directories ended in a slash, modes without leading zeros. It sorts entries.
func formatTree(entries []treeEntry) []byte {
	slices.SortFunc(entries, func(a, b treeEntry) int { return strings.Compare(a.sortKey(), b.sortKey()) })
	var b []byte
	for _, e := range entries {
		b = strconv.AppendUint(b, uint64(e.mode), 8)
		b = append(b, ' ')
		b = append(b, e.name...)
		b = append(b, 0)
		b = append(b, e.id[:]...)
	}
	return b
}

func (e treeEntry) sortKey() string {
	if e.isTree() {
		return e.name + "/"
	}
	return e.name
}

// newObjectHash begins the hash that names an object of that length in bytes:
// it covers the type and length as text, a NUL byte, then the content.
func newObjectHash(t objectType, size int64) hash.Hash {
	h := sha1.New() // git's object names; nothing is signed or secured by it here
	fmt.Fprintf(h, "%s %d\x00", t, size)
	return h
}

// NewBlobHash begins the hash whose sum is the id of a blob of that length.
func NewBlobHash(size int64) hash.Hash { return newObjectHash(BlobObject, size) }

// ObjectID is the id that git gives a content.
func ObjectID(t objectType, content []byte) index.ID {
	h := newObjectHash(t, int64(len(content)))
	h.Write(content)
	return index.ID(h.Sum(nil))
}

// parseCommit reads a commit object: header lines "key value", a line that
// begins with a space going on with the one before, an empty line, the message.
func parseCommit(id index.ID, content []byte) (commit *index.Commit, tree index.ID, err error) {
	header, message, _ := strings.Cut(strings.ToValidUTF8(string(content), "\uFFFD"), "\n\n")
	commit = &index.Commit{ID: id, Hash: id.String(), Subject: subject(message)}
	var haveTree, haveTime bool
	for line := range strings.SplitSeq(header, "\n") {
		key, value, _ := strings.Cut(line, " ")
		switch {
		case key == "tree" && !haveTree:
			if tree, err = index.ParseID(value); err != nil {
				return nil, index.ID{}, fmt.Errorf("%w: commit %s: its tree: %w", ErrBadObject, id, err)
			}
			haveTree = true
		case key == "author" && commit.Author == "":
			commit.Author, commit.Email, _, _ = parseSignature(value)
		case key == "committer" && !haveTime:
			_, _, commit.Time, haveTime = parseSignature(value)
		}
	}
	if !haveTree || !haveTime {
		return nil, index.ID{}, fmt.Errorf("%w: commit %s names no tree or no committer with a time", ErrBadObject, id)
	}
	return commit, tree, nil
}

// parseSignature reads "Name <email> seconds zone".
func parseSignature(s string) (name, email string, at time.Time, ok bool) {
	open, end := strings.IndexByte(s, '<'), strings.LastIndexByte(s, '>')
	if open < 0 || end < open {
		return strings.TrimSpace(s), "", time.Time{}, false
	}
	name, email = strings.TrimSpace(s[:open]), s[open+1:end]
	fields := strings.Fields(s[end+1:])
	if len(fields) == 0 {
		return name, email, time.Time{}, false
	}
	seconds, err := strconv.ParseInt(fields[0], 10, 64)
	if err != nil || seconds < 0 || seconds > maxTime {
		return name, email, time.Time{}, false
	}
	return name, email, time.Unix(seconds, 0).UTC(), true
}

// maxTime is the last second of the year 9999, the last that JSON can carry.
const maxTime = 253_402_300_799

// subject is the first paragraph of a commit's message on one line, as git's %s.
func subject(message string) string {
	message = strings.TrimLeft(message, "\n")
	paragraph, _, _ := strings.Cut(message, "\n\n")
	return strings.Join(strings.FieldsFunc(paragraph, func(r rune) bool { return r == '\n' || r == '\r' }), " ")
}

// parseTag reads which object an annotated tag names.
func parseTag(id index.ID, content []byte) (index.ID, error) {
	line, _, _ := bytes.Cut(content, []byte("\n"))
	object, ok := bytes.CutPrefix(line, []byte("object "))
	target, err := index.ParseID(string(object))
	if !ok || err != nil {
		return index.ID{}, fmt.Errorf("%w: tag %s names no object", ErrBadObject, id)
	}
	return target, nil
}
