package serve

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestObjects: what fails is not kept, a panic is a failure, and a request that goes away
// leaves the loading to the others.
func TestObjects(t *testing.T) {
	o := newObjects(1<<20, time.Hour)
	failure := errors.New("connection refused")
	loads := 0
	load := func(err error) func(context.Context) (object, error) {
		return func(ctx context.Context) (object, error) {
			loads++
			if at, has := ctx.Deadline(); !has || time.Until(at) < 59*time.Minute || time.Until(at) > time.Hour {
				t.Errorf("loading ends at %v", at)
			}
			return bodyObject([]byte("x")), err
		}
	}
	for range 2 {
		if got, from, err := o.get(t.Context(), "key", load(failure)); !errors.Is(err, failure) || got.body != nil || from != fromStore {
			t.Errorf("%v, %s, %v", got, from, err)
		}
	}
	if _, _, err := o.get(t.Context(), "key", func(context.Context) (object, error) { panic("oops") }); err == nil || !strings.Contains(err.Error(), "panic: oops\n") || !strings.Contains(err.Error(), "goroutine ") {
		t.Errorf("a panic: %v", err)
	}
	for i, want := range []source{fromStore, fromCache, fromCache} {
		if got, from, err := o.get(t.Context(), "key", load(nil)); err != nil || string(got.body) != "x" || from != want {
			t.Errorf("%d: %q, %s, %v", i, got.body, from, err)
		}
	}
	if loads != 3 {
		t.Errorf("loaded %d times", loads)
	}

	ctx, cancel := context.WithCancel(t.Context())
	begun, end := make(chan struct{}), make(chan struct{})
	go func() {
		<-begun
		cancel()
	}()
	slow := func(ctx context.Context) (object, error) {
		close(begun)
		<-end
		return bodyObject([]byte("y")), ctx.Err()
	}
	if _, _, err := o.get(ctx, "slow", slow); !errors.Is(err, context.Canceled) {
		t.Errorf("who goes away: %v", err)
	}
	close(end)
	// Who comes meanwhile waits for the same, or finds it.
	if got, _, err := o.get(t.Context(), "slow", func(context.Context) (object, error) { return object{}, failure }); err != nil || string(got.body) != "y" {
		t.Errorf("who stays: %q, %v", got.body, err)
	}
}

