package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/layout"
)

// stepped is a store whose calls do what each says; those of no step succeed.
type stepped struct {
	// call is asked before each call, with its name and the time until which it may take.
	call func(ctx context.Context, name string) error
	// loads is what Load gives.
	loads string
}

func (s stepped) Put(ctx context.Context, _ layout.Object) error { return s.call(ctx, "put") }

func (s stepped) Open(ctx context.Context, _ string, _, _ int64) (io.ReadCloser, int64, error) {
	return io.NopCloser(strings.NewReader("x")), 1, s.call(ctx, "open")
}

func (s stepped) List(ctx context.Context, prefix string) iter.Seq2[ObjectInfo, error] {
	return pages(ctx, prefix, s.page)
}

func (s stepped) page(ctx context.Context, _ string, _ []byte) ([]ObjectInfo, []byte, error) {
	return nil, nil, s.call(ctx, "page")
}

func (s stepped) Delete(ctx context.Context, _ string) error { return s.call(ctx, "delete") }

func (s stepped) Load(ctx context.Context, _ string) ([]byte, Token, error) {
	return []byte(s.loads), "t", s.call(ctx, "load")
}

func (s stepped) Swap(ctx context.Context, _ string, _ []byte, _ Token) error {
	return s.call(ctx, "swap")
}

func (s stepped) Close() error { return nil }

func (s stepped) Capabilities() Capabilities {
	return Capabilities{
		Replace:     func(ctx context.Context, _ layout.Object) error { return s.call(ctx, "replace") },
		DeleteBatch: func(ctx context.Context, _ []string) (bool, error) { return true, s.call(ctx, "batch") },
		putFrom:     func(ctx context.Context, _ layout.Object, _ content, _ int64) error { return s.call(ctx, "put from") },
		page:        s.page,
	}
}

// TestRequests: how each call is named in messages, how long an attempt may take, and that
// one which fails for a passing reason is made again.
func TestRequests(t *testing.T) {
	const none = time.Duration(-1)
	body := make([]byte, 32<<10) // two seconds at the slowest rate
	for _, c := range []struct {
		name, request string
		takes         time.Duration
		call          func(ctx context.Context, s *retrying) error
	}{
		{"put", "write k", 32 * time.Second, func(ctx context.Context, s *retrying) error { return s.Put(ctx, layout.Object{Key: "k", Body: body}) }},
		{"put from", "write k", 32 * time.Second, func(ctx context.Context, s *retrying) error {
			return s.putFrom(ctx, layout.Object{Key: "k"}, bytes.NewReader(body), int64(len(body)))
		}},
		{"replace", "replace k", 32 * time.Second, func(ctx context.Context, s *retrying) error {
			return s.replace(ctx, layout.Object{Key: "k", Body: body})
		}},
		{"delete", "delete k", 30 * time.Second, func(ctx context.Context, s *retrying) error { return s.Delete(ctx, "k") }},
		{"batch", "delete 2 objects", 30 * time.Second, func(ctx context.Context, s *retrying) error {
			_, err := s.deleteBatch(ctx, []string{"a", "b"})
			return err
		}},
		{"page", "list p", 30 * time.Second, func(ctx context.Context, s *retrying) error {
			for _, err := range s.List(ctx, "p") {
				return err
			}
			return nil
		}},
		{"load", "read k", 30 * time.Second, func(ctx context.Context, s *retrying) error {
			_, _, err := s.Load(ctx, "k")
			return err
		}},
		{"swap", "write k", 30 * time.Second, func(ctx context.Context, s *retrying) error { return s.Swap(ctx, "k", body, "") }},
		{"open", "read k", none, func(ctx context.Context, s *retrying) error {
			r, n, err := s.Open(ctx, "k", 0, -1)
			if err != nil {
				return err
			}
			if n != 1 {
				return fmt.Errorf("%d bytes", n)
			}
			return r.Close()
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []Notice
			attempts := 0
			s := newRetrying(stepped{call: func(ctx context.Context, name string) error {
				if end, ok := ctx.Deadline(); name != c.name || ok != (c.takes != none) || ok && time.Until(end) != c.takes {
					t.Errorf("%s: %s may take %s, want %s", c.name, name, time.Until(end), c.takes)
				}
				if attempts++; attempts < 3 {
					time.Sleep(time.Second)
					return io.ErrUnexpectedEOF
				}
				return nil
			}}, RetryPolicy{Attempts: 4, Pause: time.Second})
			s.place, s.notices = "s3://b", noticesOf(WithNotices(t.Context(), func(n Notice) { told = append(told, n) }), "s3://b")
			if err := c.call(t.Context(), s); err != nil || attempts != 3 {
				t.Errorf("%s: %d attempts, %v", c.name, attempts, err)
			}
			if len(told) != 5 {
				t.Errorf("%s: the notices are %+v", c.name, told)
				return
			}
			for i, n := range told {
				again, took := i%2 == 1, time.Second
				if i == 4 {
					took = 0
				}
				switch {
				case n.Place != "s3://b" || n.Request != c.request || n.Silent != 0,
					again && (n.Attempt != i/2+1 || n.Of != 4 || n.Pause > 2*time.Second || n.Took != 0),
					!again && (n.Attempt != 0 || n.Of != 0 || n.Took != took),
					(n.Err == nil) != (i == 4):
					t.Errorf("%s: notice %d is %+v", c.name, i, n)
				}
			}
		})
	}
}

