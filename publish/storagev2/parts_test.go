package storagev2

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestSplitRefuses: what is not such a file, at each of its bounds.
func TestSplitRefuses(t *testing.T) {
	one, err := pack(segmentID{1}, []byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := pack(segmentID{2}, []byte("another"))
	if err != nil {
		t.Fatal(err)
	}
	whole := join([]encoded{one, two})
	const table = 10 + 2 + 4 + 2*rowSize // the length of the header, its extra field with it
	end := table + 5 + len(opening) + len(one.body) + 5 + len(separator) + len(two.body)
	none := "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\xff"
	// A row of a body of no bytes, and the text before it.
	empty := strings.Repeat("\x00", 16) + string(first16(nil)) + strings.Repeat("\x00", 12+5+len(opening))
	for _, c := range []struct {
		name, file string
		segments   int // -1: refused
		says       string
	}{
		{"whole", string(whole), 2, ""},
		{"to the end of the last segment", string(whole[:end]), 2, ""},
		{"one byte less", string(whole[:end-1]), -1, "cut short"},
		{"one byte less of the first", string(whole[:table+5+len(opening)+len(one.body)-1]), -1, "cut short"},
		{"without the text between", string(whole[:end-len(two.body)-1]), -1, "cut short"},
		{"a byte of the first", flipped(whole, table+5+len(opening)), -1, "damaged"},
		{"the last byte of the second", flipped(whole, end-1), -1, "damaged"},
		{"its sum", flipped(whole, 10+2+4+16), -1, "damaged"},
		{"nothing", "", -1, ""},
		{"no segments", none + "\x04\x00RS\x00\x00", 0, ""},
		{"no room for the extra field", none + "\x04\x00RS\x00", -1, ""},
		{"an extra field longer than the file", none + "\x05\x00RS\x01\x00", -1, ""},
		{"an extra field that is too short", none + "\x03\x00RS\x00\x00", -1, ""},
		{"an extra field as long as the file", none + "\x05\x00RS\x01\x00x", -1, ""},
		{"a row of one byte too few", none + "\x2f\x00RS\x2b\x00" + strings.Repeat("\x00", rowSize-1), -1, ""},
		{"another field", none + "\x04\x00RX\x00\x00", -1, ""},
		{"a segment of nothing", none + "\x30\x00RS\x2c\x00" + empty, 1, ""},
		{"a field shorter than the extra field", none + "\x30\x00RS\x00\x00" + empty, -1, ""},
		{"another header", "\x1f\x8b\x08\x04\x00\x00\x00\x00\x00\x03\x04\x00RS\x00\x00", -1, ""},
	} {
		got, err := split([]byte(c.file))
		if c.segments < 0 && (!errors.Is(err, errTable) || got != nil || !strings.Contains(err.Error(), c.says)) || c.segments >= 0 && (err != nil || len(got) != c.segments) {
			t.Errorf("%s: %d segments, %v", c.name, len(got), err)
		}
	}
}

func flipped(file []byte, at int) string {
	return string(file[:at]) + string(file[at]^1) + string(file[at+1:])
}

// TestSegmentText: a segment says what its row says, no byte more or less.
func TestSegmentText(t *testing.T) {
	sound, err := pack(segmentID{1}, []byte("what it says"))
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(*encoded){
		"sound":                   func(*encoded) {},
		"longer than its row":     func(e *encoded) { e.Text-- },
		"shorter than its row":    func(e *encoded) { e.Text++ },
		"another sum":             func(e *encoded) { e.CRC ^= 1 },
		"a body that is cut":      func(e *encoded) { e.body = e.body[:3] },
		"something behind it":     func(e *encoded) { e.body = append(bytes.Clone(e.body), 0xff) },
		"a body that is no block": func(e *encoded) { e.body = []byte{0xff, 0xff, 0xff} },
	} {
		e := sound
		change(&e)
		if text, err := e.text(); (err == nil) != (what == "sound") {
			t.Errorf("%s: %q, %v", what, text, err)
		}
	}
	if sound.Text != 12 || int(sound.Size) != len(sound.body) || sound.ID != (segmentID{1}) || sound.Sum != [16]byte(first16(sound.body)) {
		t.Errorf("the row is %+v", sound.row)
	}
	if got := documentsIn([]byte("no JSON")); got != nil {
		t.Errorf("documents of no JSON: %q", got)
	}
}

func first16(body []byte) []byte {
	sum := sha256.Sum256(body)
	return sum[:16]
}

// named are packages whose names have a hash of which the remainder by 8 is 0, or not.
func named(n int, ends bool) []layout.ManifestPackage {
	var out []layout.ManifestPackage
	for i := 0; len(out) < n; i++ {
		name := fmt.Sprintf("p%07d", i)
		if (remainder(name, 8) == 0) == ends {
			out = append(out, layout.ManifestPackage{Name: name, Document: layout.DigestOf([]byte(name))})
		}
	}
	return out
}

func remainder(name string, by uint32) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	return h.Sum32() % by
}

