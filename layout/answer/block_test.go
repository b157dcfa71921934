package answer_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout/answer"
)

// TestBlock: each summary is read again, wherever the version stands in it.
func TestBlock(t *testing.T) {
	versions := []string{"1.0.0", "1.0.1", "1.1.0", "11.0.0", "2.0.0-rc.1+1.0.0"}
	var summaries [][]byte
	for i, v := range versions {
		text := strings.ReplaceAll("  {\n    \"version\": \"V\",\n    \"path\": \"/a/V/V\",\n    \"äöü\": 1,\n    \"icons\": []\n  }", "V", v)
		if i >= 2 {
			text = strings.Replace(text, "äöü", "1.0.0", 1)
		}
		summaries = append(summaries, []byte(text))
	}
	summaries[4] = []byte("2.0.0-rc.1+1.0.0")
	block := answer.NewBlock(versions, summaries)
	for i, want := range summaries {
		got, err := block.Append([]byte("before "), i, len(versions))
		if err != nil || string(got) != "before "+string(want) {
			t.Errorf("row %d: %q, want %q: %v", i, got, want, err)
		}
	}
	if !bytes.Equal(block, answer.NewBlock(versions, summaries)) {
		t.Error("the same summaries give another block")
	}
}

// TestBlockBytes holds the format to what block.go says of it.
func TestBlockBytes(t *testing.T) {
	block := answer.NewBlock([]string{"1.0.0", "1.0.1"}, [][]byte{[]byte("v 1.0.0\nx\n"), []byte("v 1.0.1\nx\n")})
	want := []byte{1, 2, 1, 2 /* rows */, 0, 10, 5, 0, 5, 5 /* form */, 2 /* pieces */, 0, 2*2 + 1, 2, 2 * 3}
	want = append(want, "v \nx\n1.0.11.0.0"...)
	if !bytes.Equal(block, want) {
		t.Errorf("%v, want %v", block, want)
	}
}

// TestBlockIsSmall: of a version that differs in its number alone little is kept.
func TestBlockIsSmall(t *testing.T) {
	const n = 100
	var versions []string
	var summaries [][]byte
	for i := range n {
		v := fmt.Sprintf("1.%d.0", i)
		versions = append(versions, v)
		summaries = append(summaries, []byte(strings.Repeat("the same in every summary\n", 40)+v+"\n"))
	}
	if most := 1<<10 + n*(len(versions[n-1])+3*2) + 100; len(answer.NewBlock(versions, summaries)) > most {
		t.Errorf("%d bytes, want at most %d", len(answer.NewBlock(versions, summaries)), most)
	}
}

// TestDamagedBlock: what is no block is an error.
func TestDamagedBlock(t *testing.T) {
	whole := answer.NewBlock([]string{"1.0.0"}, [][]byte{[]byte("v 1.0.0\nx\n")})
	damaged := func(at int, to byte) answer.Block {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	for what, block := range map[string]answer.Block{
		"nothing": nil, "no width": damaged(0, 0), "a width that is too large": damaged(0, 5), "cut off": whole[:9],
		"other rows": damaged(1, 2), "a form that is not there": damaged(4, 1), "a version outside the pool": damaged(5, 200),
		"a form with too many pieces": damaged(7, 9), "a piece outside the pool": damaged(9, 250), "without its end": whole[:len(whole)-1],
	} {
		if got, err := block.Append(nil, 0, 1); err == nil {
			t.Errorf("%s: %q", what, got)
		}
	}
}

// TestBlockCutShort: what is left of a block gives a summary as it was, or an error.
func TestBlockCutShort(t *testing.T) {
	versions := []string{"1.0.0", "1.0.1", "2.0.0"}
	var summaries [][]byte
	for _, v := range versions {
		summaries = append(summaries, []byte("v "+v+"\nof "+v+"\nx\n"+strings.Repeat("y", 300)))
	}
	whole := answer.NewBlock(versions, summaries)
	for n := range len(whole) {
		for row := range versions {
			got, err := whole[:n].Append(nil, row, len(versions))
			if err == nil && !bytes.Equal(got, summaries[row]) {
				t.Errorf("row %d of %d bytes of %d: %q", row, n, len(whole), got)
			}
		}
		if _, err := whole[:n].Append(nil, 0, len(versions)); err == nil {
			t.Errorf("%d bytes of %d are a block with its first row", n, len(whole))
		}
	}
	for width, ok := range map[byte]bool{0: false, 1: false, 2: true, 4: false, 5: false, 255: false} {
		changed := bytes.Clone(whole)
		changed[0] = width
		if got, err := answer.Block(changed).Append(nil, 1, len(versions)); (err == nil) != ok {
			t.Errorf("with numbers of %d bytes: %q, %v", width, got, err)
		}
	}
	for rows, ok := range map[int]bool{2: false, 3: true, 4: false} {
		if _, err := whole.Append(nil, 1, rows); (err == nil) != ok {
			t.Errorf("for %d rows: %v", rows, err)
		}
	}
}
