package pack

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/regsnap/regsnap/layout"
)

// crafting makes a pack by hand.
type crafting struct {
	t   *testing.T
	dir string
	w   *writer
}

func craft(t *testing.T) *crafting {
	t.Helper()
	dir := t.TempDir()
	s, err := newScratch(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil && !errors.Is(err, os.ErrClosed) {
			t.Error(err)
		}
	})
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWriter(dir, s, encoder)
	if err != nil {
		t.Fatal(err)
	}
	return &crafting{t, dir, w}
}

// put adds a content to a table.
func (c *crafting) put(table int, key id, content []byte) ref {
	c.t.Helper()
	at, err := c.w.scratch.append(content)
	if err == nil {
		err = c.w.put(table, key, at)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return ref{-1, key, uint32(len(content))}
}

func (c *crafting) sheet(prefix string, s *sheet) {
	c.t.Helper()
	if err := c.w.sheet(prefix, s); err != nil {
		c.t.Fatal(err)
	}
}

// write gives the file of the pack, and its list.
func (c *crafting) write() (name string, p listPack) {
	c.t.Helper()
	p, err := c.w.close()
	if err != nil {
		c.t.Fatal(err)
	}
	l := &list{Format: format, Environment: "production", Snapshot: "20240101T000000Z-000000000000", Packs: []listPack{p}}
	body, err := l.encode()
	if err == nil {
		err = os.WriteFile(filepath.Join(c.dir, listName), body, 0o666)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return filepath.Join(c.dir, filepath.FromSlash(p.path())), p
}

// open is the store of the pack.
func (c *crafting) open() *Store {
	c.t.Helper()
	c.write()
	s, err := Open(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		if err := s.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			c.t.Error(err)
		}
	})
	return s
}

const (
	revision = "packages/a/1.0.0/00000000000000000000/"
	digest   = layout.Digest("00112233445566778899aabbccddeeff")
	other    = layout.Digest("ff112233445566778899aabbccddeeff")
)