// TestWhereSegmentsEnd: after the last version of each name whose hash says so, after one
// in eight, or fewer if there are many names; and never more than a thousand.
func TestWhereSegmentsEnd(t *testing.T) {
	for _, c := range []struct {
		names int
		ends  bool
		want  int
	}{{0, true, 0}, {1, true, 1}, {1, false, 1}, {7, true, 7}, {7, false, 1}, {999, true, 999}, {1000, true, 1000}, {1001, true, 1000}, {3000, true, 1000}, {3000, false, 1}} {
		if got := segments(named(c.names, c.ends)); len(got) != c.want {
			t.Errorf("%d names, at each of which one ends %t: %d segments, want %d", c.names, c.ends, len(got), c.want)
		}
	}
	for names, one := range map[int]uint32{4007: 8, 4008: 16, 8015: 16, 8016: 32} {
		var packages []layout.ManifestPackage
		want := 1
		for i := range names {
			name := fmt.Sprintf("n%07d", i)
			for v := range 3 {
				packages = append(packages, layout.ManifestPackage{Name: name, Document: layout.DigestOf(fmt.Append(nil, name, v))})
			}
			if i < names-1 && remainder(name, one) == 0 {
				want++
			}
		}
		got := segments(packages)
		if len(got) != want {
			t.Errorf("%d names: %d segments, want %d", names, len(got), want)
		}
		for i, s := range got {
			if len(s.documents)%3 != 0 {
				t.Errorf("%d names: segment %d parts the versions of a package", names, i)
			}
		}
	}
	a, b := layout.DigestOf([]byte("a")), layout.DigestOf([]byte("b"))
	got := segments([]layout.ManifestPackage{{Name: "n", Document: a}, {Name: "n", Document: b}})
	if want := segmentID(first16(fmt.Appendf(nil, "segment 1\n%s\n%s\n", a, b))); len(got) != 1 || got[0].id != want {
		t.Errorf("%+v, want the id %x", got, want)
	}
}

// TestDocuments: what fits into 8 MiB is kept, each document once.
func TestDocuments(t *testing.T) {
	var d Documents
	digests := []layout.Digest{"a", "b", "c", "d"}
	d.Keep(digests[0], make([]byte, 1))
	d.Keep(digests[0], []byte("another"))
	d.Keep(digests[1], make([]byte, 8<<20))
	d.Keep(digests[2], make([]byte, 8<<20-1))
	d.Keep(digests[3], make([]byte, 1))
	for i, want := range []int{1, 0, 8<<20 - 1, 0} {
		if got := d.get(digests[i]); len(got) != want || (got == nil) != (want == 0) {
			t.Errorf("document %d has %d bytes, want %d", i, len(got), want)
		}
	}
	if (*Documents)(nil).get("a") != nil {
		t.Error("nothing keeps a document")
	}
}

