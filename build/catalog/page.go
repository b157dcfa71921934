package catalog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/regsnap/regsnap/layout"
)

// Page is an HTML page in pieces. Versions of a package share most of what their
// pages say: a piece that several have is compressed once, and no page is ever
// copied together.
type Page struct {
	chunks []chunk
	run    strings.Builder // what was added after the last chunk
}

// chunk is a piece that other pages may have, too, or what is between such.
type chunk struct {
	text   string
	shared *piece
}

// piece is a part of pages that is remembered.
type piece struct {
	html     string
	deflated func() []byte
}

func newPiece(html string) *piece {
	return &piece{html: html, deflated: sync.OnceValue(func() []byte { return deflate(html) })}
}

// minShared is the size from which a piece is compressed by itself: below, what that
// saves of time is not worth what it adds to the page.
const minShared = 16 << 10

func (p *Page) text(s string) { p.run.WriteString(s) }

func (p *Page) piece(s *piece) {
	if len(s.html) < minShared {
		p.text(s.html)
		return
	}
	p.endRun()
	p.chunks = append(p.chunks, chunk{s.html, s})
}

func (p *Page) endRun() {
	if p.run.Len() > 0 {
		p.chunks = append(p.chunks, chunk{text: p.run.String()})
		p.run = strings.Builder{}
	}
}

// WriteTo writes the page as it is.
func (p *Page) WriteTo(w io.Writer) (n int64, err error) {
	for _, c := range p.chunks {
		m, err := io.WriteString(w, c.text)
		n += int64(m)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Sum is the size and the SHA-256 of the page.
func (p *Page) Sum() layout.ObjectDigest {
	h := textHash{Hash: sha256.New()}
	n, _ := p.WriteTo(&h) // a hash takes everything
	return layout.ObjectDigest{Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}
}

// textHash hashes texts without copying each as a whole.
type textHash struct {
	hash.Hash
	buffer [8 << 10]byte
}

func (h *textHash) WriteString(s string) (int, error) {
	for rest := s; rest != ""; {
		n := copy(h.buffer[:], rest)
		h.Write(h.buffer[:n])
		rest = rest[n:]
	}
	return len(s), nil
}

// Gzip is the page as a gzip member, the same on every machine.
func (p *Page) Gzip() []byte {
	out := bytes.NewBufferString(layout.GzipHeader)
	crc := textHash{Hash: crc32.NewIEEE()}
	n, _ := p.WriteTo(&crc)
	for _, c := range p.chunks {
		if c.shared != nil {
			out.Write(c.shared.deflated())
		} else {
			out.Write(deflate(c.text))
		}
	}
	out.WriteString(lastBlock)
	return layout.AppendGzipTrailer(out.Bytes(), crc.Hash.(hash.Hash32).Sum32(), n)
}

// lastBlock ends a deflate stream: a block with nothing in it, by fixed codes.
const lastBlock = "\x03\x00"

// pageLevel is how hard pages are compressed. The level of archives would take three
// times as long, for pages that are a sixth smaller.
const pageLevel = 6

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, pageLevel)
	if err != nil {
		panic(fmt.Sprintf("catalog: deflate level %d: %v", pageLevel, err))
	}
	return &deflater{w: w}
}}

type deflater struct {
	w   *flate.Writer
	out bytes.Buffer
}

// deflate is a part of a deflate stream (RFC 1951) that others may follow: it ends
// with a whole byte, and refers to nothing before it.
func deflate(text string) []byte {
	d := deflaters.Get().(*deflater)
	defer deflaters.Put(d)
	d.out.Reset()
	d.w.Reset(&d.out)
	// A buffer takes everything.
	_, _ = io.WriteString(d.w, text)
	_ = d.w.Flush()
	return bytes.Clone(d.out.Bytes())
}

// assemble makes a page of what a template wrote and of what is held for it.
func assemble(written string, held [][]chunk) (*Page, error) {
	p := &Page{}
	for i, s := range strings.Split(written, mark) {
		if i%2 == 0 {
			p.text(s)
			continue
		}
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n >= len(held) {
			return nil, fmt.Errorf("the page has a mark that nothing is held for: %q", s)
		}
		for _, c := range held[n] {
			if c.shared != nil {
				p.piece(c.shared)
			} else {
				p.text(c.text)
			}
		}
	}
	p.endRun()
	return p, nil
}
