package answer

import "github.com/regsnap/regsnap/layout"

// PartDigest names the part of the catalog that has so many names from the
// given one on.
func (t *Table) PartDigest(first, names int) layout.Digest {
	from, _ := t.NameRows(first)
	_, to := t.NameRows(first + names - 1)
	return t.digest("part 1\n", Selection{Rows: rowsBetween(from, to)})
}

func rowsBetween(from, to int) []int {
	rows := make([]int, to-from)
	for i := range rows {
		rows[i] = from + i
	}
	return rows
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
func (t *Table) Block(row int) (place layout.Place, i, rows int) {
	name := t.NameOf(row)
	from, to := t.NameRows(name)
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
