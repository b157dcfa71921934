package pack

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// file is a pack that is open for reading.
type file struct {
	name   string
	r      *os.File
	blobs  table
	plain  table
	coded  table
	sheets table
	blocks table
}

// openFile opens a pack of a size in bytes and reads its tables.
func openFile(name string, size int64) (*file, error) {
	r, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	f := &file{name: name, r: r}
	if err := f.readTables(size); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", name, err), r.Close())
	}
	return f, nil
}

func (f *file) readTables(size int64) error {
	info, err := f.r.Stat()
	if err != nil {
		return err
	}
	if info.Size() != size || size < int64(footerSize) {
		return fmt.Errorf("%w: it has %d bytes, want %d", errDamaged, info.Size(), size)
	}
	end := make([]byte, footerSize)
	if _, err := f.r.ReadAt(end, size-int64(footerSize)); err != nil {
		return err
	}
	foot, err := decodeFooter(end, size)
	if err != nil {
		return err
	}
	all := make([]byte, foot.size())
	if _, err := f.r.ReadAt(all, foot.offset); err != nil {
		return err
	}
	if !bytes.Equal(foot.encode(all), end) {
		return fmt.Errorf("%w: the CRC of its tables is wrong", errDamaged)
	}
	for i, t := range []*table{&f.blobs, &f.plain, &f.coded, &f.sheets, &f.blocks} {
		n := int(foot.rows[i]) * rowSizes[i]
		*t = table{all[:n:n], rowSizes[i]}
		all = all[n:]
	}
	return f.check(foot.offset)
}

// check makes sure of all that looking something up relies on.
func (f *file) check(end int64) error {
	for _, t := range []table{f.blobs, f.plain, f.coded} {
		if err := t.sorted(); err != nil {
			return err
		}
		for i := range t.len() {
			if err := spanOf(t.row(i)[keySize:]).within(end); err != nil {
				return err
			}
		}
	}
	for i := range f.blocks.len() {
		if err := blockOf(f.blocks.row(i)).within(end); err != nil {
			return err
		}
	}
	for i := range f.sheets.len() {
		p := placeOf(f.sheets.row(i)[keySize:])
		if int(p.block) >= f.blocks.len() {
			return fmt.Errorf("%w: a sheet is in no block", errDamaged)
		}
		if b := blockOf(f.blocks.row(int(p.block))); uint64(p.offset)+uint64(p.size) > uint64(b.inflated) {
			return fmt.Errorf("%w: a sheet lies behind the end of its block", errDamaged)
		}
	}
	return f.sheets.sorted()
}

// wholeSpan is up to which size a span is read at once, and its CRC compared
// before any of it is used, in bytes. Nearly all are far smaller.
const wholeSpan = 1 << 20

// open streams n bytes of a span from an offset on. Of a span that is too large
// to be read at once the CRC is compared when all of it has come.
func (f *file) open(s span, offset, n int64) (io.Reader, error) {
	if s.size > wholeSpan {
		section := io.NewSectionReader(f.r, s.offset+offset, n)
		if n < int64(s.size) {
			return section, nil
		}
		return &summed{f: f, r: section, offset: s.offset, left: n, want: s.sum}, nil
	}
	body, err := f.read(s)
	if err != nil {
		return nil, err
	}
	return bytes.NewReader(body[offset : offset+n]), nil
}

// read reads a span and compares its CRC.
func (f *file) read(s span) ([]byte, error) {
	body := make([]byte, s.size)
	if _, err := f.r.ReadAt(body, s.offset); err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	if crc32.Checksum(body, castagnoli) != s.sum {
		return nil, f.wrong(s.offset)
	}
	return body, nil
}

func (f *file) wrong(offset int64) error {
	return fmt.Errorf("%s: %w: the CRC of what lies at byte %d is wrong", f.name, errDamaged, offset)
}

// summed reads a whole span. If the CRC is not the right one an error comes in
// place of the last bytes: readers that know how many they want do not look at
// one that comes with them.
type summed struct {
	f         *file
	r         io.Reader
	offset    int64
	left      int64
	sum, want uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum = crc32.Update(s.sum, castagnoli, p[:n])
	s.left -= int64(n)
	if s.left == 0 && s.sum != s.want {
		return 0, s.f.wrong(s.offset)
	}
	return n, err
}
