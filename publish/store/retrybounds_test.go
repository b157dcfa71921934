package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// scripted is a store in memory whose next calls do what a test says.
type scripted struct {
	Store
	put         func(ctx context.Context) error
	open        func(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error)
	deleteBatch func(ctx context.Context, keys []string) (bool, error)
	replaced    func() error
	deleted     func() error
	more        Capabilities
}

func (s *scripted) Put(ctx context.Context, o layout.Object) error {
	if s.put != nil {
		return s.put(ctx)
	}
	return s.Store.Put(ctx, o)
}

func (s *scripted) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	if s.open != nil {
		return s.open(ctx, key, offset, length)
	}
	return s.Store.Open(ctx, key, offset, length)
}

func (s *scripted) Delete(ctx context.Context, key string) error {
	if s.deleted != nil {
		return s.deleted()
	}
	return s.Store.Delete(ctx, key)
}

func (s *scripted) Capabilities() Capabilities {
	c := s.more
	c.DeleteBatch, c.Replace = s.deleteBatch, func(ctx context.Context, o layout.Object) error { return s.replaced() }
	return c
}

// TestAttemptAtItsTime: an attempt that ends in time, or too late but well, counts as what
// it came to; one that fails once its time is over had no answer.
func TestAttemptAtItsTime(t *testing.T) {
	const answer = time.Second
	other := errors.New("another error")
	for _, c := range []struct {
		takes    time.Duration
		comes    error
		want     error
		attempts int
	}{
		{0, nil, nil, 1},
		{answer - 1, other, other, 1},
		{answer + 1, nil, nil, 1},
		{answer + 1, other, errNoAnswer, 3},
		{answer + 1, ErrConflict, ErrConflict, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			s := Retry(&scripted{put: func(context.Context) error {
				attempts++
				time.Sleep(c.takes)
				return c.comes
			}}, RetryPolicy{Attempts: 3, Pause: time.Millisecond, Answer: answer})
			if err := s.Put(t.Context(), layout.Object{}); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("after %s, %v: %v, want %v", c.takes, c.comes, err, c.want)
			}
			if attempts != c.attempts {
				t.Errorf("after %s, %v: %d attempts, want %d", c.takes, c.comes, attempts, c.attempts)
			}
		})
	}
}

// TestTimeOfLargeObjects: a body has as much time more as it takes at the slowest rate
// that is waited for.
func TestTimeOfLargeObjects(t *testing.T) {
	s := newRetrying(&scripted{}, RetryPolicy{})
	for size, want := range map[int64]time.Duration{0: 30 * time.Second, 16<<10 - 1: 30 * time.Second, 16 << 10: 31 * time.Second, 10 << 20: 670 * time.Second} {
		if got := s.timeout(size); got != want {
			t.Errorf("%d bytes have %s, want %s", size, got, want)
		}
	}
}

// TestRetryCloses: the end of a store that is tried again is that of the store.
func TestRetryCloses(t *testing.T) {
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := Retry(mem, RetryPolicy{})
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := s.Close(); err == nil {
		t.Error("a store is closed twice")
	}
}

// TestBodiesThatEndBadly: how a body ends is said once.
func TestBodiesThatEndBadly(t *testing.T) {
	s := Retry(&scripted{open: func(context.Context, string, int64, int64) (io.ReadCloser, int64, error) {
		return endsBadly{strings.NewReader("x")}, 1, nil
	}}, RetryPolicy{})
	r, _, err := s.Open(t.Context(), "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); !errors.Is(err, ErrURL) {
		t.Errorf("the end is %v", err)
	}
	if err := r.Close(); err != nil {
		t.Errorf("the second end is %v", err)
	}
}

type endsBadly struct{ io.Reader }

func (endsBadly) Close() error { return ErrURL }

// bare is a store that has no capabilities.
type bare struct{ Store }

// offering is a store with capabilities of a test's choice.
type offering struct {
	Store
	can Capabilities
}

func (o offering) Capabilities() Capabilities { return o.can }

// brokenOff is a body that ends in an error.
type brokenOff struct {
	io.Reader
	err error
}

func (b brokenOff) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

