package answer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// manyBlocks are names with blocks of a few kilobytes each.
func manyBlocks(n int) (names []string, blocks []int) {
	for i := range n {
		names = append(names, fmt.Sprintf("package_%06d", i))
		blocks = append(blocks, 2_000+i*7919%3_000)
	}
	return names, blocks
}

// TestCutParts: parts are neither small nor large, and have every name.
func TestCutParts(t *testing.T) {
	names, blocks := manyBlocks(20_000)
	parts := layout.CutParts(names, blocks)
	at := 0
	for i, n := range parts {
		size := 0
		for _, b := range blocks[at : at+n] {
			size += b
		}
		if size > 2<<20 || size < 512<<10 && i < len(parts)-1 {
			t.Errorf("part %d has %d bytes", i, size)
		}
		at += n
	}
	if at != len(names) {
		t.Errorf("%d names in parts, want %d", at, len(names))
	}
	if len(parts) < 50 || len(parts) > 140 {
		t.Errorf("70 MB are %d parts", len(parts))
	}
	if got := layout.CutParts(nil, nil); len(got) != 0 {
		t.Errorf("of no names: %v", got)
	}
}

// TestPushMovesFewCuts: a block that grows, and a name that comes, change the
// part where that is, and seldom the next.
func TestPushMovesFewCuts(t *testing.T) {
	names, blocks := manyBlocks(4_000)
	before := ends(layout.CutParts(names, blocks))
	moved := 0
	const times = 40
	for i := range times {
		at := i * len(names) / times
		grown := slices.Clone(blocks)
		grown[at] += 90
		moved += len(difference(before, ends(layout.CutParts(names, grown))))
	}
	if moved > times {
		t.Errorf("%d of %d parts end elsewhere after %d pushes to one each", moved, len(before), times)
	}
}

// ends are where parts end.
func ends(parts []int) []int {
	at := 0
	var out []int
	for _, n := range parts {
		at += n
		out = append(out, at)
	}
	return out
}

func difference(a, b []int) []int {
	return slices.DeleteFunc(slices.Clone(a), func(n int) bool { return slices.Contains(b, n) })
}

// TestBlocksOfRows: rows are found in the blocks of their names, and these in
// their parts.
func TestBlocksOfRows(t *testing.T) {
	r := someRoutes(t)
	d := layout.DigestOf(nil)
	r.Catalog, r.Blocks = []layout.Part{{Digest: d, Names: 1}, {Digest: d, Names: 1}}, []int{70, 30}
	table, err := answer.NewTable(r)
	if err != nil {
		t.Fatal(err)
	}
	for row, want := range []string{"{0 0 70} 0 2", "{0 0 70} 1 2", "{1 0 30} 0 1"} {
		place, i, rows := table.Block(row)
		if got := fmt.Sprint(place, i, rows); got != want {
			t.Errorf("row %d: %s, want %s", row, got, want)
		}
	}
	if got := table.Parts([]int{0, 1}); !slices.Equal(got, []int{0}) {
		t.Errorf("parts %v", got)
	}
	if got := table.Parts([]int{1, 2}); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("parts %v", got)
	}
	if table.PartSize(0) != 70 || table.PartSize(1) != 30 {
		t.Errorf("%d and %d bytes", table.PartSize(0), table.PartSize(1))
	}
	if table.PartDigest(0, 1) == table.PartDigest(1, 1) || table.PartDigest(0, 2) == table.EveryDigest() {
		t.Error("different parts, or a part and a response, have the same name")
	}
}
