package layout

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
)

// Which files of a package are objects of their own: those that clients ask for
// alone, and what is too large for an edge to put together. All others are
// answered out of the archive. That is a matter of cost, not of what is answered,
// and each list of files says what holds for its revision: this may change with
// any render version.
var (
	// askedAlone are the folders whose files clients ask for one by one: Kibana
	// shows documentation, icons and screenshots. So are files of no folder:
	// manifest, changelog, licence, notice.
	askedAlone = []string{"docs/", "img/"}
	// askedTypes begin the types of files that clients ask for wherever they lie.
	askedTypes = []string{"image/"}
)

// LargestArchived is the size of the largest file that is answered out of an
// archive, in bytes, and of the largest span: an edge keeps both in memory, and
// may send no more than 1 MB in base64 where that is a function of a CDN.
const LargestArchived = 512 << 10

func ownObject(f *ContentsFile, span int64) bool {
	if !strings.Contains(f.Path, "/") || max(f.Size, span) > LargestArchived {
		return true
	}
	for _, folder := range askedAlone {
		if strings.HasPrefix(f.Path, folder) {
			return true
		}
	}
	for _, begin := range askedTypes {
		if strings.HasPrefix(f.Type, begin) {
			return true
		}
	}
	return false
}

// Place notes where the archive holds a file: span is Deflate with the CRC-32 of
// the file, and deflated tells that the archive holds the stream of that name. It
// decides whether the file is an object of its own.
func (f *ContentsFile) Place(span Deflate, deflated bool) {
	f.Object = ownObject(f, span.Size)
	switch {
	case deflated:
		f.Deflate = &span
	case !f.Object:
		f.Stored = &span.Offset
	}
}

// Span is where the archive holds a file that is no object, in bytes.
func (f *ContentsFile) Span() (offset, size int64) {
	if f.Deflate != nil {
		return f.Deflate.Offset, f.Deflate.Size
	}
	return *f.Stored, f.Size
}

// FromSpan gives the content of a file that is no object, if span is what the
// archive holds for it.
func (f *ContentsFile) FromSpan(span []byte) ([]byte, error) {
	content := span
	if f.Deflate != nil {
		left := bytes.NewReader(span) // gives single bytes, so none behind the stream is taken
		out := bytes.NewBuffer(make([]byte, 0, f.Size+bytes.MinRead))
		// One byte more than it may have is enough to see that it has more.
		if _, err := io.Copy(out, io.LimitReader(flate.NewReader(left), f.Size+1)); err != nil {
			return nil, fmt.Errorf("the archive's data of %s: %w", f.Path, err)
		}
		if left.Len() > 0 {
			return nil, fmt.Errorf("the archive's data of %s goes on after its end", f.Path)
		}
		content = out.Bytes()
	}
	if sum := sha256.Sum256(content); hex.EncodeToString(sum[:]) != f.SHA256 {
		return nil, fmt.Errorf("the archive's data of %s: its SHA-256 is not %s", f.Path, f.SHA256)
	}
	return content, nil
}

// validatePlace checks what a list says of where a file is.
func (c *Contents) validatePlace(f *ContentsFile) error {
	within := func(offset, size int64) bool { return offset >= 0 && size >= 0 && offset <= c.Archive.Size-size }
	switch {
	case f.Deflate != nil && !within(f.Deflate.Offset, f.Deflate.Size), f.Stored != nil && !within(*f.Stored, f.Size):
		return fmt.Errorf("%s: lies outside of the archive", f.Path)
	case c.Format < archivedContents && (f.Object || f.Stored != nil):
		return fmt.Errorf("%s: says where it is, which a list of format %d does not", f.Path, c.Format)
	case c.Own(f):
		if f.Stored != nil {
			return fmt.Errorf("%s: is an object, and yet to be read out of the archive", f.Path)
		}
		return nil
	case (f.Deflate == nil) == (f.Stored == nil):
		return fmt.Errorf("%s: is no object, and in no or two places of the archive", f.Path)
	}
	if _, size := f.Span(); max(f.Size, size) > LargestArchived {
		return fmt.Errorf("%s: is no object and has more than %d bytes", f.Path, int64(LargestArchived))
	}
	return nil
}
