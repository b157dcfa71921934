package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/klauspost/compress/flate"

	"github.com/regsnap/regsnap/layout"
)

// scanned is a package revision in the scratch file.
type scanned struct {
	prefix string // of its keys
	sheet  span   // with all blobs named by their ids
}

// maxContents is the largest list of files, in bytes: that of 50,000 files with the
// longest paths that a package may have.
const maxContents = 64 << 20

// revision fetches a package revision and writes its sheet: how its objects are
// put together of blobs. All of them are compared with their digests.
func (m *maker) revision(ctx context.Context, p layout.ManifestPackage) (scanned, error) {
	rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
	key := rev.ContentsKey()
	fail := func(err error) (scanned, error) {
		return scanned{}, fmt.Errorf("%s-%s: %w", p.Name, p.Version, err)
	}
	body, err := m.fetchMost(ctx, key, maxContents)
	if err != nil {
		return fail(err)
	}
	list, err := layout.DecodeContents(body, rev)
	if err != nil {
		return fail(fmt.Errorf("%s: %w: %w", key, ErrSource, err))
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != p.Contents {
		return fail(fmt.Errorf("%s: %w: its SHA-256 is not %s", key, ErrSource, p.Contents))
	}
	out := scanned{prefix: strings.TrimSuffix(key, "contents.json")}
	s := &sheet{contents: body, archive: strings.TrimPrefix(rev.ArchiveKey(), out.prefix)}
	if list.Signature != nil {
		if s.signature, err = m.fetch(ctx, rev.SignatureKey(), list.Signature.Size); err == nil {
			err = says(bytes.NewReader(s.signature), *list.Signature)
		}
		if err != nil {
			return fail(fmt.Errorf("%s: %w", rev.SignatureKey(), err))
		}
	}
	archive, err := m.spool(ctx, rev.ArchiveKey(), list.Archive)
	if err != nil {
		return fail(err)
	}
	paths, err := m.takeApart(s, archive, list.Archive.Size)
	if e := archive.close(); err == nil {
		err = e
	}
	if err != nil {
		return fail(err)
	}
	for _, f := range list.Objects() {
		file, err := m.file(ctx, rev, s, f, paths)
		if err != nil {
			return fail(err)
		}
		file.tail, file.size = strings.TrimPrefix(rev.FileKey(f.Path), out.prefix+"files/"), f.Size
		s.files = append(s.files, file)
	}
	slices.SortFunc(s.files, func(a, b sheetFile) int { return strings.Compare(a.tail, b.tail) })
	out.sheet, err = m.scratch.append(s.encode())
	return out, err
}

// file finds the blob of a file: that of its entry in the archive. If that is not
// the file, which an archive of the source may bring about that names one twice,
// the file is a blob of its own.
func (m *maker) file(ctx context.Context, rev layout.Revision, s *sheet, f layout.ContentsFile, paths map[string]sheetFile) (sheetFile, error) {
	if f.Size == 0 && f.SHA256 == emptySHA256 {
		return sheetFile{blob: -1}, nil
	}
	if at, ok := paths[f.Path]; ok {
		m.mu.Lock()
		got, ok := m.plain[plainOf{s.blobs[at.blob].id, at.deflate}]
		m.mu.Unlock()
		if ok && got.size == f.Size && hex.EncodeToString(got.sum[:]) == f.SHA256 {
			return at, nil
		}
	}
	body, err := m.fetch(ctx, rev.FileKey(f.Path), f.Size)
	if err == nil {
		err = says(bytes.NewReader(body), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256})
	}
	if err != nil {
		return sheetFile{}, fmt.Errorf("%s: %w", rev.FileKey(f.Path), err)
	}
	key, err := m.scratch.add(body)
	s.blobs = append(s.blobs, ref{-1, key, uint32(len(body))})
	return sheetFile{blob: len(s.blobs) - 1}, err
}

// emptySHA256 is the SHA-256 of nothing.
var emptySHA256 = hex.EncodeToString(sha256.New().Sum(nil))

// inflate notes what a blob gives; each is inflated once. That it is no deflate
// stream is no error: then it is no file.
func (m *maker) inflate(key id, blob []byte, deflate bool) {
	what := plainOf{key, deflate}
	m.mu.Lock()
	_, known := m.plain[what]
	m.mu.Unlock()
	if known {
		return
	}
	r := io.Reader(bytes.NewReader(blob))
	if deflate {
		r = flate.NewReader(r)
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, maxObject+1))
	out := plainContent{size: n}
	if err != nil {
		out.size = -1
	}
	h.Sum(out.sum[:0])
	m.mu.Lock()
	m.plain[what] = out
	m.mu.Unlock()
}