// TestResumedReads: a body that breaks off goes on where it was, and what then does not
// fit, in length or in kind, is said.
func TestResumedReads(t *testing.T) {
	const whole = "0123456789"
	// Each attempt gives some bytes from where it is asked to begin, says how many will
	// come, and ends in an error, io.EOF if it is all.
	type part struct {
		gives, says int
		ends        error
	}
	for what, c := range map[string]struct {
		parts []part
		want  string
		fails error
		text  string
	}{
		"at once":                  {[]part{{10, 10, io.EOF}}, whole, nil, ""},
		"cut once":                 {[]part{{4, 10, io.ErrUnexpectedEOF}, {6, 6, io.EOF}}, whole, nil, ""},
		"a clean end too early":    {[]part{{4, 10, io.EOF}, {6, 6, io.EOF}}, whole, nil, ""},
		"then one byte less":       {[]part{{4, 10, io.ErrUnexpectedEOF}, {5, 5, io.EOF}}, whole[:4], layout.ErrDamaged, "5 bytes are left from 4 on, not 6 as before"},
		"then one byte more":       {[]part{{4, 10, io.ErrUnexpectedEOF}, {6, 7, io.EOF}}, whole[:4], layout.ErrDamaged, "7 bytes are left"},
		"an error that stays":      {[]part{{4, 10, ErrURL}}, whole[:4], ErrURL, "at byte 4"},
		"never more":               {[]part{{4, 10, io.ErrUnexpectedEOF}, {0, 6, io.ErrUnexpectedEOF}, {0, 6, io.ErrUnexpectedEOF}}, whole[:4], layout.ErrDamaged, "6 bytes are missing"},
		"never more, said well":    {[]part{{4, 10, io.EOF}, {0, 6, io.EOF}, {0, 6, io.EOF}}, whole[:4], layout.ErrDamaged, "6 bytes are missing"},
		"a byte each time":         {[]part{{1, 10, io.ErrUnexpectedEOF}, {1, 9, io.ErrUnexpectedEOF}, {1, 8, io.ErrUnexpectedEOF}, {1, 7, io.ErrUnexpectedEOF}, {6, 6, io.EOF}}, whole, nil, ""},
		"all, and an unclean end":  {[]part{{10, 10, io.ErrUnexpectedEOF}}, whole, nil, ""},
		"all, and a wrong sum":     {[]part{{10, 10, ErrURL}}, whole, ErrURL, ""},
		"a byte more than it said": {[]part{{10, 9, io.EOF}}, whole[:9], layout.ErrDamaged, "longer than the store said"},
	} {
		synctest.Test(t, func(t *testing.T) {
			asked := 0
			var contexts []context.Context
			s := Retry(&scripted{open: func(ctx context.Context, _ string, offset, _ int64) (io.ReadCloser, int64, error) {
				if asked == len(c.parts) {
					return nil, 0, fmt.Errorf("asked %d times", asked+1)
				}
				contexts = append(contexts, ctx)
				p := c.parts[asked]
				asked++
				return io.NopCloser(brokenOff{strings.NewReader(whole[offset : offset+int64(p.gives)]), p.ends}), int64(p.says), nil
			}}, RetryPolicy{Attempts: 3})
			r, _, err := s.Open(t.Context(), "k", 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if string(body) != c.want || !errors.Is(err, c.fails) || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("%s: %q, %v; want %q, %v %q", what, body, err, c.want, c.fails, c.text)
			}
			if asked != len(c.parts) {
				t.Errorf("%s: asked %d times, want %d", what, asked, len(c.parts))
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
			for i, ctx := range contexts {
				if ctx.Err() == nil {
					t.Errorf("%s: request %d is kept open after the end", what, i+1)
				}
			}
			if _, err := r.Read(make([]byte, 1)); err == nil {
				t.Errorf("%s: read after the end", what)
			}
		})
	}
}

// failingContent is a body that cannot be read to its end.
type failingContent struct{ io.Seeker }

func (failingContent) Read([]byte) (int, error)          { return 0, ErrURL }
func (failingContent) ReadAt([]byte, int64) (int, error) { return 0, ErrURL }

// stuck is a body that cannot be read twice.
type stuck struct{ *bytes.Reader }

func (stuck) Seek(int64, int) (int64, error) { return 0, ErrURL }

// TestSumsOfWhatCannotBeRead: a sum is of the whole body, or an error.
func TestSumsOfWhatCannotBeRead(t *testing.T) {
	body := failingContent{bytes.NewReader(make([]byte, 100))}
	if sum, err := sumAndRewind(body); !errors.Is(err, ErrURL) {
		t.Errorf("of a body that fails: %x, %v", sum, err)
	}
	if sum, err := sumAndRewind(stuck{bytes.NewReader([]byte("abc"))}); !errors.Is(err, ErrURL) {
		t.Errorf("of a body that cannot be read again: %x, %v", sum, err)
	}
	good := bytes.NewReader([]byte("abc"))
	sum, err := sumOf(layout.Object{}, good)
	if fmt.Sprintf("%x", sum) != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" || err != nil || good.Len() != 3 {
		t.Errorf("the sum of abc is %x, %v, and %d bytes are left", sum, err, good.Len())
	}
	for sum, ok := range map[string]bool{strings.Repeat("ab", 32): true, strings.Repeat("ab", 31): false, strings.Repeat("ab", 33): false, strings.Repeat("xy", 32): false, strings.Repeat("ab", 32) + "a": false} {
		if _, err := sumOf(layout.Object{SHA256: sum}, body); (err == nil) != ok {
			t.Errorf("%q: %v", sum, err)
		}
	}
}

// TestSilence: a store is silent when for two and a half seconds nothing was answered, of
// this request or another.
func TestSilence(t *testing.T) {
	for other, silent := range map[time.Duration]bool{0: true, 1: false, time.Second: false, silentFor - 1: false} {
		synctest.Test(t, func(t *testing.T) {
			var told []Notice
			n := noticesOf(WithNotices(t.Context(), func(n Notice) { told = append(told, n) }), "s3://b")
			end := n.begin("read a")
			if other > 0 {
				done := n.begin("read b")
				time.Sleep(other)
				done(nil)
			}
			time.Sleep(silentFor + 1 - other)
			synctest.Wait()
			said := false
			for _, n := range told {
				said = said || n.Silent > 0 && n.Request == "read a"
			}
			if said != silent {
				t.Errorf("another answer after %s: silent %t, want %t: %+v", other, said, silent, told)
			}
			end(io.EOF)
			last := told[len(told)-1]
			if last.Took != silentFor+1 || !errors.Is(last.Err, io.EOF) || last.Place != "s3://b" {
				t.Errorf("the notice of the end is %+v", last)
			}
			before := len(told)
			time.Sleep(time.Minute)
			if len(told) > before {
				t.Errorf("there are notices after the end: %+v", told[before:])
			}
		})
	}
}
