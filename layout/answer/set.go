package answer

import (
	"encoding/binary"
	"math/bits"
)

// Set is a set of rows of Routes, a bit each.
type Set []uint64

// newSet is an empty set that can hold rows 0 to n-1.
func newSet(n int) Set { return make(Set, (n+63)/64) }

// add puts row i into the set.
func (s Set) add(i int) { s[i/64] |= 1 << (i % 64) }

// remove takes row i out of the set.
func (s Set) remove(i int) { s[i/64] &^= 1 << (i % 64) }

// has reports whether row i is in the set.
func (s Set) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// and keeps only the rows that are in t as well.
func (s Set) and(t Set) {
	for i := range s {
		s[i] &= t[i]
	}
}

// andNot removes the rows of t.
func (s Set) andNot(t Set) {
	for i := range s {
		s[i] &^= t[i]
	}
}

// or adds the rows of t.
func (s Set) or(t Set) {
	for i := range s {
		s[i] |= t[i]
	}
}

// Len counts the rows.
func (s Set) Len() int {
	n := 0
	for _, w := range s {
		n += bits.OnesCount64(w)
	}
	return n
}

// last gives the highest row of the set with from <= row < to, or -1.
func (s Set) last(from, to int) int {
	for w := (to - 1) / 64; w >= from/64 && to > from; w-- {
		word := s[w]
		if rest := to - w*64; rest < 64 {
			word &= 1<<rest - 1
		}
		if word == 0 {
			continue
		}
		if row := w*64 + 63 - bits.LeadingZeros64(word); row >= from {
			return row
		}
		return -1
	}
	return -1
}

// slice is the rows with from <= row < to, counted from from.
func (s Set) slice(from, to int) Set {
	out := newSet(to - from)
	for i := range out {
		at := from + i*64
		out[i] = s[at/64] >> (at % 64)
		if at%64 > 0 && at/64+1 < len(s) {
			out[i] |= s[at/64+1] << (64 - at%64)
		}
	}
	if rest := (to - from) % 64; rest > 0 {
		out[len(out)-1] &= 1<<rest - 1
	}
	return out
}

// clone is a copy that shares nothing.
func (s Set) clone() Set { return append(Set(nil), s...) }

// All calls yield for each row in ascending order until it returns false.
func (s Set) All(yield func(int) bool) {
	for i, w := range s {
		for w != 0 {
			if !yield(i*64 + bits.TrailingZeros64(w)) {
				return
			}
			w &= w - 1
		}
	}
}

// appendTo appends the set as bytes, eight for each 64 rows.
func (s Set) appendTo(b []byte) []byte {
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}
