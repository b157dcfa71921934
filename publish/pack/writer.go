package pack

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"github.com/regsnap/regsnap/internal/durable"
)

// writer writes one pack.
type writer struct {
	dir     string
	scratch *scratch
	encoder *zstd.Encoder

	file   *os.File
	to     *bufio.Writer // of file, and of sum
	sum    hash.Hash
	offset int64
	keyed  [tables]rowsByKey
	blocks []byte // the table
	block  []byte // sheets of a block that is not closed yet
	inIt   map[id]place
}

func newWriter(dir string, s *scratch, e *zstd.Encoder) (*writer, error) {
	f, err := os.CreateTemp(dir, "pack-*")
	if err != nil {
		return nil, err
	}
	w := &writer{dir: dir, scratch: s, encoder: e, file: f, sum: sha256.New(), inIt: map[id]place{}}
	w.to = bufio.NewWriterSize(io.MultiWriter(f, w.sum), 1<<16)
	for i := range w.keyed {
		w.keyed[i] = rowsByKey{}
	}
	return w, nil
}

// put takes a content over from the scratch file, and lists it in a table, which has none
// of that key yet.
func (w *writer) put(table int, key id, at span) error {
	w.keyed[table][key] = span{w.offset, at.size, at.sum}.append(nil)
	w.offset += int64(at.size)
	return w.scratch.copy(w.to, at)
}

// sheet adds a sheet. All blobs of the pack must be put before, because sheets
// name them by their rows.
func (w *writer) sheet(prefix string, s *sheet) error {
	body := s.encode()
	if len(body) > maxBlock {
		return fmt.Errorf("%s: what its files and archive are made of takes %d bytes; no more than %d are possible", prefix, len(body), maxBlock)
	}
	if len(w.block)+len(body) > blockSize {
		if err := w.closeBlock(); err != nil {
			return err
		}
	}
	w.inIt[idOf([]byte(prefix))] = place{uint32(len(w.blocks) / rowSizes[blockTable]), uint32(len(w.block)), uint32(len(body))}
	w.block = append(w.block, body...)
	return nil
}

// closeBlock writes the sheets of a block, if there are any.
func (w *writer) closeBlock() error {
	if len(w.block) == 0 {
		return nil
	}
	packed := w.encoder.EncodeAll(w.block, nil)
	b := block{span{w.offset, uint32(len(packed)), crc32.Checksum(packed, castagnoli)}, uint32(len(w.block))}
	w.blocks = b.append(w.blocks)
	for key, p := range w.inIt {
		w.keyed[sheetTable][key] = p.append(nil)
	}
	clear(w.inIt)
	w.block = w.block[:0]
	w.offset += int64(len(packed))
	_, err := w.to.Write(packed)
	return err
}

// close writes the tables, and gives the file the name of what is in it. If that fails
// it removes the file.
func (w *writer) close() (listPack, error) {
	p, err := w.finish()
	if err != nil {
		return listPack{}, errors.Join(err, w.discard())
	}
	return p, durable.Keep(w.file, filepath.Join(w.dir, filepath.FromSlash(p.path())))
}

// finish writes what is left of the file, and makes the folder that it comes into.
func (w *writer) finish() (listPack, error) {
	if err := w.closeBlock(); err != nil {
		return listPack{}, err
	}
	foot := footer{offset: w.offset}
	var all []byte
	for i, rows := range w.keyed {
		foot.rows[i] = uint32(len(rows))
		all = append(all, rows.encode()...)
	}
	foot.rows[blockTable] = uint32(len(w.blocks) / rowSizes[blockTable])
	all = append(all, w.blocks...)
	_, err := w.to.Write(append(all, foot.encode(all)...))
	if err := errors.Join(err, w.to.Flush()); err != nil {
		return listPack{}, err
	}
	p := listPack{Digest: hex.EncodeToString(w.sum.Sum(nil)[:16]), Size: foot.offset + foot.size() + int64(footerSize)}
	return p, os.MkdirAll(filepath.Join(w.dir, packFolder), 0o755)
}

// discard removes a pack that was not closed.
func (w *writer) discard() error { return errors.Join(w.file.Close(), os.Remove(w.file.Name())) }
