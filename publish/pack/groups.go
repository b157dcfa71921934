package pack

import (
	"bytes"
	"slices"
)

// item is something that goes into one pack with its neighbours or into another.
type item struct {
	weight int64 // in bytes
	// priority says where to cut: behind the item that has the lowest of those
	// within reach. It must be the item's own, so that no item elsewhere matters.
	priority []byte
}

// cut divides items into groups of neighbours and returns where each ends. An
// item ends a group if no other within window bytes, before it or behind, has a
// lower priority; so a change moves no border that is further away than that,
// and groups are about twice the window large. What is cut depends on nothing
// but the items: the same snapshot is cut in the same way, whatever was before.
//
// If there are too many groups, the borders with the highest priorities go: each
// push then moves one or two. If there are more than twice too many the window is
// doubled first, because what is left would be of very different sizes.
func cut(items []item, window int64, most int) []int {
	ends := cutWithin(items, window)
	for len(ends) > 2*most {
		window = 2*window + 1
		ends = cutWithin(items, window)
	}
	if len(ends) <= most {
		return ends
	}
	last := ends[len(ends)-1] // stays
	ends = ends[:len(ends)-1]
	slices.SortFunc(ends, func(a, b int) int { return bytes.Compare(items[a-1].priority, items[b-1].priority) })
	ends = ends[:most-1]
	slices.Sort(ends)
	return append(ends, last)
}

func cutWithin(items []item, window int64) []int {
	var ends []int
	for i := range items {
		if i == len(items)-1 || lowest(items, i, window) {
			ends = append(ends, i+1)
		}
	}
	return ends
}

// lowest reports whether no item within reach has a lower priority than items[i].
func lowest(items []item, i int, window int64) bool {
	for j, way := i-1, items[i].weight; j >= 0 && way <= window; j-- {
		if bytes.Compare(items[j].priority, items[i].priority) < 0 {
			return false
		}
		way += items[j].weight
	}
	for j, way := i+1, int64(0); j < len(items); j++ {
		if way += items[j].weight; way > window {
			break
		}
		if bytes.Compare(items[j].priority, items[i].priority) < 0 {
			return false
		}
	}
	return true
}
