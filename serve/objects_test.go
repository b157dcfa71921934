package serve

import (
	"context"
	"testing"
	"time"
)

// TestLargestObject: an eighth of the memory is the most that one object is kept with.
func TestLargestObject(t *testing.T) {
	const eighth = 10 << 10
	for size, want := range map[int]int{eighth - 1: 1, eighth: 1, eighth + 1: 2} {
		o, loads := newObjects(8*eighth, time.Minute), 0
		for range 2 {
			got, _, err := o.get(t.Context(), "key", func(context.Context) (object, error) {
				loads++
				return object{body: make([]byte, size), size: size}, nil
			})
			if err != nil || len(got.body) != size {
				t.Errorf("%d bytes of %d, %v", len(got.body), size, err)
			}
		}
		if loads != want {
			t.Errorf("%d bytes: loaded %d times for two, want %d", size, loads, want)
		}
	}
}
