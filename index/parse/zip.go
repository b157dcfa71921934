package parse

import (
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// ratioFloor is the length from which Limits.Ratio counts, in bytes: what is
// short and compresses well is no bomb.
const ratioFloor = 1 << 20

// Archive is the content of a ready-made archive that was found good. Nothing is
// kept inflated: Read inflates a file each time. It is valid as long as the
// bytes of the archive are.
type Archive struct {
	content []byte
	ratio   int64
	files   []index.File
	listed  []index.File // in the order of the central directory
	members map[string]*member
}

// Files are those of the package, as a lexical walk of its directory meets them.
func (t *Archive) Files() []index.File { return t.files }

func (t *Archive) Read(path string) ([]byte, error) {
	m, ok := t.members[path]
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return m.content(t.content, t.ratio)
}

// Span is where the archive holds a file of Files, in bytes, with the CRC-32 of
// the file, and whether what lies there is a deflate stream of it.
func (t *Archive) Span(path string) (offset, size int64, crc32 uint32, deflated bool) {
	m := t.members[path]
	return m.data, m.packed, m.crc, m.method == methodDeflate
}

// Bytes is the archive itself.
func (t *Archive) Bytes() []byte { return t.content }

// openArchive reads a ready-made archive of a package (a zip file, PKWARE's
// APPNOTE.TXT 6.3) whose entries are all in one directory {name}-{version}/.
// Files have the ids that git would give them. The archive is hostile input, and
// it is served as it is: so there must be one way to read it, and what its headers
// state must be so. All of it is inflated once, in pieces, within limits. The
// Archive is nil if there are errors, whose File is relative to the package, and
// empty where they are about the whole archive. content must not change.
func openArchive(name, version string, content []byte, limits index.Limits) (*Archive, index.Findings) {
	limits = limits.WithDefaults()
	a := &archive{root: name + "-" + version, limits: limits}
	a.tree = Archive{content: content, ratio: limits.Ratio, members: map[string]*member{}}
	a.open()
	if len(a.found.Errors) > 0 {
		return nil, a.found
	}
	return &a.tree, a.found
}

// archive is an archive that is being read.
type archive struct {
	root   string
	limits index.Limits
	found  index.Findings
	tree   Archive
	dirs   []string
}

// open runs the checks in an order in which each makes the next safe: nothing
// is inflated before all headers were found good.
func (a *archive) open() {
	content := a.tree.content
	if size := int64(len(content)); size > a.limits.ArchiveSize {
		a.found.Error(archiveTooLarge(size, a.limits))
		return
	}
	if isLFSPointer(int64(len(content)), content) {
		a.found.Fail("", index.RuleLFSPointer, "%s", lfsDetail)
		return
	}
	members, d := readMembers(content, 2*a.limits.Files) // as many directories again
	if d != nil {
		a.found.Fail(a.relative(d.entry), d.rule, "%s", d.detail)
		return
	}
	for i := range members {
		a.checkMember(&members[i])
	}
	a.found.Add(index.CheckFiles(a.tree.files, a.limits))
	a.checkDirectories()
	if a.checkRatio(members); len(a.found.Errors) > 0 {
		return
	}
	at := 0
	for i := range members {
		m := &members[i]
		if strings.HasSuffix(m.name, "/") {
			a.verify(m, nil)
		} else if a.verify(m, &a.tree.files[at]) {
			at++
		}
		if len(a.found.Errors) > 0 {
			return
		}
	}
	a.tree.listed = slices.Clone(a.tree.files)
	slices.SortFunc(a.tree.files, func(x, y index.File) int { return git.ComparePaths(x.Path, y.Path) })
}

// relative is the path of an entry in the package, or all of it when it is not
// in the archive's root.
func (a *archive) relative(name string) string {
	return strings.TrimPrefix(name, a.root+"/")
}

// checkMember finds what is wrong with an entry's place and kind. A file is
// added to the tree, with the size that the header states.
func (a *archive) checkMember(m *member) {
	rest, inRoot := strings.CutPrefix(m.name, a.root+"/")
	if !inRoot {
		a.found.Fail(m.name, index.RuleArchiveRoot, "is not in the directory %s/, which must hold all of the package", a.root)
		return
	}
	if dir, ok := strings.CutSuffix(m.name, "/"); ok {
		a.checkDirectory(m, strings.TrimPrefix(strings.TrimPrefix(dir, a.root), "/"))
		return
	}
	a.tree.members[rest] = m
	a.tree.files = append(a.tree.files, index.File{Path: rest, Mode: m.mode(), Size: m.size})
}

// checkDirectory finds what is wrong with the entry of a directory. Those that
// say nothing but that it exists make no file.
func (a *archive) checkDirectory(m *member, dir string) {
	if dir != "" {
		a.found.CheckPath(dir)
	}
	a.dirs = append(a.dirs, dir)
	if m.unixType() != 0 && m.unixType() != unixDirectory || m.external&dosLabel != 0 {
		a.found.Fail(dir, index.RuleIrregularFile, "has a name that ends in a slash, but is not a directory")
	}
	if m.size != 0 {
		a.found.Fail(dir, index.RuleArchiveFormat, "is a directory with %d bytes of content", m.size)
	}
}

// checkDirectories finds directories that are there twice, and those that are
// also files.
func (a *archive) checkDirectories() {
	seen := map[string]bool{}
	for _, dir := range a.dirs {
		if a.tree.members[dir] != nil {
			a.found.Fail(dir, index.RulePathDuplicate, "is a file, and also a directory")
		}
		if seen[dir] {
			a.found.Fail(dir, index.RulePathDuplicate, "the path is there twice")
		}
		seen[dir] = true
	}
}

// checkRatio looks at the archive as a whole, however small its entries are.
func (a *archive) checkRatio(members []member) {
	var total int64
	for i := range members {
		total += members[i].size
	}
	if packed := int64(len(a.tree.content)); total >= ratioFloor && total/a.limits.Ratio > packed {
		a.found.Fail("", index.RuleArchiveRatio, "%v: %d from the %d bytes of the archive, over %d from each", errRatio, total, packed, a.limits.Ratio)
	}
}

// What an entry's external attributes (4.4.15) say of its kind. Some readers
// look at the upper half, which is a mode of Unix, whatever system is named.
const (
	unixMask      = 0o170000
	unixDirectory = 0o040000
	unixRegular   = 0o100000
	unixSymlink   = 0o120000
	unixExecute   = 0o000100

	dosLabel     = 0x08
	dosDirectory = 0x10

	systemUnix   = 3
	systemDarwin = 19
)

func (m *member) unixType() uint32 { return m.external >> 16 & unixMask }

func (m *member) mode() index.Mode {
	unix := m.madeBy == systemUnix || m.madeBy == systemDarwin
	switch t := m.unixType(); {
	case t == unixSymlink:
		return index.Symlink
	case t != 0 && t != unixRegular, m.external&(dosDirectory|dosLabel) != 0:
		return index.Irregular
	case unix && m.external>>16&unixExecute != 0:
		return index.Executable
	default:
		return index.Regular
	}
}

// verify inflates an entry to see that it is what its header states, and gives
// the file, if it is one, its id.
func (a *archive) verify(m *member, f *index.File) bool {
	var to io.Writer
	start := new(startWriter)
	id := git.NewBlobHash(m.size)
	if f != nil {
		to = io.MultiWriter(id, start)
	}
	if err := m.verify(a.tree.content, a.limits.Ratio, to); err != nil {
		a.found.Fail(a.relative(m.name), dataRule(err), "%v", err)
		return false
	}
	if f == nil {
		return true
	}
	if isLFSPointer(m.size, start.start) {
		a.found.Fail(f.Path, index.RuleLFSPointer, "%s", lfsDetail)
	}
	f.Blob = index.ID(id.Sum(nil))
	return true
}
