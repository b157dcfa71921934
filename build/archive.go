package build

import (
	"archive/zip"
	"bytes"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

// dosEpoch is the first day that a zip archive can name, 1980-01-01
// (APPNOTE.TXT, section 4.4.6): entries need a date, and it must not be today's.
const dosEpoch = 1<<5 | 1

// archiveFile is a file and its content, on the way into an archive.
type archiveFile struct {
	index.File
	*blob
}

// writeArchive packs a package into out as the registry API describes: one root
// directory, then every file and directory in the order of a lexical walk,
// which files already have. It gives the span of each file.
func writeArchive(out *bytes.Buffer, root string, files []archiveFile) ([]layout.Deflate, error) {
	size := 0
	for _, f := range files {
		size += max(len(f.deflated), 64) + 2*(len(root)+len(f.Path)) + 128
		if f.deflated == nil {
			size += len(f.raw)
		}
	}
	out.Grow(size)
	w := zip.NewWriter(out)
	spans := make([]layout.Deflate, len(files))
	made := map[string]bool{".": true}
	for i, f := range files {
		if err := writeDirectories(w, root, path.Dir(f.Path), made); err != nil {
			return nil, err
		}
		mode := fs.FileMode(0o644)
		if f.Mode == index.Executable {
			mode = 0o755
		}
		h := header(root+"/"+f.Path, mode)
		h.CRC32, h.CompressedSize64, h.UncompressedSize64 = f.crc, uint64(len(f.raw)), uint64(len(f.raw))
		body := f.raw
		if f.deflated != nil {
			h.Method, h.CompressedSize64, body = zip.Deflate, uint64(len(f.deflated)), f.deflated
		}
		if err := writeEntry(w, h, body); err != nil {
			return nil, err
		}
		if err := w.Flush(); err != nil {
			return nil, err
		}
		spans[i] = layout.Deflate{Offset: int64(out.Len() - len(body)), Size: int64(len(body)), CRC32: f.crc}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return spans, nil
}

// writeDirectories adds entries for dir and the directories above it that have
// none yet.
func writeDirectories(w *zip.Writer, root, dir string, made map[string]bool) error {
	if made[dir] {
		return nil
	}
	if err := writeDirectories(w, root, path.Dir(dir), made); err != nil {
		return err
	}
	made[dir] = true
	return writeEntry(w, header(root+"/"+dir+"/", fs.ModeDir|0o755), nil)
}

// header is an entry that is stored as it is.
func header(name string, mode fs.FileMode) *zip.FileHeader {
	h := &zip.FileHeader{Name: name, Method: zip.Store}
	h.SetMode(mode)
	//lint:ignore SA1019 CreateRaw writes this field and leaves Modified aside
	h.ModifiedDate = dosEpoch
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7e }) {
		h.Flags |= 0x800 // the name is UTF-8: APPNOTE.TXT, appendix D
	}
	return h
}

func writeEntry(w *zip.Writer, h *zip.FileHeader, body []byte) error {
	to, err := w.CreateRaw(h)
	if err != nil {
		return err
	}
	_, err = io.Copy(to, bytes.NewReader(body))
	return err
}
