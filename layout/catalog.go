package layout

import "bytes"

// A search response is an array of summaries. Each is a fragment that already
// has the indentation of its place, so that a response is fragments between
// these:
const (
	catalogOpen      = "[\n"
	catalogSeparator = ",\n"
	catalogClose     = "\n]\n"
)

// EmptyResult is the body of a search that finds nothing: without a newline,
// unlike every other document.
const EmptyResult = "[]"

// Span is where a row's summary lies in the catalog, in bytes.
func (t *Table) Span(row int) (offset, size int64) {
	return t.offsets[row], int64(t.Sizes[row])
}

// CatalogSize is the length of the catalog in bytes.
func (t *Table) CatalogSize() int64 {
	n := t.Rows()
	if n == 0 {
		return int64(len(EmptyResult))
	}
	return t.offsets[n-1] + int64(t.Sizes[n-1]) + int64(len(catalogClose))
}

// Assemble writes the response of a search from the summaries of its rows.
// summary returns the fragment of a row.
func (t *Table) Assemble(s Selection, summary func(row int) []byte) []byte {
	if len(s.Rows) == 0 {
		return []byte(EmptyResult)
	}
	size := len(catalogOpen) + len(catalogClose)
	for _, row := range s.Rows {
		size += t.Sizes[row] + len(catalogSeparator)
	}
	b := bytes.NewBuffer(make([]byte, 0, size))
	b.WriteString(catalogOpen)
	for i, row := range s.Rows {
		if i > 0 {
			b.WriteString(catalogSeparator)
		}
		fragment := summary(row)
		if keep, cut := s.Kept[row]; cut {
			fragment = KeepTemplates(fragment, keep)
		}
		b.Write(fragment)
	}
	b.WriteString(catalogClose)
	return b.Bytes()
}
