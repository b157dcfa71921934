package answer

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestSet holds Last and Slice to their definitions, across the borders of words.
func TestSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for _, n := range []int{1, 63, 64, 65, 200} {
		s := newSet(n)
		for i := range n {
			if rng.IntN(5) == 0 {
				s.add(i)
			}
		}
		s.add(n / 2)
		s.remove(n / 3)
		rows := slices.Collect(s.All)
		if slices.Contains(rows, n/3) || s.Len() != len(rows) {
			t.Errorf("%d rows: %v after removing %d", n, rows, n/3)
		}
		for from := range n + 1 {
			for to := from; to <= n; to++ {
				last, within := -1, []int(nil)
				for _, row := range rows {
					if row >= from && row < to {
						last = row
						within = append(within, row-from)
					}
				}
				if got := s.last(from, to); got != last {
					t.Fatalf("of %v the last from %d to %d is %d, want %d", rows, from, to, got, last)
				}
				if got := slices.Collect(s.slice(from, to).All); !slices.Equal(got, within) {
					t.Fatalf("of %v the slice from %d to %d is %v, want %v", rows, from, to, got, within)
				}
			}
		}
	}
}
