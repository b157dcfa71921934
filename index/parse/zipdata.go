package parse

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"sync"

	"github.com/regsnap/regsnap/index"
)

var (
	errRatio = errors.New("inflates to too many bytes")
	inflater = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	buffers  = sync.Pool{New: func() any { return new([64 << 10]byte) }}
)

// raw is the data of an entry as it is in the archive.
func (m *member) raw(archive []byte) []byte {
	return archive[m.data : m.data+m.packed : m.data+m.packed]
}

// verify inflates an entry piece by piece, holding none of it: the content must
// have the length and checksum that the headers state and no byte of the data
// may be left over, since a reader who streams would go on there. to, if set,
// gets the content.
func (m *member) verify(archive []byte, ratio int64, to io.Writer) error {
	if to == nil {
		to = io.Discard
	}
	sum := crc32.NewIEEE()
	raw := m.raw(archive)
	if m.method == methodStore {
		sum.Write(raw)
		if _, err := to.Write(raw); err != nil {
			return err
		}
	} else if err := m.inflate(raw, ratio, io.MultiWriter(sum, to)); err != nil {
		return err
	}
	return m.checkSum(sum)
}

func (m *member) checkSum(sum hash.Hash32) error {
	if got := sum.Sum32(); got != m.crc {
		return fmt.Errorf("has the checksum %08x, but its header states %08x", got, m.crc)
	}
	return nil
}

func (m *member) inflate(raw []byte, ratio int64, to io.Writer) error {
	// A bytes.Reader gives single bytes, so the inflater takes none that is not
	// part of the stream.
	left := bytes.NewReader(raw)
	r := inflater.Get().(io.ReadCloser)
	defer inflater.Put(r)
	if err := r.(flate.Resetter).Reset(left, nil); err != nil {
		return err
	}
	buf := buffers.Get().(*[64 << 10]byte)
	defer buffers.Put(buf)
	for have := int64(0); ; {
		n, err := r.Read(buf[:])
		have += int64(n)
		switch {
		case have >= ratioFloor && have/ratio > m.packed:
			return fmt.Errorf("%w: over %d from each of its %d compressed ones", errRatio, ratio, m.packed)
		case have > m.size:
			return fmt.Errorf("inflates to more than the %d bytes that its header states", m.size)
		}
		if _, err := to.Write(buf[:n]); err != nil {
			return err
		}
		switch {
		case err == io.EOF && have < m.size:
			return fmt.Errorf("inflates to %d bytes, but its header states %d", have, m.size)
		case err == io.EOF && left.Len() > 0:
			return fmt.Errorf("%w: %d bytes of its data follow the end of its deflate stream", errTrailing, left.Len())
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("cannot be inflated to the %d bytes that its header states: %w", m.size, err)
		}
	}
}

var errTrailing = errors.New("readers would disagree about where it ends")

// content is all of an entry that was verified: a part of the archive if it is stored.
func (m *member) content(archive []byte, ratio int64) ([]byte, error) {
	if m.method == methodStore {
		return m.raw(archive), nil
	}
	out := bytes.NewBuffer(make([]byte, 0, m.size))
	err := m.verify(archive, ratio, out)
	return out.Bytes(), err
}

// dataRule is the rule that an error of verify breaks.
func dataRule(err error) index.Rule {
	switch {
	case errors.Is(err, errRatio):
		return index.RuleArchiveRatio
	case errors.Is(err, errTrailing):
		return index.RuleArchiveAmbiguous
	}
	return index.RuleArchiveFormat
}
