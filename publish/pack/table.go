package pack

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
)

// table is rows of one size, sorted by the key that each begins with.
type table struct {
	rows []byte
	size int // of a row
}

func (t table) len() int { return len(t.rows) / t.size }

func (t table) row(i int) []byte { return t.rows[i*t.size:][:t.size] }

// find is the number of the row with a key, or -1.
func (t table) find(key id) int {
	n := t.len()
	i := sort.Search(n, func(i int) bool { return bytes.Compare(t.row(i)[:keySize], key[:]) >= 0 })
	if i == n || !bytes.Equal(t.row(i)[:keySize], key[:]) {
		return -1
	}
	return i
}

// sorted checks what find relies on: no key is there twice.
func (t table) sorted() error {
	for i := 1; i < t.len(); i++ {
		if bytes.Compare(t.row(i - 1)[:keySize], t.row(i)[:keySize]) >= 0 {
			return fmt.Errorf("%w: a table is not sorted", errDamaged)
		}
	}
	return nil
}

// span is where bytes lie in a pack, and their CRC-32C.
type span struct {
	offset int64
	size   uint32
	sum    uint32
}

func spanOf(b []byte) span {
	return span{int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])}
}

func (s span) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint64(b, uint64(s.offset))
	b = binary.LittleEndian.AppendUint32(b, s.size)
	return binary.LittleEndian.AppendUint32(b, s.sum)
}

// within checks that a span lies before an offset.
func (s span) within(end int64) error {
	if s.offset < 0 || s.offset > end || int64(s.size) > end-s.offset {
		return fmt.Errorf("%w: a table says that something lies behind the end", errDamaged)
	}
	return nil
}

// place is where a sheet lies: in a block, once that is inflated.
type place struct{ block, offset, size uint32 }

func placeOf(b []byte) place {
	return place{binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])}
}

func (p place) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, p.block)
	b = binary.LittleEndian.AppendUint32(b, p.offset)
	return binary.LittleEndian.AppendUint32(b, p.size)
}

// block is where sheets lie together.
type block struct {
	span
	inflated uint32 // bytes
}

func blockOf(b []byte) block {
	return block{
		span{int64(binary.LittleEndian.Uint64(b)), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[16:])},
		binary.LittleEndian.Uint32(b[12:]),
	}
}

func (b block) append(to []byte) []byte {
	to = binary.LittleEndian.AppendUint64(to, uint64(b.offset))
	to = binary.LittleEndian.AppendUint32(to, b.size)
	to = binary.LittleEndian.AppendUint32(to, b.inflated)
	return binary.LittleEndian.AppendUint32(to, b.sum)
}

// rowsByKey is a table as it is made: rows by key, and what follows the key.
type rowsByKey map[id][]byte

func (r rowsByKey) keys() []id {
	keys := make([]id, 0, len(r))
	for key := range r {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b id) int { return bytes.Compare(a[:], b[:]) })
	return keys
}

func (r rowsByKey) encode() []byte {
	var out []byte
	for _, key := range r.keys() {
		out = append(append(out, key[:]...), r[key]...)
	}
	return out
}
