package build

import (
	"slices"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// TestQueue: each package is made once, those that someone waits for before the others.
func TestQueue(t *testing.T) {
	var list []*parse.Loaded
	for i := range 6 {
		list = append(list, &parse.Loaded{Entry: index.Entry{Name: "web", Version: string(rune('a' + i)), Revision: string(rune('0' + i))}})
	}
	rev := func(i int) layout.Revision { return revisionOf(list[i].Entry, nil) }
	urgent := make(chan layout.Revision, 10)
	urgent <- layout.Revision{Name: "no"} // not made here
	urgent <- rev(2)
	var order []int
	for l := range newQueue(list, nil, urgent).all {
		i := slices.Index(list, l)
		order = append(order, i)
		switch i {
		case 2:
			urgent <- rev(4)
			urgent <- rev(4)                      // by two clients
			urgent <- layout.Revision{Name: "no"} // not made here
			urgent <- rev(2)                      // made already
			urgent <- rev(3)
		case 3:
			urgent <- rev(5)
		}
	}
	if want := []int{2, 4, 3, 5, 0, 1}; !slices.Equal(order, want) {
		t.Errorf("%v, want %v", order, want)
	}
}
