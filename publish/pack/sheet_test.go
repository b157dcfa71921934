package pack

import (
	"bytes"
	"errors"
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
