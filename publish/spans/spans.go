// Package spans judges whether an archive holds files where a list of files says. Each
// of the two may be what its digest says, and yet not fit the other: then an edge has no
// answer, or a wrong one.
package spans

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/maphash"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/regsnap/regsnap/layout"
)

// ErrUnfit: a list of files says of an archive what does not hold.
var ErrUnfit = errors.New("the list of files does not fit the archive")

// Known remembers what was found to fit, since the versions of a package share
// most of their files, and their compressed forms too. It is safe for concurrent use.
type Known struct {
	seed maphash.Seed
	mu   sync.Mutex
	fit  map[uint64]bool
}

// maxKnown bounds what is remembered, to some 40 MB.
const maxKnown = 1 << 20

// New remembers nothing yet.
func New() *Known {
	return &Known{seed: maphash.MakeSeed(), fit: map[uint64]bool{}}
}

// Check reads an archive once and judges the files that it is to hold. One that
// begins where another one has not ended, as archives that others made may have it, is
// read by itself, with open. ErrUnfit if one does not fit.
func (k *Known) Check(archive io.Reader, list *layout.Contents, open func(offset, size int64) (io.ReadCloser, error)) error {
	files := slices.DeleteFunc(slices.Clone(list.Files), func(f layout.ContentsFile) bool { return f.Deflate == nil && f.Stored == nil })
	begin := func(f layout.ContentsFile) int64 { offset, _ := f.Span(); return offset }
	slices.SortFunc(files, func(a, b layout.ContentsFile) int {
		return cmp.Or(cmp.Compare(begin(a), begin(b)), strings.Compare(a.Path, b.Path))
	})
	at := int64(0)
	for i := range files {
		f := &files[i]
		offset, size := f.Span()
		if offset < at {
			r, err := open(offset, size)
			if err == nil {
				err = errors.Join(k.judge(r, f), r.Close())
			}
			if err != nil {
				return err
			}
			continue
		}
		if _, err := io.CopyN(io.Discard, archive, offset-at); err != nil {
			return fmt.Errorf("%w: it ends before %s", ErrUnfit, f.Path)
		}
		span := &io.LimitedReader{R: archive, N: size}
		if err := k.judge(span, f); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, span); err != nil {
			return err
		}
		at = offset + size
	}
	return nil
}

// judge reads the span of a file.
func (k *Known) judge(span io.Reader, f *layout.ContentsFile) error {
	_, size := f.Span()
	if size > layout.LargestArchived { // too large to be kept in memory
		source := &remembering{r: span}
		err := fits(bufio.NewReader(source), f)
		return cmp.Or(source.err, err)
	}
	buffer := spanBuffers.Get().(*[]byte)
	defer spanBuffers.Put(buffer)
	content := (*buffer)[:size]
	switch _, err := io.ReadFull(span, content); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: its data of %s ends early", ErrUnfit, f.Path)
	case err != nil:
		return err
	}
	sum := k.sum(content, f)
	k.mu.Lock()
	fit := k.fit[sum]
	k.mu.Unlock()
	if fit {
		return nil
	}
	if err := fits(bytes.NewReader(content), f); err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.fit) < maxKnown {
		k.fit[sum] = true
	}
	return nil
}

// Memory that is used again: there are tens of thousands of spans.
var (
	spanBuffers = sync.Pool{New: func() any { b := make([]byte, layout.LargestArchived); return &b }}
	inflaters   = sync.Pool{New: func() any { return flate.NewReader(nil) }}
	copyBuffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}
)

// sum stands for a span and all that is said of it.
func (k *Known) sum(span []byte, f *layout.ContentsFile) uint64 {
	var h maphash.Hash
	h.SetSeed(k.seed)
	crc := int64(-1)
	if f.Deflate != nil {
		crc = int64(f.Deflate.CRC32)
	}
	fmt.Fprintf(&h, "%s %d %d\n", f.SHA256, f.Size, crc)
	_, _ = h.Write(span) // never fails
	return h.Sum64()
}

// byteReader gives single bytes, so that inflating takes none behind the stream.
type byteReader interface {
	io.Reader
	io.ByteReader
}

// fits reads a span and compares what it holds with what is said of the file.
func fits(span byteReader, f *layout.ContentsFile) error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: its data of %s: %w", ErrUnfit, f.Path, fmt.Errorf(format, args...))
	}
	content := io.Reader(span)
	if f.Deflate != nil {
		inflater := inflaters.Get().(io.ReadCloser)
		defer inflaters.Put(inflater)
		if err := inflater.(flate.Resetter).Reset(span, nil); err != nil {
			return wrong("%w", err)
		}
		content = inflater
	}
	buffer := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buffer)
	sha, crc := sha256.New(), crc32.NewIEEE()
	// One byte more than it may have is enough to see that it has more.
	n, err := io.CopyBuffer(io.MultiWriter(sha, crc), io.LimitReader(content, f.Size+1), *buffer)
	switch {
	case err != nil:
		return wrong("%w", err)
	case n != f.Size:
		return wrong("%d bytes or more, want %d", n, f.Size)
	case hex.EncodeToString(sha.Sum(nil)) != f.SHA256:
		return wrong("SHA-256 %x, want %s", sha.Sum(nil), f.SHA256)
	case f.Deflate != nil && crc.Sum32() != f.Deflate.CRC32:
		return wrong("CRC-32 %08x, want %08x", crc.Sum32(), f.Deflate.CRC32)
	}
	if _, err := span.ReadByte(); err == nil {
		return wrong("more than the file")
	}
	return nil
}

// remembering keeps the error with which a reader failed: behind a decompressor it
// looks like one of the content.
type remembering struct {
	r   io.Reader
	err error
}

func (r *remembering) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}
