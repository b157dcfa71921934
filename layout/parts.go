package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Part is a part of the catalog: the blocks of consecutive names, one after the
// other. It is an object of its own, named by the summaries that it holds, so
// that a push writes those parts anew that have the packages which it changes.
type Part struct {
	Digest Digest `json:"digest"`
	// Names is how many it has.
	Names int `json:"names"`
}

// Parts are small enough that a push writes little, and large enough that all
// of a large catalog is read by few requests: platforms allow an edge some fifty.
const (
	leastPart   = 512 << 10 // in bytes, of all but the last
	usualPart   = 256 << 10 // how many more it has on average
	largestPart = 2 * (leastPart + usualPart)
)

// CutParts cuts the catalog after some of its names; blocks are the sizes of
// theirs in bytes. It returns how many names each part has.
//
// Whether a part may end after a name depends on the name and, roughly, on the
// size of its block: so what comes and goes elsewhere, or grows a little, moves
// no other cut but the next ones.
func CutParts(names []string, blocks []int) []int {
	var out []int
	first, size := 0, 0
	for i, name := range names {
		size += blocks[i]
		if size >= leastPart && ends(name, blocks[i]) || size >= largestPart || i == len(names)-1 {
			out = append(out, i+1-first)
			first, size = i+1, 0
		}
	}
	return out
}

// ends tells whether a part may end after a name: as likely as its block is
// large, which is rounded so that it seldom changes.
func ends(name string, block int) bool {
	sum := sha256.Sum256([]byte(name))
	rounded := uint64(1) << bits.Len(uint(block))
	return uint64(binary.BigEndian.Uint32(sum[:]))*usualPart < rounded<<32
}

// PartDigest names the part of the catalog that has so many names from the
// given one on.
func (t *Table) PartDigest(first, names int) Digest {
	from, _ := t.nameRows(first)
	_, to := t.nameRows(first + names - 1)
	return t.digest("part 1\n", Selection{Rows: rowsBetween(from, to)})
}

func rowsBetween(from, to int) []int {
	rows := make([]int, to-from)
	for i := range rows {
		rows[i] = from + i
	}
	return rows
}

// Place is where a block lies: in which part of the catalog, and there at which
// bytes.
type Place struct{ Part, Offset, Size int }

// blockPlaces finds the blocks of all names.
func (r *Routes) blockPlaces() []Place {
	out := make([]Place, 0, len(r.Names))
	for part, p := range r.Catalog {
		offset := 0
		for range p.Names {
			size := r.Blocks[len(out)]
			out = append(out, Place{part, offset, size})
			offset += size
		}
	}
	return out
}

// PartSize is the length of a part of the catalog in bytes.
func (t *Table) PartSize(part int) int {
	first := 0
	for _, p := range t.Catalog[:part] {
		first += p.Names
	}
	size := 0
	for _, n := range t.Blocks[first : first+t.Catalog[part].Names] {
		size += n
	}
	return size
}

// Block is where the block of a row's name lies, which place the row has in it,
// and how many rows there are.
func (t *Table) Block(row int) (place Place, i, rows int) {
	name := t.nameOf(row)
	from, to := t.nameRows(name)
	return t.blocks[name], row - from, to - from
}

// Parts are the parts of the catalog that have rows, which are in order.
func (t *Table) Parts(rows []int) []int {
	var out []int
	for _, row := range rows {
		place, _, _ := t.Block(row)
		if n := len(out); n == 0 || out[n-1] != place.Part {
			out = append(out, place.Part)
		}
	}
	return out
}
