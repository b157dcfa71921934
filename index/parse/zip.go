package parse

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

const (
	// ratioFloor is the length from which Limits.Ratio counts, in bytes: a
	// short file that compresses well is no bomb.
	ratioFloor = 1 << 20
	// minHeaders is how many entries any archive may seem to have before it
	// is parsed.
	minHeaders = 10_000
	// flagEncrypted is bit 0 of an entry's general purpose flags (APPNOTE 4.4.4).
	flagEncrypted = 0x1
)

// archiveTree is the content of an archive, inflated.
type archiveTree struct {
	files    []index.File
	contents map[string][]byte
}

func (t *archiveTree) Files() []index.File { return t.files }

func (t *archiveTree) Read(path string) ([]byte, error) {
	content, ok := t.contents[path]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return content, nil
}

// OpenArchive reads a ready-made archive of a package (a zip file, PKWARE's
// APPNOTE.TXT 6.3) whose entries are all in one directory {name}-{version}/.
// Files have the ids that git would give them. The archive is hostile input:
// what its headers state is checked against what is there, and limits hold
// while it is inflated. The Tree is nil if there are Problems, whose File is
// relative to the package, and empty where they are about the whole archive.
func OpenArchive(name, version string, content []byte, limits index.Limits) (index.Tree, []index.Problem) {
	a := &archive{root: name + "-" + version, content: content, limits: limits.WithDefaults()}
	a.open()
	if problems := a.found.List(); len(problems) > 0 {
		return nil, problems
	}
	return &a.tree, nil
}

// archive is an archive that is being read.
type archive struct {
	root    string
	content []byte
	limits  index.Limits
	found   index.Findings
	tree    archiveTree
}

// open runs the checks in an order in which each makes the next safe: nothing
// is inflated before all headers were found good.
func (a *archive) open() {
	entries := a.headers()
	if len(a.found.Problems) > 0 {
		return
	}
	a.checkOverlap(entries)
	var files []*zip.File
	for _, e := range entries {
		if a.checkEntry(e) {
			files = append(files, e)
		}
	}
	a.found.Problems = append(a.found.Problems, index.CheckFiles(a.tree.files, a.limits)...)
	if len(a.found.Problems) > 0 {
		return
	}
	a.tree.contents = make(map[string][]byte, len(files))
	for i, e := range files {
		if !a.inflate(e, &a.tree.files[i]) {
			return
		}
	}
	slices.SortFunc(a.tree.files, func(x, y index.File) int { return git.ComparePaths(x.Path, y.Path) })
}

// headers parses the central directory.
func (a *archive) headers() []*zip.File {
	if size := int64(len(a.content)); size > a.limits.ArchiveSize {
		a.found.Add("", index.RuleFileSize, "the archive has %d bytes: it may have %d", size, a.limits.ArchiveSize)
		return nil
	}
	// What the end of the archive states about the number of entries can
	// be a lie; the signature of their headers (APPNOTE 4.3.12) cannot. As
	// it may also be part of a content, all numbers that could be honest pass.
	most := max(4*a.limits.Files, minHeaders)
	if n := bytes.Count(a.content, []byte("PK\x01\x02")); n > most {
		a.found.Add("", index.RuleFileCount, "the archive has %d entry headers: it may have %d files", n, a.limits.Files)
		return nil
	}
	r, err := zip.NewReader(bytes.NewReader(a.content), int64(len(a.content)))
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // paths are checked below
		a.found.Add("", index.RuleArchiveFormat, "cannot be read as a zip file: %v", err)
		return nil
	}
	if len(r.File) == 0 {
		a.found.Add("", index.RuleArchiveFormat, "the archive is empty")
	}
	if len(r.File) > 2*a.limits.Files { // as many directories again
		a.found.Add("", index.RuleFileCount, "the archive has %d entries: it may have %d files", len(r.File), a.limits.Files)
		return nil
	}
	return r.File
}

// checkOverlap finds entries whose compressed data share bytes, or leave the
// archive: so one kernel of data is inflated for many entries.
func (a *archive) checkOverlap(entries []*zip.File) {
	type span struct {
		from, to int64
		name     string
	}
	spans := make([]span, 0, len(entries))
	for _, e := range entries {
		from, err := e.DataOffset()
		size := int64(len(a.content))
		switch {
		case err != nil:
			a.found.Add(a.relative(e.Name), index.RuleArchiveFormat, "its local header cannot be read: %v", err)
			return
		case from < 0 || from > size || e.CompressedSize64 > uint64(size-from):
			a.found.Add(a.relative(e.Name), index.RuleArchiveFormat, "its data would lie outside of the archive")
			return
		case e.CompressedSize64 > 0:
			spans = append(spans, span{from, from + int64(e.CompressedSize64), e.Name})
		}
	}
	slices.SortFunc(spans, func(x, y span) int {
		return cmp.Or(cmp.Compare(x.from, y.from), cmp.Compare(x.to, y.to))
	})
	for i := 1; i < len(spans); i++ {
		if spans[i].from < spans[i-1].to {
			a.found.Add(a.relative(spans[i].name), index.RuleArchiveOverlap, "its data is also part of that of %q: build the archive anew", index.Clip(a.relative(spans[i-1].name)))
			return
		}
	}
}

