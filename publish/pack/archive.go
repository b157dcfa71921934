package pack

import (
	"archive/zip"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// inMemory is up to which size an archive is taken apart in memory, in bytes. Of
// the entries of larger ones one at a time is in memory if it is larger itself.
const inMemory = 8 << 20

// spool is an archive to be taken apart: in memory, or in a temporary file.
type spool struct {
	io.ReaderAt
	close func() error
}

// spool fetches an archive and compares it with its digest.
func (m *maker) spool(ctx context.Context, key string, want layout.ObjectDigest) (_ *spool, err error) {
	if want.Size < 0 || want.Size > maxObject {
		return nil, fmt.Errorf("%s: %w: it is said to have %d bytes", key, ErrSource, want.Size)
	}
	r, err := m.o.From.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s := new(spool)
	var to io.Writer
	if want.Size <= inMemory {
		b := bytes.NewBuffer(make([]byte, 0, want.Size+bytes.MinRead))
		to, s.close = b, func() error { return nil }
		defer func() { s.ReaderAt = bytes.NewReader(b.Bytes()) }()
	} else {
		f, err := os.CreateTemp(m.o.Dir, "archive-*")
		if err != nil {
			return nil, err
		}
		to, s.ReaderAt = f, f
		s.close = func() error { return errors.Join(f.Close(), os.Remove(f.Name())) }
	}
	if err := says(io.TeeReader(r, to), want); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", key, err), s.close())
	}
	return s, nil
}

// entry is the data of one entry of an archive.
type entry struct {
	path    string // without the root directory
	offset  int64
	size    int64
	deflate bool
}

// entriesOf lists the entries of an archive that have data, as they follow each
// other; nil if it is not an archive that can be taken apart, and is then taken
// whole.
func entriesOf(archive io.ReaderAt, size int64) []entry {
	z, err := zip.NewReader(archive, size)
	if err != nil {
		return nil
	}
	var entries []entry
	for _, f := range z.File {
		offset, err := f.DataOffset()
		if err != nil {
			return nil
		}
		if f.CompressedSize64 == 0 {
			continue
		}
		if f.Method != zip.Store && f.Method != zip.Deflate || f.CompressedSize64 > maxObject {
			return nil
		}
		_, path, _ := strings.Cut(f.Name, "/")
		entries = append(entries, entry{path, offset, int64(f.CompressedSize64), f.Method == zip.Deflate})
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.offset, b.offset) })
	end := int64(0)
	for _, e := range entries {
		if e.offset < end || e.size > size-e.offset {
			return nil // they overlap
		}
		end = e.offset + e.size
	}
	return entries
}

// takeApart fills in the parts of a sheet's archive, and tells which blob has the
// data of which path.
func (m *maker) takeApart(s *sheet, archive io.ReaderAt, size int64) (map[string]sheetFile, error) {
	entries := entriesOf(archive, size)
	if entries == nil && size > 0 {
		entries = []entry{{offset: 0, size: size}}
	}
	blobs := map[id]int{}
	paths := map[string]sheetFile{}
	end := int64(0)
	var buf []byte
	for _, e := range entries {
		literal := make([]byte, e.offset-end)
		if _, err := archive.ReadAt(literal, end); err != nil {
			return nil, err
		}
		s.literals = append(s.literals, literal...)
		var key id
		var err error
		if e.size <= inMemory {
			buf = slices.Grow(buf[:0], int(e.size))[:e.size]
			key, err = m.entry(archive, e, buf)
		} else {
			m.large.Lock()
			key, err = m.entry(archive, e, make([]byte, e.size))
			m.large.Unlock()
		}
		if err != nil {
			return nil, err
		}
		n, there := blobs[key]
		if !there {
			n = len(s.blobs)
			blobs[key] = n
			s.blobs = append(s.blobs, ref{-1, key, uint32(e.size)})
		}
		s.parts = append(s.parts, archivePart{len(literal), n})
		paths[e.path] = sheetFile{blob: n, deflate: e.deflate}
		end = e.offset + e.size
	}
	literal := make([]byte, size-end)
	if _, err := archive.ReadAt(literal, end); err != nil && (err != io.EOF || len(literal) > 0) {
		return nil, err
	}
	s.literals = append(s.literals, literal...)
	return paths, nil
}

// entry keeps the data of an entry, which buf has room for.
func (m *maker) entry(archive io.ReaderAt, e entry, buf []byte) (id, error) {
	if n, err := archive.ReadAt(buf, e.offset); err != nil && (err != io.EOF || n < len(buf)) {
		return id{}, err
	}
	key, err := m.scratch.add(buf)
	if err == nil {
		m.inflate(key, buf, e.deflate)
	}
	return key, err
}

// plainOf names a blob, and whether it is inflated.
type plainOf struct {
	blob    id
	deflate bool
}

// plainContent is what a blob gives: the SHA-256 of that, and its size.
type plainContent struct {
	sum  [sha256.Size]byte
	size int64
}