// TestCounted: which failures of the bucket are counted, and how many objects are read into
// memory at once.
func TestCounted(t *testing.T) {
	failed := map[string]int{}
	s := countedStore{failingBucket{errors.New("connection refused")}, make(chan struct{}, 2), func(op string) { failed[op]++ }}
	all := func(ctx context.Context) {
		for op, do := range map[string]func() error{
			"pointer": func() error { _, err := s.Pointer(ctx, "e"); return err },
			"routes":  func() error { _, err := s.Routes(ctx, "e", "id"); return err },
			"read":    func() error { _, err := s.Read(ctx, "k"); return err },
			"open":    func() error { _, err := s.Open(ctx, "k", 0, 1); return err },
		} {
			if err := do(); (err == nil) != (s.bucket.(failingBucket).error == nil) {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	all(t.Context())
	want := map[string]int{"pointer": 1, "routes": 1, "read": 1, "open": 1}
	if fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("counted: %v, want %v", failed, want)
	}
	clear(failed)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	all(gone)
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	for range 3 { // a read waits for its turn no longer than it may
		_, _ = s.Open(late, "k", 0, 1)
	}
	s.bucket = failingBucket{fmt.Errorf("k: %w", fs.ErrNotExist)}
	all(t.Context())
	s.bucket = failingBucket{}
	all(t.Context())
	if want := map[string]int{"open": 3}; fmt.Sprint(failed) != fmt.Sprint(want) {
		t.Errorf("counted: %v, want %v: what is not there, and clients that went away, are no failures", failed, want)
	}

	one, err := s.load(t.Context())
	two, err2 := s.load(t.Context())
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	if _, err := s.Read(gone, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("one too many: %v", err)
	}
	one()
	if _, err := s.Read(t.Context(), "k"); err != nil {
		t.Errorf("when one has ended: %v", err)
	}
	two()
	if len(s.loading) != 0 {
		t.Errorf("%d are still taken for being read", len(s.loading))
	}
	if maxLoading != 16 || maxReading != 8 {
		t.Errorf("%d objects at once, %d for one answer", maxLoading, maxReading)
	}
}

// failingBucket ends every call with an error, which may be nil.
type failingBucket struct{ error }

func (b failingBucket) Pointer(context.Context, string) (layout.Pointer, error) {
	return layout.Pointer{}, b.error
}
func (b failingBucket) Routes(context.Context, string, string) (*layout.Routes, error) {
	return nil, b.error
}
func (b failingBucket) Read(context.Context, string) ([]byte, error) { return nil, b.error }
func (b failingBucket) Open(context.Context, string, int64, int64) (io.ReadCloser, error) {
	return nil, b.error
}

// TestSound: what is streamed comes to its end only if it is what it is to be, however the
// store divides it.
func TestSound(t *testing.T) {
	content := []byte("the content of a file, which is what its digest says")
	sum, shorter := sha256.Sum256(content), sha256.Sum256(content[:len(content)-1])
	var deflated bytes.Buffer
	z, _ := flate.NewWriter(&deflated, flate.BestCompression)
	_, _ = z.Write(content)
	_ = z.Close()
	file := &layout.ContentsFile{Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	unlike := bytes.Replace(deflated.Bytes(), deflated.Bytes()[10:12], []byte("xx"), 1)
	store := errors.New("reset by peer")
	of := func(f *layout.ContentsFile) func() check { return func() check { return newDeflateCheck(f) } }
	plain, packed, part := func() check { return newDigestCheck(file.SHA256) }, of(file), func() check { return unchecked{} }
	for _, c := range []struct {
		name    string
		body    []byte
		fails   error // after the body
		length  int
		check   func() check
		damaged bool
		err     error
	}{
		{"all of it", content, nil, len(content), plain, false, nil},
		{"more, which is not looked at", append(bytes.Clone(content), "x"...), store, len(content), plain, false, nil},
		{"a byte less", content[:len(content)-1], nil, len(content), plain, true, io.EOF},
		{"nothing", nil, nil, len(content), plain, true, io.EOF},
		{"other bytes", bytes.ToUpper(content), nil, len(content), plain, true, nil},
		{"a failure at the end", content[:len(content)-1], store, len(content), plain, false, store},
		{"a part, of which nothing is known", bytes.ToUpper(content[:5]), nil, 5, part, false, nil},
		{"a part that is short", content[:4], nil, 5, part, true, io.EOF},
		{"deflated", deflated.Bytes(), nil, deflated.Len(), packed, false, nil},
		{"deflated, a byte less", deflated.Bytes()[:deflated.Len()-1], nil, deflated.Len(), packed, true, io.EOF},
		{"deflated, and a byte after its end", append(bytes.Clone(deflated.Bytes()), 0), nil, deflated.Len() + 1, packed, true, nil},
		{"deflated otherwise", unlike, nil, deflated.Len(), packed, true, nil},
		{"deflated, of a file that ends before", deflated.Bytes(), nil, deflated.Len(), of(&layout.ContentsFile{Size: file.Size - 1, SHA256: hex.EncodeToString(shorter[:])}), true, nil},
		{"deflated, of another file", deflated.Bytes(), nil, deflated.Len(), of(&layout.ContentsFile{Size: file.Size, SHA256: strings.Repeat("0", 64)}), true, nil},
	} {
		for _, piece := range []int{1, 7, 1 << 10} {
			closed := &closer{Reader: &slowly{c.body, c.fails, piece}}
			s := &sound{closed, "the key", int64(c.length), c.check()}
			got, err := io.ReadAll(s)
			if (c.damaged || c.err != nil) != (err != nil) || errors.Is(err, errDamaged) != c.damaged || c.err == store && !errors.Is(err, store) {
				t.Errorf("%s, by %d: %d of %d bytes, %v", c.name, piece, len(got), c.length, err)
			}
			if err != nil && c.damaged && !strings.HasPrefix(err.Error(), "the key: ") {
				t.Errorf("%s: %v", c.name, err)
			}
			if err == nil && !bytes.Equal(got, c.body[:c.length]) || err != nil && len(got) >= c.length {
				t.Errorf("%s, by %d: %d of %d bytes, %v", c.name, piece, len(got), c.length, err)
			}
			if err := s.Close(); err != nil || closed.times != 1 {
				t.Errorf("%s: closed %d times, %v", c.name, closed.times, err)
			}
		}
	}
	// A check that is given up does not wait for ever.
	c := newDeflateCheck(file)
	c.abandon()
	if err := <-c.done; err == nil {
		t.Error("a check that was given up passed")
	}
}

// slowly reads some bytes at a time, and then fails, or ends if that is nil.
type slowly struct {
	body  []byte
	fails error
	piece int
}

func (s *slowly) Read(p []byte) (int, error) {
	n := copy(p[:min(len(p), s.piece)], s.body)
	s.body = s.body[n:]
	if n > 0 {
		return n, nil
	}
	if s.fails != nil {
		return 0, s.fails
	}
	return 0, io.EOF
}

type closer struct {
	io.Reader
	times int
}

func (c *closer) Close() error {
	c.times++
	return nil
}

// TestBegun: the first 128 KiB of a stream are read ahead, or all of a shorter one.
func TestBegun(t *testing.T) {
	store := errors.New("reset by peer")
	for _, c := range []struct {
		size, length int
		fails        error
		ok           bool
	}{
		{5, 5, nil, true}, {100, 100, store, true}, {4, 5, nil, false}, {4, 5, store, false}, {0, 5, store, false}, {100, 100, nil, true}, {99, 100, nil, false},
		{writePiece, writePiece, store, true}, {writePiece - 1, writePiece, store, false},
		{writePiece, 2 * writePiece, store, true}, {writePiece - 1, 2 * writePiece, store, false},
	} {
		content := bytes.Repeat([]byte("x"), c.size)
		under := &closer{Reader: &slowly{content, c.fails, 1000}}
		r, err := begun(under, int64(c.length))
		if (err == nil) != c.ok || !c.ok && under.times != 1 || c.ok && under.times != 0 || err != nil && c.fails != nil && !errors.Is(err, c.fails) {
			t.Errorf("%d of %d bytes, then %v: %v, closed %d times", c.size, c.length, c.fails, err, under.times)
			continue
		}
		if !c.ok {
			continue
		}
		if got, _ := io.ReadAll(r); !bytes.Equal(got, content) {
			t.Errorf("%d of %d bytes", len(got), c.size)
		}
		if err := r.Close(); err != nil || under.times != 1 {
			t.Errorf("closed %d times, %v", under.times, err)
		}
	}
}

// TestTurns: what is made of a part of an archive waits for its turn, no longer than a read
// may take.
func TestTurns(t *testing.T) {
	h := &Handler{o: Options{CacheObject: 1 << 20}, store: countedStore{failingBucket{}, make(chan struct{}, 1), func(string) {}}, objects: newObjects(1<<20, time.Nanosecond), held: newHeld(1 << 20)}
	h.store.loading <- struct{}{}
	f := &layout.ContentsFile{Size: 10, SHA256: strings.Repeat("0", 64), Deflate: &layout.Deflate{Size: 5}}
	x := newClient().exchange("GET", time.Hour)
	for what, rep := range map[string]representation{"encoded": h.encodedFile(x, layout.Revision{}, f), "inflated": h.archivedFile(x, layout.Revision{}, f)} {
		if _, err := rep.open(t.Context(), 0, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if len(h.store.loading) != 1 {
		t.Errorf("%d are being read", len(h.store.loading))
	}
}

// TestAtEnd: what follows is one thing, that it cannot be known another.
func TestAtEnd(t *testing.T) {
	failure := errors.New("reset by peer")
	for _, c := range []struct {
		r    io.Reader
		want string
	}{{strings.NewReader(""), ""}, {strings.NewReader("x"), "it goes on after its end"}, {&slowly{fails: failure}, failure.Error()}, {&slowly{body: []byte("x"), fails: failure, piece: 1}, "it goes on after its end"}} {
		if err := atEnd(bufio.NewReader(c.r)); (err == nil) != (c.want == "") || err != nil && err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// TestNamedBy: a body is compared with its name to its end, encoded or not.
func TestNamedBy(t *testing.T) {
	content := []byte("content")
	check := namedBy(layout.DigestOf(content))
	failure := errors.New("reset by peer")
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(content)
	_ = z.Close()
	spoilt := bytes.Clone(packed.Bytes())
	spoilt[len(spoilt)-5] ^= 1 // of the checksum
	for what, c := range map[string]struct {
		check responseCheck
		body  io.Reader
		ok    bool
	}{
		"the content": {check, bytes.NewReader(content), true}, "more": {check, strings.NewReader("content!"), false}, "less": {check, strings.NewReader("conten"), false}, "nothing": {check, strings.NewReader(""), false},
		"a failure at the end": {check, io.MultiReader(bytes.NewReader(content), &slowly{fails: failure}), false}, "encoded": {check.encoded, bytes.NewReader(packed.Bytes()), true},
		"encoded with another checksum": {check.encoded, bytes.NewReader(spoilt), false}, "encoded and cut": {check.encoded, bytes.NewReader(packed.Bytes()[:packed.Len()-1]), false}, "not encoded": {check.encoded, bytes.NewReader(content), false},
	} {
		if err := c.check(t.Context(), c.body); (err == nil) != c.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}
