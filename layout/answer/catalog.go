package answer

import "fmt"

// A search response is an array of summaries. Each is a fragment that already
// has the indentation of its place, so that a response is fragments between
// these:
const (
	catalogOpen      = "[\n"
	catalogSeparator = ",\n"
	catalogClose     = "\n]\n"
)

// emptyResult is the body of a search that finds nothing: without a newline,
// unlike every other document.
const emptyResult = "[]"

// SearchSize is how long the response of a search is at most, in bytes.
func (t *Table) SearchSize(s Selection) int {
	size := len(catalogOpen) + len(catalogClose)
	for _, row := range s.Rows {
		size += t.Sizes[row] + len(catalogSeparator)
	}
	return size
}

// Assemble writes the response of a search from the summaries of its rows.
// summary appends the fragment of a row.
func (t *Table) Assemble(s Selection, summary func(dst []byte, row int) ([]byte, error)) ([]byte, error) {
	if len(s.Rows) == 0 {
		return []byte(emptyResult), nil
	}
	b := append(make([]byte, 0, t.SearchSize(s)), catalogOpen...)
	for i, row := range s.Rows {
		if i > 0 {
			b = append(b, catalogSeparator...)
		}
		at := len(b)
		var err error
		if b, err = summary(b, row); err != nil {
			return nil, err
		}
		if len(b)-at != t.Sizes[row] {
			return nil, fmt.Errorf("the summary of %s-%s has %d bytes, want %d", t.Name(row), t.Versions[row], len(b)-at, t.Sizes[row])
		}
		if keep, cut := s.Kept[row]; cut {
			b = append(b[:at], KeepTemplates(b[at:], keep)...)
		}
	}
	return append(b, catalogClose...), nil
}
