package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

var policy = Policy{Attempts: 4, Pause: time.Second, MaxPause: 3 * time.Second, Asked: 10 * time.Second}

// TestDo: what an attempt ends in decides whether there is another.
func TestDo(t *testing.T) {
	final := errors.New("final")
	for _, test := range []struct {
		name     string
		answers  []error // of the attempts; the last is repeated
		attempts int
		want     error
	}{
		{"at once", []error{nil}, 1, nil},
		{"for good", []error{final}, 1, final},
		{"the third time", []error{Again(io.EOF), After(io.EOF, time.Second), nil}, 3, nil},
		{"for good in the end", []error{Again(io.EOF), final}, 2, final},
		{"never", []error{Again(io.EOF)}, 4, ErrGaveUp},
		{"marked by an attempt within it", []error{fmt.Errorf("key: %w", Again(final)), nil}, 1, final},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			err := policy.Do(t.Context(), func() error {
				n++
				return test.answers[min(n, len(test.answers))-1]
			})
			if !errors.Is(err, test.want) || n != test.attempts {
				t.Errorf("%s: %d attempts, %v; want %d, %v", test.name, n, err, test.attempts, test.want)
			}
			if errors.Is(test.want, ErrGaveUp) && !errors.Is(err, io.EOF) {
				t.Errorf("%s: %v does not say what the last attempt ended in", test.name, err)
			}
		})
	}
}

// TestDoEnds: when ctx ends there is no further attempt, and no further wait.
func TestDoEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stopped, stop := context.WithCancel(t.Context())
		stop()
		err := policy.Do(stopped, func() error { t.Error("attempted after the end"); return nil })
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		begun, patient := time.Now(), Policy{Attempts: 10, Asked: time.Hour}
		err = patient.Do(ctx, func() error { return After(io.EOF, time.Hour) })
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != 5*time.Second {
			t.Errorf("after %s: %v", time.Since(begun), err)
		}
	})
}

// TestEndWithinAttempt: what an attempt ends in does not matter once ctx has
// ended, and a wait that ctx ends says so.
func TestEndWithinAttempt(t *testing.T) {
	for _, outcome := range []error{io.EOF, Again(io.EOF)} {
		ctx, cancel := context.WithCancel(t.Context())
		err := policy.Do(ctx, func() error { cancel(); return outcome })
		if err != context.Canceled {
			t.Errorf("%v while ctx ends: %v", outcome, err)
		}
		if err := Sleep(ctx, time.Hour); err != context.Canceled {
			t.Errorf("a wait after the end: %v", err)
		}
		cancel()
	}
}

// TestPauses: each is announced before it begins, and one that does not end well
// ends all.
func TestPauses(t *testing.T) {
	broken := errors.New("no more waiting")
	var said []string
	p := policy
	p.Pausing = func(n int, pause time.Duration, err error) {
		said = append(said, fmt.Sprint(n, " ", pause > 0, " ", err))
	}
	p.Sleep = func(context.Context, time.Duration) error {
		if len(said) == 2 {
			return broken
		}
		return nil
	}
	if err := p.Do(t.Context(), func() error { return Again(io.EOF) }); err != broken {
		t.Errorf("%v, want %v", err, broken)
	}
	if want := []string{"1 true EOF", "2 true EOF"}; !slices.Equal(said, want) {
		t.Errorf("announced %q, want %q", said, want)
	}
	if err := p.Wait(t.Context(), 1, 0); err != broken {
		t.Errorf("a wait that does not end well: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := policy.Wait(ended, 1, time.Hour); err != context.Canceled {
		t.Errorf("a wait after the end: %v", err)
	}
}

// TestTotal: no attempt begins after the time for all of them.
func TestTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Policy{Attempts: 1000, Asked: time.Minute, Total: 10 * time.Second}
		n := 0
		err := p.Do(t.Context(), func() error { n++; return After(io.EOF, 3*time.Second) })
		if !errors.Is(err, ErrGaveUp) || n != 5 { // at 0, 3, 6, 9 and 12 s
			t.Errorf("%d attempts, %v", n, err)
		}
		n, p.Total = 0, 9*time.Second
		if err := p.Do(t.Context(), func() error { n++; return After(io.EOF, 3*time.Second) }); !errors.Is(err, ErrGaveUp) || n != 5 {
			t.Errorf("at the very end of the time: %d attempts, %v", n, err)
		}
	})
}

// TestWait: pauses double within their bounds, after what was asked for within its.
func TestWait(t *testing.T) {
	for n := 1; n < 80; n++ { // far beyond where a shift would overflow
		for _, asked := range []time.Duration{0, 5 * time.Second, time.Hour} {
			p, waited := policy, time.Duration(-1)
			p.Sleep = func(_ context.Context, d time.Duration) error { waited = d; return nil }
			if err := p.Wait(t.Context(), n, asked); err != nil {
				t.Fatal(err)
			}
			least := min(asked, p.Asked)
			if most := least + min(p.Pause<<min(n-1, 10), p.MaxPause); waited < least || waited > most {
				t.Errorf("attempt %d, asked for %s: waited %s, want %s to %s", n, asked, waited, least, most)
			}
		}
	}
}

func TestAsked(t *testing.T) {
	now := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	for _, test := range []struct {
		header string
		want   time.Duration
	}{
		{"", 0}, {"0", 0}, {"2", 2 * time.Second}, {"-3", 0}, {"soon", 0}, {"1.5", 0},
		{"Mon, 06 May 2024 07:08:12 GMT", 3 * time.Second}, {"Mon, 06 May 2024 07:08:00 GMT", 0},
		{"999999999999999", 24 * time.Hour}, {"99999999999999999999999", 0},
	} {
		if got := Asked(http.Header{"Retry-After": {test.header}}, now); got != test.want {
			t.Errorf("%q asks for %s, want %s", test.header, got, test.want)
		}
	}
	if got := Asked(nil, now); got != 0 {
		t.Errorf("no header asks for %s", got)
	}
}