// TestReadsAtOnce: a bucket says how many objects are read at once, and each of four
// segments that are made at once holds its text.
func TestReadsAtOnce(t *testing.T) {
	for _, c := range []struct {
		parallel, want int
		packages       []layout.ManifestPackage
	}{
		{0, 1, named(6, false)}, {1, 1, named(6, false)}, {3, 3, named(6, false)}, {3, 3, named(6, true)}, {10, 6, named(6, false)}, {10, 4, named(6, true)},
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(0)
			f.parallel = c.parallel
			m := &layout.Manifest{Packages: c.packages}
			for _, p := range c.packages {
				f.objects[layout.ResponseKey(p.Document)] = []byte(p.Name)
			}
			var now, most atomic.Int32
			f.before = func(string) {
				n := now.Add(1)
				for was := most.Load(); n > was && !most.CompareAndSwap(was, n); was = most.Load() {
				}
				time.Sleep(time.Second)
				now.Add(-1)
			}
			made, err := compose(t.Context(), f, m, nil, nil)
			if err != nil || made.read != len(c.packages) || int(most.Load()) != c.want {
				t.Errorf("%d at once: %+v, %v, and %d at once, want %d", c.parallel, made, err, most.Load(), c.want)
			}
		})
	}
}

// TestReuse: of the index before, segments are taken as they are, and documents out of
// those that are no longer wanted; what is damaged in it is read again.
func TestReuse(t *testing.T) {
	f := newFake(1, "a-1.0.0", "b-1.0.0", "c-1.0.0")
	m := f.live["s1"]
	made, err := compose(t.Context(), f, m, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if f.calls(); made.read != 3 {
		t.Errorf("%d documents were read", made.read)
	}
	again, err := compose(t.Context(), f, m, made.body, nil)
	if err != nil || again.read != 0 || string(again.body) != string(made.body) || f.calls() != "" {
		t.Errorf("the same again: %+v, %v", again, err)
	}
	list, err := split(made.body)
	if err != nil {
		t.Fatal(err)
	}
	wanted := segments(m.Packages)
	for n := range wanted {
		var c composer
		c.take(list, wanted[:n])
		documents := 0
		for _, s := range wanted[n:] {
			documents += 2 * len(s.documents) // with and without what a document ends in
		}
		if len(c.old) != n || len(c.found) != documents {
			t.Errorf("of %d segments are wanted: %d, and %d documents of the others, want %d", n, len(c.old), len(c.found), documents)
		}
	}
	more := f.publish(2, "s2", "a-1.0.0", "b-1.0.0", "c-1.0.0", "c-1.1.0")
	if next, err := compose(t.Context(), f, more, made.body, nil); err != nil || next.read != 1 {
		t.Errorf("one more: %+v, %v", next, err)
	}
	for i := range list {
		list[i].CRC ^= 1
	}
	if next, err := compose(t.Context(), f, more, join(list), nil); err != nil || next.read < 2 {
		t.Errorf("one more, beside what is damaged: %+v, %v", next, err)
	}
}

// TestTooLarge: a segment may say so many bytes, and not one more.
func TestTooLarge(t *testing.T) {
	f := newFake(1, "a-1.0.0", "a-1.1.0")
	s := segments(f.live["s1"].Packages)[0]
	size := 2*(len(`{"package_manifest":`+`{"name":"a-1.0.0"}`+"\n")+1) + 1
	for most, want := range map[int]error{size: nil, size - 1: errLarge} {
		c := composer{b: f, most: most}
		text, err := c.text(t.Context(), s, make(chan struct{}, 1))
		if !errors.Is(err, want) || want == nil && len(text) != size {
			t.Errorf("at most %d bytes: %d, %v", most, len(text), err)
		}
	}
}

// TestReadsEnd: who waits for its turn ends with the others, and one document that is
// damaged holds nobody up.
func TestReadsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1, "a-1.0.0", "a-1.1.0")
		f.parallel = 1
		f.before = func(string) { time.Sleep(2 * time.Second) }
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		if made, err := compose(ctx, f, f.live["s1"], nil, nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%+v, %v", made, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFake(1, "a-1.0.0", "a-1.1.0")
		damaged := layout.ResponseKey(f.live["s1"].Packages[0].Document)
		f.objects[damaged] = []byte("another")
		f.before = func(call string) {
			if call != "read "+damaged {
				time.Sleep(time.Second)
			}
		}
		if made, err := compose(t.Context(), f, f.live["s1"], nil, nil); !errors.Is(err, layout.ErrDamaged) {
			t.Errorf("%+v, %v", made, err)
		}
	})
}