// relative is the path of an entry in the package, or all of it when it is not
// in the archive's root.
func (a *archive) relative(name string) string {
	return strings.TrimPrefix(name, a.root+"/")
}

// checkEntry finds what is wrong with an entry's header. A file is added to the
// tree, with the size that the header states.
func (a *archive) checkEntry(e *zip.File) (isFile bool) {
	rest, inRoot := strings.CutPrefix(e.Name, a.root+"/")
	if !inRoot {
		a.found.Add(e.Name, index.RuleArchiveRoot, "is not in the directory %s/, which must hold all of the package", a.root)
		return false
	}
	switch {
	case e.Flags&flagEncrypted != 0:
		a.found.Add(rest, index.RuleArchiveFormat, "is encrypted")
	case e.Method != zip.Store && e.Method != zip.Deflate:
		a.found.Add(rest, index.RuleArchiveFormat, "is compressed by method %d: use deflate", e.Method)
	case e.Method == zip.Store && e.CompressedSize64 != e.UncompressedSize64:
		a.found.Add(rest, index.RuleArchiveFormat, "is stored with %d bytes, but its header states a length of %d", e.CompressedSize64, e.UncompressedSize64)
	}
	if dir, ok := strings.CutSuffix(e.Name, "/"); ok {
		a.checkDirectory(e, strings.TrimPrefix(strings.TrimPrefix(dir, a.root), "/"))
		return false
	}
	// A length that no int64 holds becomes one that no limit allows.
	f := index.File{Path: rest, Mode: archiveMode(e.Mode()), Size: int64(min(e.UncompressedSize64, 1<<62))}
	a.tree.files = append(a.tree.files, f)
	return true
}

// checkDirectory finds what is wrong with the entry of a directory. Those that
// say nothing but that it exists make no file.
func (a *archive) checkDirectory(e *zip.File, dir string) {
	if dir != "" {
		a.found.CheckPath(dir)
	}
	if !e.Mode().IsDir() {
		a.found.Add(dir, index.RuleIrregularFile, "has a name that ends in a slash, but is not a directory")
	}
	if e.UncompressedSize64 != 0 {
		a.found.Add(dir, index.RuleArchiveFormat, "is a directory with %d bytes of content", e.UncompressedSize64)
	}
}

func archiveMode(mode fs.FileMode) index.Mode {
	switch {
	case mode&fs.ModeSymlink != 0:
		return index.Symlink
	case !mode.IsRegular():
		return index.Irregular
	case mode&0o100 != 0:
		return index.Executable
	default:
		return index.Regular
	}
}

// inflate reads the content of an entry into the tree.
func (a *archive) inflate(e *zip.File, f *index.File) bool {
	content, err := a.readEntry(e)
	if err != nil {
		rule := index.RuleArchiveFormat
		if errors.Is(err, errRatio) {
			rule = index.RuleArchiveRatio
		}
		a.found.Add(f.Path, rule, "%v", err)
		return false
	}
	f.Blob = git.ObjectID(git.BlobObject, content)
	a.tree.contents[f.Path] = content
	return true
}

var errRatio = errors.New("inflates to too many bytes")

// readEntry inflates an entry. archive/zip refuses to go beyond the length that
// the header states, which is within limits by now, and memory grows to it only
// as data comes.
func (a *archive) readEntry(e *zip.File) ([]byte, error) {
	r, err := e.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	defer r.Close()
	var buf bytes.Buffer
	buf.Grow(int(min(e.UncompressedSize64, ratioFloor)))
	for {
		_, err := io.CopyN(&buf, r, ratioFloor)
		have := int64(buf.Len())
		switch {
		case have >= ratioFloor && have/a.limits.Ratio > int64(e.CompressedSize64):
			return nil, fmt.Errorf("%w: over %d from each of its %d compressed ones", errRatio, a.limits.Ratio, e.CompressedSize64)
		case err == io.EOF:
			content := buf.Bytes()
			// archive/zip takes a checksum of zero to be none.
			if sum := crc32.ChecksumIEEE(content); sum != e.CRC32 {
				return nil, fmt.Errorf("has the checksum %08x, but its header states %08x", sum, e.CRC32)
			}
			return content[:have:have], nil
		case err != nil:
			return nil, fmt.Errorf("cannot be inflated to the %d bytes that its header states: %w", e.UncompressedSize64, err)
		}
	}
}