// TestSwapsAgain: whose swap it was that moved the pointer, where an answer was lost.
func TestSwapsAgain(t *testing.T) {
	lost, out := io.ErrUnexpectedEOF, errors.New("out of order")
	for _, c := range []struct {
		name  string
		swaps []error
		loads string // "": it has nothing
		load  error
		want  error
		asks  string
	}{
		{"at once", []error{nil}, "theirs", nil, nil, "swap"},
		{"someone was faster", []error{ErrConflict}, "ours", nil, ErrConflict, "swap"},
		{"the second attempt", []error{lost, nil}, "theirs", nil, nil, "swap swap"},
		{"it was this one", []error{lost, ErrConflict}, "ours", nil, nil, "swap swap load"},
		{"it was this one, before two answers were lost", []error{lost, lost, ErrConflict}, "ours", nil, nil, "swap swap swap load"},
		{"it was another", []error{lost, ErrConflict}, "theirs", nil, ErrConflict, "swap swap load"},
		{"it is gone", []error{lost, ErrConflict}, "", fs.ErrNotExist, ErrConflict, "swap swap load"},
		{"what is there cannot be read", []error{lost, ErrConflict}, "ours", out, out, "swap swap load"},
		{"it is final", []error{out}, "ours", nil, out, "swap"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var asked []string
			s := Retry(stepped{loads: c.loads, call: func(_ context.Context, name string) error {
				asked = append(asked, name)
				if name == "load" {
					return c.load
				}
				err := c.swaps[0]
				c.swaps = c.swaps[1:]
				return err
			}}, RetryPolicy{})
			if err := s.Swap(t.Context(), "k", []byte("ours"), "t"); !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Errorf("%s: %v, want %v", c.name, err, c.want)
			}
			if got := strings.Join(asked, " "); got != c.asks {
				t.Errorf("%s: it asks for %s, want %s", c.name, got, c.asks)
			}
		})
	}
}

// counting is a body that counts how often it is closed.
type counting struct {
	io.Reader
	closed *int
}

func (c counting) Close() error {
	*c.closed++
	return nil
}

// TestLateAnswers: a read whose answer comes too late is given up, and its body with it.
func TestLateAnswers(t *testing.T) {
	for takes, late := range map[time.Duration]bool{30*time.Second - 1: false, 30*time.Second + 1: true} {
		synctest.Test(t, func(t *testing.T) {
			opened, closed := 0, 0
			s := Retry(&scripted{open: func(ctx context.Context, _ string, _, _ int64) (io.ReadCloser, int64, error) {
				opened++
				time.Sleep(takes)
				if (ctx.Err() != nil) != late || late && !errors.Is(context.Cause(ctx), errNoAnswer) {
					t.Errorf("after %s: %v", takes, context.Cause(ctx))
				}
				return counting{strings.NewReader("x"), &closed}, 1, nil
			}}, RetryPolicy{Attempts: 3})
			r, _, err := s.Open(t.Context(), "k", 0, -1)
			if errors.Is(err, errNoAnswer) != late || (err == nil) == late {
				t.Errorf("after %s: %v", takes, err)
			}
			if err == nil {
				time.Sleep(time.Hour) // a body may take as long as it wants
				body, err := io.ReadAll(r)
				if err := errors.Join(err, r.Close()); err != nil || string(body) != "x" {
					t.Errorf("after %s: %q, %v", takes, body, err)
				}
			}
			if want := map[bool]int{false: 1, true: 3}[late]; opened != want || closed != want {
				t.Errorf("after %s: %d requests, %d bodies are closed, want %d", takes, opened, closed, want)
			}
		})
	}
}