func keyOf(t *testing.T, d layout.Digest) id {
	t.Helper()
	key, err := digestKey(d)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// refuses reports an error that is not of a damaged pack, or says something else.
func refuses(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v", what, err)
	case want != "" && (!errors.Is(err, errDamaged) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

// TestTables: whatever its tables say, a pack whose CRC is right leads nowhere outside.
func TestTables(t *testing.T) {
	set := func(table, row, at int, n uint64, size int) func(*footer, [tables][]byte) {
		return func(_ *footer, rows [tables][]byte) {
			b := binary.LittleEndian.AppendUint64(nil, n)
			copy(rows[table][row*rowSizes[table]+at:], b[:size])
		}
	}
	swap := func(table int) func(*footer, [tables][]byte) {
		return func(_ *footer, rows [tables][]byte) {
			n := rowSizes[table]
			first := bytes.Clone(rows[table][:n])
			copy(rows[table], rows[table][n:2*n])
			copy(rows[table][n:], first)
		}
	}
	twice := func(table int) func(*footer, [tables][]byte) {
		return func(_ *footer, rows [tables][]byte) { copy(rows[table][rowSizes[table]:], rows[table][:keySize]) }
	}
	end := uint64(0) // of what is not tables
	for _, c := range []struct {
		what, want string
		change     func(*footer, [tables][]byte)
	}{
		{"as it is", "", func(*footer, [tables][]byte) {}},
		{"blobs in another order", "not sorted", swap(blobTable)},
		{"responses in another order", "not sorted", swap(plainTable)},
		{"encoded ones in another order", "not sorted", swap(encodedTable)},
		{"sheets in another order", "not sorted", swap(sheetTable)},
		{"a blob twice", "not sorted", twice(blobTable)},
		{"a sheet twice", "not sorted", twice(sheetTable)},
		{"a blob that ends at the end", "", func(f *footer, rows [tables][]byte) { set(blobTable, 0, 16, uint64(f.offset)-4, 8)(f, rows) }},
		{"one that ends behind it", "behind the end", func(f *footer, rows [tables][]byte) { set(blobTable, 0, 16, uint64(f.offset)-3, 8)(f, rows) }},
		{"one that begins behind it", "behind the end", func(f *footer, rows [tables][]byte) { set(blobTable, 1, 16, uint64(f.offset)+1, 8)(f, rows) }},
		{"one before the beginning", "behind the end", set(blobTable, 0, 16, 1<<63, 8)},
		{"an empty one at the end", "", func(f *footer, rows [tables][]byte) {
			set(blobTable, 0, 16, uint64(f.offset), 8)(f, rows)
			set(blobTable, 0, 24, 0, 4)(f, rows)
		}},
		{"a response behind the end", "behind the end", set(plainTable, 1, 16, 1<<40, 8)},
		{"an encoded one behind the end", "behind the end", set(encodedTable, 0, 24, 1<<31, 4)},
		{"a block behind the end", "behind the end", set(blockTable, 0, 0, 1<<40, 8)},
		{"a sheet of a block that there is not", "in no block", set(sheetTable, 1, 16, 1, 4)},
		{"a sheet that ends behind its block", "behind the end of its block", func(_ *footer, rows [tables][]byte) {
			at := keySize + 8 // its size
			size := binary.LittleEndian.Uint32(rows[sheetTable][rowSizes[sheetTable]+at:])
			set(sheetTable, 1, at, uint64(size)+uint64(len(rows[blockTable])), 4)(nil, rows)
		}},
		{"a sheet one byte too long", "behind the end of its block", func(_ *footer, rows [tables][]byte) {
			inflated := binary.LittleEndian.Uint32(rows[blockTable][12:])
			set(sheetTable, 0, keySize+4, 0, 4)(nil, rows)
			set(sheetTable, 0, keySize+8, uint64(inflated)+1, 4)(nil, rows)
		}},
		{"a sheet as long as its block", "", func(_ *footer, rows [tables][]byte) {
			inflated := binary.LittleEndian.Uint32(rows[blockTable][12:])
			set(sheetTable, 0, keySize+4, 0, 4)(nil, rows)
			set(sheetTable, 0, keySize+8, uint64(inflated), 4)(nil, rows)
		}},
		{"a sheet whose end is no number", "behind the end of its block", func(_ *footer, rows [tables][]byte) {
			set(sheetTable, 0, keySize+4, 1<<32-1, 4)(nil, rows)
			set(sheetTable, 0, keySize+8, 1<<32-1, 4)(nil, rows)
		}},
	} {
		p := craft(t)
		for _, content := range []string{"blob", "bloc"} {
			p.put(blobTable, idOf([]byte(content)), []byte(content))
			p.put(plainTable, idOf([]byte(content)), []byte(content))
			p.put(encodedTable, idOf([]byte(content)), []byte(content))
			p.sheet(content, &sheet{contents: []byte(content)})
		}
		name, listed := p.write()
		body, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		foot, err := decodeFooter(body[len(body)-footerSize:], int64(len(body)))
		if err != nil {
			t.Fatal(err)
		}
		all := body[foot.offset : len(body)-footerSize]
		var rows [tables][]byte
		rest := all
		for i := range rows {
			n := int(foot.rows[i]) * rowSizes[i]
			rows[i], rest = rest[:n:n], rest[n:]
		}
		end = uint64(foot.offset)
		c.change(&foot, rows)
		copy(body[len(body)-footerSize:], foot.encode(all))
		if err := os.WriteFile(name, body, 0o666); err != nil {
			t.Fatal(err)
		}
		f, err := openFile(name, listed.Size)
		refuses(t, c.what, err, c.want)
		if err == nil {
			if err := f.r.Close(); err != nil {
				t.Error(err)
			}
		} else if !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v does not name the file", c.what, err)
		}
	}
	if end == 0 {
		t.Error("nothing was written")
	}
}

// TestFooter: what a pack cannot end with.
func TestFooter(t *testing.T) {
	foot := footer{offset: 100, rows: [tables]uint32{1, 0, 0, 1, 1}}
	size := foot.offset + 32 + 28 + 20 + int64(footerSize)
	sound := foot.encode(nil)
	if got, err := decodeFooter(sound, size); err != nil || got != foot {
		t.Errorf("%+v, %v", got, err)
	}
	// One without contents and tables ends so, too: what a registry without packages gives.
	if got, err := decodeFooter(footer{}.encode(nil), int64(footerSize)); err != nil || got != (footer{}) {
		t.Errorf("nothing: %+v, %v", got, err)
	}
	for what, c := range map[string]struct {
		at   int
		size int64
		want string
	}{
		"another file":   {footerSize - 8, size, "it does not end as a pack does"},
		"a size less":    {-1, size - 1, "its footer says otherwise"},
		"a size more":    {-1, size + 1, "its footer says otherwise"},
		"another format": {footerSize - 1, size, "pack format 0 is not known to this version of regsnap (want 1)"},
		"no offset":      {7, size, "its footer says otherwise"},
	} {
		b := bytes.Clone(sound)
		if c.at >= 0 {
			b[c.at] ^= 0x81
		}
		if what == "another format" {
			b[c.at] = 0
		}
		if _, err := decodeFooter(b, c.size); err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, errDamaged) != (what != "another format") {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestNothingToPack: a pack in which nothing is can be written and opened, and has nothing.
func TestNothingToPack(t *testing.T) {
	s := craft(t).open()
	if f, sheet, err := s.sheet(revision); f != nil || sheet != nil || err != nil {
		t.Errorf("%v, %v, %v", f, sheet, err)
	}
	if c, err := s.response(digest, true); c != nil || err != nil {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := s.response("no digest", true); c != nil || err == nil {
		t.Errorf("what is no digest: %v, %v", c, err)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	key := layout.ResponseKey(digest)
	if body, err := s.Read(ended, key); body != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%q, %v", body, err)
	}
	if body, err := s.Open(ended, key, 0, -1); body != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", body, err)
	}
}

// TestSheetThatIsNone: what lies in a sound block and is no sheet is damage, of that pack.
func TestSheetThatIsNone(t *testing.T) {
	p := craft(t)
	p.w.block, p.w.inIt[idOf([]byte(revision))] = []byte{0xff, 0xff, 0xff}, place{0, 0, 3}
	s := p.open()
	_, sheet, err := s.sheet(revision)
	if sheet != nil || !errors.Is(err, errDamaged) || !strings.HasPrefix(err.Error(), s.files[0].name) {
		t.Errorf("%v, %v", sheet, err)
	}
}
