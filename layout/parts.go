package layout

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// Part is a part of the catalog: the blocks of consecutive names, one after the
// other. It is an object of its own, named by the summaries that it holds, so
// that a push rewrites those parts that have the packages which it changes.
type Part struct {
	Digest Digest `json:"digest"`
	// Names is how many it has.
	Names int `json:"names"`
}

// Parts are small enough that a push writes little, and large enough that all
// of a large catalog is read by few requests: platforms allow an edge some fifty.
const (
	leastPart = 512 << 10 // in bytes, of all but the last
	usualPart = 256 << 10 // how many more it has on average
)

// CutParts cuts the catalog after some of its names; blocks are the sizes of
// theirs in bytes. It returns how many names each part has.
//
// Whether a part may end after a name depends on the name and, roughly, on the
// size of its block: so what comes and goes elsewhere, or grows a little, moves
// no other cut but the next ones.
func CutParts(names []string, blocks []int) []int { return cut(names, blocks, leastPart, usualPart) }

// cut is CutParts for pieces of at least so many bytes, and on average usual more.
func cut(names []string, blocks []int, least, usual int) []int {
	var out []int
	first, size := 0, 0
	for i, name := range names {
		size += blocks[i]
		if size >= least && ends(name, blocks[i], usual) || size >= 2*(least+usual) || i == len(names)-1 {
			out = append(out, i+1-first)
			first, size = i+1, 0
		}
	}
	return out
}

// ends reports whether a piece may end after a name: as likely as its block is
// large, which is rounded so that it seldom changes.
func ends(name string, block, usual int) bool {
	sum := sha256.Sum256([]byte(name))
	rounded := uint64(1) << bits.Len(uint(block))
	return uint64(binary.BigEndian.Uint32(sum[:]))*uint64(usual) < rounded<<32
}

// Place is where a block lies: in which part of the catalog, and there at which
// bytes.
type Place struct{ Part, Offset, Size int }

// BlockPlaces finds the blocks of all names.
func (r *Routes) BlockPlaces() []Place {
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