// TestPausesOfReads: before a read goes on it waits as long as the store asks, and no
// longer than its caller.
func TestPausesOfReads(t *testing.T) {
	busy := &googleapi.Error{Code: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"5"}}}
	for _, wait := range []time.Duration{time.Hour, time.Second} {
		synctest.Test(t, func(t *testing.T) {
			var told []Notice
			parts := []string{"a", "b"}
			s := newRetrying(&scripted{open: func(context.Context, string, int64, int64) (io.ReadCloser, int64, error) {
				p := parts[0]
				parts = parts[1:]
				return io.NopCloser(brokenOff{strings.NewReader(p), busy}), int64(1 + len(parts)), nil
			}}, RetryPolicy{Attempts: 3})
			s.notices = noticesOf(WithNotices(t.Context(), func(n Notice) { told = append(told, n) }), "s3://b")
			ctx, stop := context.WithTimeout(t.Context(), wait)
			defer stop()
			r, _, err := s.Open(ctx, "k", 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			body, err := io.ReadAll(r)
			took := time.Since(begun)
			if wait == time.Second {
				if !errors.Is(err, context.DeadlineExceeded) || took != wait || len(parts) != 1 {
					t.Errorf("the caller waits for %s: %q, %v after %s", wait, body, err, took)
				}
			} else if err != nil || string(body) != "ab" || took < 5*time.Second {
				t.Errorf("%q, %v after %s", body, err, took)
			}
			n := told[1] // after that of the first answer
			if n.Request != "read k" || n.Attempt != 1 || n.Of != 3 || !errors.Is(n.Err, busy) {
				t.Errorf("the notice is %+v", n)
			}
			_ = r.Close()
		})
	}
}

// TestReadsThatAreStopped: who stops a read gets that for an answer, and no more requests
// are made.
func TestReadsThatAreStopped(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	opened := 0
	s := Retry(&scripted{open: func(context.Context, string, int64, int64) (io.ReadCloser, int64, error) {
		opened++
		return stopping{stop}, 10, nil
	}}, RetryPolicy{})
	r, _, err := s.Open(ctx, "k", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) || opened != 1 {
		t.Errorf("%v, after %d requests", err, opened)
	}
	_ = r.Close()
}

// stopping is a body whose reader is stopped while it reads.
type stopping struct{ stop func() }

func (s stopping) Read([]byte) (int, error) {
	s.stop()
	return 0, io.ErrUnexpectedEOF
}

func (stopping) Close() error { return nil }

// TestClosed: what is put aside cannot be stored once its file is closed, and nothing can be
// read or deleted in a memory that was given up.
func TestClosed(t *testing.T) {
	s := &spool{put: func(context.Context, layout.Object, content, int64) error { return nil }}
	if _, err := s.Write(make([]byte, spoolSize+1)); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Commit(t.Context()); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("what was put aside: %v", err)
	}
	if err := s.Discard(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("its end: %v", err)
	}
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := mem.Close(); err != nil {
		t.Fatal(err)
	}
	if err := mem.Delete(t.Context(), "k"); err == nil {
		t.Error("something is deleted")
	}
	if _, _, err := mem.Load(t.Context(), "k"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is read: %v", err)
	}
	if _, _, err := mem.Open(t.Context(), "k", 0, -1); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is opened: %v", err)
	}
	for range mem.List(t.Context(), "") {
		return
	}
	t.Error("it lists nothing")
}

// TestQuickAnswers: once a request is answered nothing more is said of it.
func TestQuickAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		n := noticesOf(WithNotices(t.Context(), func(Notice) { told++ }), "s3://b")
		n.begin("read a")(nil)
		time.Sleep(time.Minute)
		if told != 1 {
			t.Errorf("%d notices of one answer", told)
		}
	})
	if n := noticesOf(t.Context(), "s3://b"); n != nil {
		t.Error("notices that nobody wants")
	}
	var none *notices
	none.begin("read a")(nil)
	none.again("read a", 1, 2, 0, io.EOF)
}
