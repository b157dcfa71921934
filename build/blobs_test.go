package build

import (
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/regsnap/regsnap/index"
)

// memorySource has contents by id, and counts how often each is read.
type memorySource struct {
	index.Source
	contents map[index.ID]string
	// before, if set, is called ahead of each content.
	before func(index.ID) error

	mu    sync.Mutex
	reads map[index.ID]int
}

func newMemorySource(contents ...string) *memorySource {
	s := &memorySource{contents: map[index.ID]string{}, reads: map[index.ID]int{}}
	for i, c := range contents {
		s.contents[index.ID{byte(i + 1)}] = c
	}
	return s
}

func (s *memorySource) Read(_ context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	for _, id := range ids {
		s.mu.Lock()
		s.reads[id]++
		s.mu.Unlock()
		if s.before != nil {
			if err := s.before(id); err != nil {
				return err
			}
		}
		buffer := []byte(s.contents[id])
		if err := fn(id, buffer); err != nil {
			return err
		}
		clear(buffer) // it is only valid during the call
	}
	return nil
}

func TestBlobsAreReadOnce(t *testing.T) {
	s := newMemorySource("one", "two", "three")
	c := newBlobCache(s, 1<<20)
	packages := make([][]index.ID, 20)
	for i := range packages {
		packages[i] = []index.ID{{byte(i%3 + 1)}, {byte((i+1)%3 + 1)}}
		c.expect(packages[i])
	}
	c.expect(packages[0])
	c.skip(packages[0])
	var wg sync.WaitGroup
	for _, ids := range packages {
		wg.Go(func() {
			blobs, err := c.pin(context.Background(), ids)
			if err != nil {
				t.Error(err)
				return
			}
			for _, id := range ids {
				if got := string(blobs[id].raw); got != s.contents[id] {
					t.Errorf("%v is %q, want %q", id[0], got, s.contents[id])
				}
			}
			c.unpin(blobs)
		})
	}
	wg.Wait()
	for id, n := range s.reads {
		if n != 1 {
			t.Errorf("content %d was read %d times", id[0], n)
		}
	}
	if len(c.blobs)+len(c.uses)+c.idle.Len() > 0 || c.idleSize != 0 {
		t.Errorf("%d contents are kept after the last package, %d awaited, %d idle with %d bytes", len(c.blobs), len(c.uses), c.idle.Len(), c.idleSize)
	}
}

func TestBlobsAreEvicted(t *testing.T) {
	// Each takes 100 bytes: what does not compress is kept as it is.
	random := rand.New(rand.NewPCG(1, 2))
	packed := func() string {
		b := make([]byte, 100)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return string(b)
	}
	s := newMemorySource(packed(), packed(), packed(), packed())
	c := newBlobCache(s, 200) // two of them
	for range 10 {            // someone else is always still to come
		c.expect([]index.ID{{1}, {2}, {3}, {4}})
	}
	use := func(n byte) {
		t.Helper()
		blobs, err := c.pin(context.Background(), []index.ID{{n}})
		if err != nil {
			t.Fatal(err)
		}
		c.unpin(blobs)
	}
	held, err := c.pin(context.Background(), []index.ID{{4}})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []byte{1, 2, 1, 3} { // 2 is now the least recently used, and goes
		use(n)
	}
	use(1)
	use(3)
	use(4) // pinned: it is there whatever was used since
	c.unpin(held)
	for n, want := range map[byte]int{1: 1, 2: 1, 3: 1, 4: 1} {
		if got := s.reads[index.ID{n}]; got != want {
			t.Errorf("content %d was read %d times, want %d", n, got, want)
		}
	}
	use(2)
	if got := s.reads[index.ID{2}]; got != 2 {
		t.Errorf("content 2 was read %d times, want 2: it was evicted", got)
	}
	if c.idleSize > 200 || c.idle.Len() != len(c.blobs) {
		t.Errorf("%d bytes are kept, %d idle of %d", c.idleSize, c.idle.Len(), len(c.blobs))
	}
}

// Whoever waits for a content that another is reading learns that it failed, and
// the next one reads it again.
func TestBlobErrorsReachWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newMemorySource("one", "two")
		broken := errors.New("disk on fire")
		fail := make(chan struct{})
		s.before = func(id index.ID) error {
			if id[0] != 2 {
				return nil
			}
			<-fail
			return broken
		}
		c := newBlobCache(s, 1<<20)
		for range 20 {
			c.expect([]index.ID{{1}, {2}})
		}
		pin := func(ids ...index.ID) {
			go func() {
				if _, err := c.pin(context.Background(), ids); !errors.Is(err, broken) {
					t.Errorf("error %v, want %v", err, broken)
				}
			}()
		}
		pin(index.ID{1}, index.ID{2})
		synctest.Wait() // it reads
		for range 10 {
			pin(index.ID{2})
		}
		synctest.Wait() // they wait for it
		close(fail)
		synctest.Wait()
		s.before = nil
		blobs, err := c.pin(context.Background(), []index.ID{{1}, {2}})
		if err != nil {
			t.Fatal(err)
		}
		if got := string(blobs[index.ID{2}].raw); got != "two" {
			t.Errorf("read again it is %q", got)
		}
		if one, two := s.reads[index.ID{1}], s.reads[index.ID{2}]; one != 1 || two != 2 {
			t.Errorf("read %d and %d times, want 1 and 2", one, two)
		}
		c.unpin(blobs)
		// What failed is no content that waits for its next package.
		if size := c.blobs[index.ID{1}].size() + c.blobs[index.ID{2}].size(); c.idle.Len() != 2 || len(c.blobs) != 2 || c.idleSize != size {
			t.Errorf("%d idle of %d, %d bytes", c.idle.Len(), len(c.blobs), c.idleSize)
		}
	})
}

func TestDeflated(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, test := range map[string]struct {
		content  string
		compress bool
	}{
		"text":          {strings.Repeat("hello ", 100), true},
		"short":         {"ab", false},
		"empty":         {"", false},
		"an image":      {"\x89PNG\r\n\x1a\n" + strings.Repeat("x", 1000), true},
		"noise":         {string(noise), false},
		"2 % of it":     {string(noise) + strings.Repeat("x", 80), false},
		"4 % of it":     {string(noise) + strings.Repeat("x", 200), true},
		"noise twice":   {string(noise) + string(noise), true},
		"a gzip header": {"\x1f\x8b" + strings.Repeat("x", 1000), true},
	} {
		b := new(blob)
		if err := b.fill([]byte(test.content)); err != nil {
			t.Fatal(err)
		}
		if (b.deflated != nil) != test.compress {
			t.Errorf("%s: compressed is %v", name, b.deflated != nil)
		}
		if b.deflated == nil {
			continue
		}
		got, err := io.ReadAll(flate.NewReader(bytes.NewReader(b.deflated)))
		if err != nil || string(got) != test.content {
			t.Errorf("%s: inflates to %q, %v", name, got, err)
		}
	}
}
