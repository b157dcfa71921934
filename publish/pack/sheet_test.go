package pack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"math"
	"reflect"
	"testing"
)

func exampleSheet() *sheet {
	return &sheet{
		contents: []byte(`{"format":1}`), archive: "web-1.0.0.zip", signature: []byte("sig"),
		blobs:    []ref{{row: 7, size: 100}, {row: -1, id: idOf([]byte("x")), size: 1 << 31}},
		literals: []byte("headertrailer"), parts: []archivePart{{6, 0}, {0, 1}},
		files: []sheetFile{{"docs/README.md", 0, true, 300}, {"empty", -1, false, 0}, {"img/a.png", 1, false, 1 << 31}},
	}
}

func TestSheet(t *testing.T) {
	want := exampleSheet()
	got, err := decodeSheet(want.encode())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v, want %+v", got, err, want)
	}
	encoded := want.encode()
	for n := range encoded {
		if _, err := decodeSheet(encoded[:n]); !errors.Is(err, errDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(encoded), err)
		}
	}
	if _, err := decodeSheet(append(encoded, 0)); !errors.Is(err, errDamaged) {
		t.Errorf("a byte more: %v", err)
	}
}

// TestSheetBounds: each number of a sheet at the most that it may be, and one more.
func TestSheetBounds(t *testing.T) {
	blob := []ref{{row: 0, size: 1}, {row: 1, size: 1}}
	for what, c := range map[string]struct {
		sheet sheet
		ok    bool
	}{
		"the last blob of a part":     {sheet{blobs: blob, parts: []archivePart{{0, 1}}}, true},
		"a blob too many":             {sheet{blobs: blob, parts: []archivePart{{0, 2}}}, false},
		"a part without blobs":        {sheet{parts: []archivePart{{0, 0}}}, false},
		"all literals":                {sheet{blobs: blob, literals: []byte("abc"), parts: []archivePart{{2, 0}, {1, 0}}}, true},
		"a literal too many":          {sheet{blobs: blob, literals: []byte("abc"), parts: []archivePart{{2, 0}, {2, 0}}}, false},
		"a file in the last blob":     {sheet{blobs: blob, files: []sheetFile{{"a", 1, true, 1}}}, true},
		"a file in a blob too many":   {sheet{blobs: blob, files: []sheetFile{{"a", 2, false, 1}}}, false},
		"an empty file":               {sheet{files: []sheetFile{{"a", -1, false, 0}}}, true},
		"an empty file, to inflate":   {sheet{files: []sheetFile{{"a", -1, true, 0}}}, true},
		"a file of a blob, and none":  {sheet{files: []sheetFile{{"a", 0, false, 0}}}, false},
		"the last row of a table":     {sheet{blobs: []ref{{row: math.MaxUint32 - 1, size: math.MaxUint32}}}, true},
		"a row too many":              {sheet{blobs: []ref{{row: math.MaxUint32, size: 1}}}, false},
		"the largest file":            {sheet{blobs: blob, files: []sheetFile{{"a", 0, false, math.MaxInt64}}}, true},
		"an archive with a signature": {sheet{signature: []byte{}}, true},
	} {
		encoded := c.sheet.encode()
		got, err := decodeSheet(encoded)
		if (err == nil) != c.ok || err != nil && !errors.Is(err, errDamaged) {
			t.Errorf("%s: %v", what, err)
		}
		if err == nil && !bytes.Equal(got.encode(), encoded) {
			t.Errorf("%s: read as %+v", what, got)
		}
	}
}

// TestShortSheets: of all short rows of small numbers those that are read as a sheet are what
// that sheet is written as. So none is read that is cut short, or has something left.
func TestShortSheets(t *testing.T) {
	read := 0
	for n := range 10 {
		b := make([]byte, n)
		for {
			if s, err := decodeSheet(b); err == nil {
				if read++; !bytes.Equal(s.encode(), b) {
					t.Fatalf("%v is read as %+v", b, s)
				}
			} else if !errors.Is(err, errDamaged) {
				t.Fatalf("%v: %v", b, err)
			}
			i := 0
			for ; i < n && b[i] == 2; i++ {
				b[i] = 0
			}
			if i == n {
				break
			}
			b[i]++
		}
	}
	if read < 10 {
		t.Errorf("%d are sheets", read)
	}
}

// TestGunzip: of what is longer than announced one byte more is read, which is enough to
// see that; with a size that nothing can have, nothing is inflated.
func TestGunzip(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte("0123456789")); err != nil || z.Close() != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]int{10: 10, 11: 10, 9: 10, 3: 4, maxObject: 10} {
		if got, err := gunzip(packed.Bytes(), size); err != nil || len(got) != want {
			t.Errorf("%d: %q, %v", size, got, err)
		}
	}
	if got, err := gunzip([]byte("0123456789"), 10); err == nil {
		t.Errorf("what is not gzip: %q", got)
	}
	for _, size := range []int64{-1, maxObject + 1} {
		if got, err := gunzip(packed.Bytes(), size); err == nil {
			t.Errorf("%d: %q", size, got)
		}
	}
}

// FuzzSheet: whatever stands in a sheet, reading it gives an error or a sheet
// whose numbers are within bounds.
func FuzzSheet(f *testing.F) {
	f.Add(exampleSheet().encode())
	f.Add((&sheet{}).encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := decodeSheet(b)
		if err != nil {
			return
		}
		left := len(s.literals)
		for _, p := range s.parts {
			if left -= p.literal; p.blob < 0 || p.blob >= len(s.blobs) || left < 0 {
				t.Fatalf("part %+v", p)
			}
		}
		for _, file := range s.files {
			if file.blob >= len(s.blobs) || file.blob < -1 || file.size < 0 {
				t.Fatalf("file %+v", file)
			}
		}
		again, err := decodeSheet(s.encode())
		if err != nil || !bytes.Equal(again.encode(), s.encode()) {
			t.Fatalf("written again it is another: %v", err)
		}
	})
}
