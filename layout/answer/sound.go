package answer

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/regsnap/regsnap/layout"
)

// CheckSearch reads the response of a search to its end and reports where it is
// not what the table names: every entry must have the size and the digest of its
// row's summary. Entries that are cut have neither, so none may be.
func (t *Table) CheckSearch(s Selection, body io.Reader) error {
	if len(s.Kept) > 0 {
		return errors.New("entries that are cut have no digest to be checked by")
	}
	r := bufio.NewReader(body)
	if len(s.Rows) == 0 {
		return expect(r, emptyResult, true)
	}
	var entry []byte
	before := catalogOpen
	for _, row := range s.Rows {
		if err := expect(r, before, false); err != nil {
			return err
		}
		before = catalogSeparator
		entry = append(entry[:0], make([]byte, t.Sizes[row])...)
		if _, err := io.ReadFull(r, entry); err != nil {
			return fmt.Errorf("the summary of %s-%s: %w", t.Name(row), t.Versions[row], err)
		}
		if err := t.checkSummary(row, entry); err != nil {
			return err
		}
	}
	return expect(r, catalogClose, true)
}

// checkSummary reports whether a summary is the one that the table names.
func (t *Table) checkSummary(row int, summary []byte) error {
	if got := layout.DigestOf(summary); got != t.Summary(row) {
		return fmt.Errorf("the summary of %s-%s has the digest %s, want %s", t.Name(row), t.Versions[row], got, t.Summary(row))
	}
	return nil
}

// expect reads a text, which is the last one of the reader if end is set.
func expect(r *bufio.Reader, text string, end bool) error {
	got := make([]byte, len(text))
	if _, err := io.ReadFull(r, got); err != nil {
		return fmt.Errorf("%q is due: %w", text, err)
	}
	if string(got) != text {
		return fmt.Errorf("%q where %q is due", got, text)
	}
	if !end {
		return nil
	}
	switch _, err := r.ReadByte(); {
	case err == nil:
		return errors.New("it goes on after its end")
	case !errors.Is(err, io.EOF):
		return err
	}
	return nil
}

// CheckPart reports whether the bytes of a part of the catalog give the summaries
// that the table names.
func (t *Table) CheckPart(part int, content []byte) error {
	if size := t.PartSize(part); len(content) != size {
		return fmt.Errorf("it has %d bytes, the routes say %d", len(content), size)
	}
	first := 0
	for _, p := range t.Catalog[:part] {
		first += p.Names
	}
	var summary []byte
	for name := first; name < first+t.Catalog[part].Names; name++ {
		from, to := t.NameRows(name)
		place := t.blocks[name]
		block := Block(content[place.Offset:][:place.Size])
		for row := from; row < to; row++ {
			var err error
			if summary, err = block.Append(summary[:0], row-from, to-from); err == nil {
				err = t.checkSummary(row, summary)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
