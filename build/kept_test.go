package build

import (
	"context"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// TestKept: contents are kept up to their bounds, each once, and given up when they
// are read for the last time.
func TestKept(t *testing.T) {
	source := newMemorySource("one", "two", "three")
	s := newKeptSource(source)
	read := func(from index.Source, ids ...byte) (got string) {
		t.Helper()
		var want []index.ID
		for _, n := range ids {
			want = append(want, index.ID{n})
		}
		if err := from.Read(t.Context(), want, func(_ index.ID, content []byte) error { got += string(content) + " "; return nil }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if got := read(s, 1, 2) + read(s, 2, 3, 1) + read(lastSource{s}, 1, 2) + read(lastSource{s}, 1); got != "one two two one three one two one " {
		t.Errorf("read %q", got)
	}
	if source.reads[index.ID{1}] != 2 || source.reads[index.ID{2}] != 1 || source.reads[index.ID{3}] != 1 {
		t.Errorf("the source was asked %v", source.reads)
	}
	if s.size != len("three") || len(s.contents) != 1 {
		t.Errorf("%d bytes of %d contents are kept", s.size, len(s.contents))
	}
	s.keep(index.ID{3}, []byte("three"))
	if s.size != len("three") {
		t.Errorf("what is kept already counts again: %d bytes", s.size)
	}
	s.size = keptBytes - 4
	s.keep(index.ID{7}, []byte("12345"))
	if s.contents[index.ID{7}] != nil || s.size != keptBytes-4 {
		t.Error("more is kept than there is room for")
	}
	s.keep(index.ID{8}, []byte("1234"))
	if s.contents[index.ID{8}] == nil || s.size != keptBytes {
		t.Error("what just fits is not kept")
	}
	s.size = 0
	s.keep(index.ID{9}, make([]byte, parse.MaxParsedBytes+1))
	s.keep(index.ID{10}, make([]byte, parse.MaxParsedBytes))
	if s.contents[index.ID{9}] != nil || s.contents[index.ID{10}] == nil {
		t.Error("the longest content that is kept has another length")
	}
	if err := s.Prefetch(context.Background(), nil); err != nil {
		t.Errorf("a source that reads nothing ahead: %v", err)
	}
}
