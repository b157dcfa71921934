package pack

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
)

// numbered are items of one weight with the priorities given.
func numbered(weight int64, priorities ...uint32) []item {
	var items []item
	for _, p := range priorities {
		items = append(items, item{weight, binary.BigEndian.AppendUint32(nil, p)})
	}
	return items
}

// TestCut: a group ends behind each item that is the lowest within reach.
func TestCut(t *testing.T) {
	for _, c := range []struct {
		priorities []uint32
		window     int64
		most       int
		want       []int
	}{
		{[]uint32{5, 1, 5, 5, 2, 5, 5}, 2, 9, []int{2, 5, 7}},       // 1 and 2 are three items apart
		{[]uint32{5, 1, 5, 5, 2, 5, 5}, 3, 9, []int{2, 7}},          // 2 sees the 1
		{[]uint32{5, 1, 5, 5, 2, 5, 5}, 2, 2, []int{2, 7}},          // the border behind 2 goes
		{[]uint32{5, 1, 5, 5, 2, 5, 5}, 2, 1, []int{7}},             // all but the end go
		{[]uint32{1, 2, 3, 4, 5, 6, 7, 8}, 0, 4, []int{1, 2, 3, 8}}, // nothing sees anything: eight groups, the lowest borders stay
		{[]uint32{1, 2, 3, 4, 5, 6, 7, 8}, 0, 3, []int{1, 8}},       // more than twice too many: each sees its neighbours
		{[]uint32{8, 7, 6, 5, 4, 3, 2, 1}, 0, 4, []int{5, 6, 7, 8}}, // the lowest are the last ones
		{[]uint32{8, 7, 6, 5, 4, 3, 2, 1}, 0, 8, []int{1, 2, 3, 4, 5, 6, 7, 8}},
		{[]uint32{2, 5, 5, 1}, 3, 9, []int{4}},    // the 2 sees the 1 that comes
		{[]uint32{2, 5, 5, 1}, 2, 9, []int{1, 4}}, // which is three items away
		{[]uint32{7}, 2, 9, []int{1}},
		{nil, 2, 9, nil},
	} {
		if got := cut(numbered(1, c.priorities...), c.window, c.most); !slices.Equal(got, c.want) {
			t.Errorf("%v within %d, at most %d: %v, want %v", c.priorities, c.window, c.most, got, c.want)
		}
	}
}

// TestCutIsLocal: an item more, or another one, moves only borders near it.
func TestCutIsLocal(t *testing.T) {
	const n, window = 3000, 40
	random := rand.New(rand.NewPCG(5, 6))
	items := make([]item, n)
	for i := range items {
		items[i] = item{1 + random.Int64N(9), binary.BigEndian.AppendUint64(nil, random.Uint64())}
	}
	ends := cut(items, window, n)
	if len(ends) < 20 {
		t.Fatalf("only %d groups", len(ends))
	}
	for range 50 {
		at := random.IntN(n)
		more := slices.Insert(slices.Clone(items), at, item{5, binary.BigEndian.AppendUint64(nil, random.Uint64())})
		var moved []int
		for _, end := range cut(more, window, n) {
			if end > at {
				end--
			}
			if !slices.Contains(ends, end) {
				moved = append(moved, end)
			}
		}
		for _, end := range moved {
			// Every item weighs 1 or more, so that no more than window items are in reach.
			if end < at-window || end > at+window+1 {
				t.Errorf("an item at %d makes a border at %d", at, end)
			}
		}
		if len(moved) > 3 {
			t.Errorf("an item at %d makes %d borders", at, len(moved))
		}
	}
}

// TestCutStaysWithinBounds: however many items there are.
func TestCutStaysWithinBounds(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 8))
	for _, n := range []int{1, 10, 1000, 20000} {
		items := make([]item, n)
		for i := range items {
			items[i] = item{random.Int64N(1 << 20), binary.BigEndian.AppendUint64(nil, random.Uint64())}
		}
		ends := cut(items, packageWindow, maxPackages)
		if len(ends) > maxPackages || ends[len(ends)-1] != n || !slices.IsSorted(ends) {
			t.Errorf("%d items: %d groups, the last ends at %d", n, len(ends), ends[len(ends)-1])
		}
	}
}
