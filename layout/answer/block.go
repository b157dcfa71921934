package answer

import (
	"bytes"
	"fmt"
	"slices"
)

// Block is the summaries of all versions of one package, as the catalog has them.
// Versions of a package differ little: in their number, which stands at a few
// places, and in a line here and there. So a block keeps each text once, in its
// pool, and of each row which stretches of the pool its summary is made of. It is
// a tenth of the summaries, and yet one of them is read without the others.
//
// Numbers are big-endian and all of a block have the same width, as few bytes as
// the largest needs. In order:
//
//	width                              one byte
//	rows, forms, pieces                how many there are
//	form, offset, length               of each row: its form, and where its version lies in the pool
//	end                                of each form: the first piece that is no longer its own
//	offset, 2 × length (+ 1)           of each piece; + 1: the version of the row follows it
//	pool                               all the rest
//
// Rows that differ in nothing but their version have the same form.
type Block []byte

// The numbers that the parts of a block take for each of their entries.
const (
	blockHead  = 3
	blockRow   = 3
	blockForm  = 1
	blockPiece = 2
)

// maxBlockWidth is how many bytes a number may have: more cannot be counted in
// every language.
const maxBlockWidth = 4

// piece is a stretch of a pool, and whether the row's version follows.
type piece struct {
	offset, length int
	version        bool
}

// blockWriter makes a block.
type blockWriter struct {
	pool   []byte
	at     map[string]int // where a text lies in the pool
	pieces []piece
	ends   []int
	forms  map[string]int
	rows   [][blockRow]int
}

// NewBlock makes the block of summaries, which are JSON, and of the versions that
// they are of. The same ones give the same bytes.
func NewBlock(versions []string, summaries [][]byte) Block {
	w := blockWriter{at: map[string]int{}, forms: map[string]int{}, rows: make([][blockRow]int, len(versions))}
	// The newest first: it is asked for the most, and what comes first lies together.
	for i, version := range slices.Backward(versions) {
		w.rows[i] = w.row([]byte(version), summaries[i])
	}
	return w.block()
}

// row adds a summary to the pool and tells where it is.
func (w *blockWriter) row(version, summary []byte) [blockRow]int {
	texts := bytes.Split(summary, version)
	// JSON has no byte that is zero.
	key := string(bytes.Join(texts, []byte{0}))
	form, seen := w.forms[key]
	if !seen {
		form = len(w.ends)
		w.forms[key] = form
		for i, text := range texts {
			w.text(text, i < len(texts)-1)
		}
		w.ends = append(w.ends, len(w.pieces))
	}
	return [blockRow]int{form, w.place(version), len(version)}
}

// text adds what stands between two versions, line by line; lines that follow
// each other in the pool are one piece.
func (w *blockWriter) text(text []byte, version bool) {
	first := len(w.pieces)
	for line := range bytes.Lines(text) {
		offset := w.place(line)
		if n := len(w.pieces) - 1; n >= first && w.pieces[n].offset+w.pieces[n].length == offset {
			w.pieces[n].length += len(line)
		} else {
			w.pieces = append(w.pieces, piece{offset: offset, length: len(line)})
		}
	}
	if !version {
		return
	}
	if len(w.pieces) == first {
		w.pieces = append(w.pieces, piece{})
	}
	w.pieces[len(w.pieces)-1].version = true
}

// place is where a text lies in the pool.
func (w *blockWriter) place(text []byte) int {
	offset, there := w.at[string(text)]
	if !there {
		offset = len(w.pool)
		w.at[string(text)] = offset
		w.pool = append(w.pool, text...)
	}
	return offset
}

func (w *blockWriter) block() Block {
	numbers := []int{len(w.rows), len(w.ends), len(w.pieces)}
	for _, r := range w.rows {
		numbers = append(numbers, r[:]...)
	}
	numbers = append(numbers, w.ends...)
	for _, p := range w.pieces {
		n := 2 * p.length
		if p.version {
			n++
		}
		numbers = append(numbers, p.offset, n)
	}
	width := 1
	for _, n := range numbers {
		for n>>(8*width) > 0 {
			width++
		}
	}
	b := make([]byte, 0, 1+len(numbers)*width+len(w.pool))
	b = append(b, byte(width))
	for _, n := range numbers {
		for i := width - 1; i >= 0; i-- {
			b = append(b, byte(n>>(8*i)))
		}
	}
	return append(b, w.pool...)
}

// blockReader is a block whose parts were found.
type blockReader struct {
	block                           Block
	width                           int
	counts                          [blockHead]int
	rowsAt, formsAt, piecesAt, pool int
}

// read finds the parts of a block that is to have so many rows.
func (b Block) read(rows int) (*blockReader, error) {
	if len(b) == 0 || b[0] < 1 || b[0] > maxBlockWidth || len(b) < 1+blockHead*int(b[0]) {
		return nil, fmt.Errorf("%d bytes are no block", len(b))
	}
	r := &blockReader{block: b, width: int(b[0])}
	for i := range r.counts {
		r.counts[i] = r.number(1 + i*r.width)
	}
	r.rowsAt = 1 + blockHead*r.width
	r.formsAt = r.rowsAt + r.counts[0]*blockRow*r.width
	r.piecesAt = r.formsAt + r.counts[1]*blockForm*r.width
	r.pool = r.piecesAt + r.counts[2]*blockPiece*r.width
	if r.counts[0] != rows || r.pool > len(b) {
		return nil, fmt.Errorf("a block of %d bytes for %d rows, want %d rows", len(b), r.counts[0], rows)
	}
	return r, nil
}

func (r *blockReader) number(at int) int {
	n := 0
	for _, d := range r.block[at : at+r.width] {
		n = n<<8 | int(d)
	}
	return n
}

// Append appends the summary of the i-th row of a block that has so many to dst.
func (b Block) Append(dst []byte, i, rows int) ([]byte, error) {
	r, err := b.read(rows)
	if err != nil {
		return nil, err
	}
	at := r.rowsAt + i*blockRow*r.width
	form := r.number(at)
	if form >= r.counts[1] {
		return nil, fmt.Errorf("row %d of a block has form %d of %d", i, form, r.counts[1])
	}
	version, err := r.stretch(r.number(at+r.width), r.number(at+2*r.width))
	if err != nil {
		return nil, err
	}
	from, to := 0, r.number(r.formsAt+form*r.width)
	if form > 0 {
		from = r.number(r.formsAt + (form-1)*r.width)
	}
	if to > r.counts[2] {
		return nil, fmt.Errorf("form %d of a block ends at piece %d of %d", form, to, r.counts[2])
	}
	for p := from; p < to; p++ {
		at := r.piecesAt + p*blockPiece*r.width
		n := r.number(at + r.width)
		text, err := r.stretch(r.number(at), n/2)
		if err != nil {
			return nil, err
		}
		dst = append(dst, text...)
		if n%2 == 1 {
			dst = append(dst, version...)
		}
	}
	return dst, nil
}

// stretch is a part of the pool.
func (r *blockReader) stretch(offset, length int) ([]byte, error) {
	pool := r.block[r.pool:]
	if offset+length > len(pool) {
		return nil, fmt.Errorf("bytes %d to %d of a pool of %d", offset, offset+length, len(pool))
	}
	return pool[offset : offset+length], nil
}
