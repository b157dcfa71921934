package parse

import (
	"bytes"
	"slices"

	"github.com/regsnap/regsnap/index"
)

// A pointer of git LFS stands in a repository for content that is elsewhere: a
// short text whose first line names the format, by one of the addresses that it
// had over time (git-lfs, docs/spec.md).
var lfsLines = [][]byte{
	[]byte("version https://git-lfs.github.com/spec/v1"),
	[]byte("version https://hawser.github.com/spec/v1"),
	[]byte("version http://git-media.io/v/2"),
}

const (
	lfsLeast = 100  // the first line, and a digest with its name
	lfsMost  = 1023 // what is longer git-lfs itself takes for content
	lfsLine  = 48   // bytes that hold any first line
)

const lfsDetail = "is a pointer of git LFS, not the content that it stands for: regsnap reads what git holds, so store the file in git itself (git lfs migrate export)"

// maybeLFSPointer reports whether a file of that length can be a pointer.
func maybeLFSPointer(size int64) bool { return size >= lfsLeast && size <= lfsMost }

// isLFSPointer reports whether a file of that length and start is a pointer.
func isLFSPointer(size int64, start []byte) bool {
	return maybeLFSPointer(size) && slices.ContainsFunc(lfsLines, func(line []byte) bool {
		rest, ok := bytes.CutPrefix(start, line)
		return ok && len(rest) > 0 && (rest[0] == '\n' || rest[0] == '\r')
	})
}

// startWriter keeps the first bytes that are written to it.
type startWriter struct{ start []byte }

func (s *startWriter) Write(p []byte) (int, error) {
	if most := lfsLine - len(s.start); most > 0 {
		s.start = append(s.start, p[:min(len(p), most)]...)
	}
	return len(p), nil
}

// checkPointers finds the files of a package that are pointers. Each content is
// looked at once.
func (p *Parser) checkPointers(t *sourceTree) (found index.Findings) {
	for _, f := range t.files {
		if !maybeLFSPointer(f.Size) {
			continue
		}
		pointer := p.pointers.get(f.Blob, func() (is, keep bool) {
			content, err := t.Read(f.Path)
			return err == nil && isLFSPointer(f.Size, content), err == nil
		})
		if pointer {
			found.Fail(f.Path, index.RuleLFSPointer, "%s", lfsDetail)
		}
		if t.err != nil || len(found.Errors) > index.MaxFindings {
			break
		}
	}
	return found
}
