package store

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// TestCapabilitiesRetry: what a store can do beyond the contract is tried again too, and
// what it cannot is not made up.
func TestCapabilitiesRetry(t *testing.T) {
	batches, replaces := 0, 0
	able := &scripted{
		deleteBatch: func(context.Context, []string) (bool, error) {
			if batches++; batches == 1 {
				return true, io.ErrUnexpectedEOF
			}
			return true, nil
		},
		replaced: func() error {
			if replaces++; replaces == 1 {
				return io.ErrUnexpectedEOF
			}
			return nil
		},
	}
	can := CapabilitiesOf(Retry(able, RetryPolicy{Pause: time.Millisecond}))
	if once, err := can.DeleteBatch(t.Context(), []string{"a"}); once || err != nil || batches != 2 {
		t.Errorf("a batch that failed once: in one request %t, %v, %d requests", once, err, batches)
	}
	if once, err := can.DeleteBatch(t.Context(), []string{"a"}); !once || err != nil {
		t.Errorf("a batch: in one request %t, %v", once, err)
	}
	if err := can.Replace(t.Context(), layout.Object{}); err != nil || replaces != 2 {
		t.Errorf("a replacement that failed once: %v, %d requests", err, replaces)
	}
	if once, err := CapabilitiesOf(Retry(bare{}, RetryPolicy{})).DeleteBatch(t.Context(), nil); !once || !errors.Is(err, ErrUnsupported) {
		t.Errorf("a batch where the store has none: %t, %v", once, err)
	}
	if err := CapabilitiesOf(Retry(bare{}, RetryPolicy{})).Replace(t.Context(), layout.Object{}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("a replacement where the store has none: %v", err)
	}
}

// TestWhatIsOnlyHereIsTriedAgain: so are the calls that only this package makes, or that
// report how many requests a call took.
func TestWhatIsOnlyHereIsTriedAgain(t *testing.T) {
	var called []string
	once := func(what string) error {
		called = append(called, what)
		if len(called)%2 == 1 {
			return io.ErrUnexpectedEOF
		}
		return nil
	}
	s := Retry(&scripted{deleted: func() error { return once("delete") }, more: Capabilities{
		putFrom: func(_ context.Context, _ layout.Object, body content, _ int64) error {
			sent, err := io.ReadAll(body)
			if err != nil || string(sent) != "all" {
				t.Errorf("sent %q, %v", sent, err)
			}
			return once("put")
		},
		page: func(context.Context, string, []byte) ([]ObjectInfo, []byte, error) {
			return []ObjectInfo{{Key: "a"}}, nil, once("list")
		},
	}}, RetryPolicy{Pause: time.Millisecond})
	can := CapabilitiesOf(s)
	if first, err := can.DeleteOnce(t.Context(), "a"); first || err != nil {
		t.Errorf("a deletion that failed once: in one request %t, %v", first, err)
	}
	staged, err := can.Stage(layout.Object{Key: "a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := staged.Write([]byte("all")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(staged.Commit(t.Context()), staged.Discard()); err != nil {
		t.Error(err)
	}
	listed := 0
	for o, err := range s.List(t.Context(), "") {
		if listed++; err != nil || o.Key != "a" {
			t.Errorf("%+v, %v", o, err)
		}
	}
	if want := "delete delete put put list list"; strings.Join(called, " ") != want || listed != 1 {
		t.Errorf("called are %q, want %s; %d listed", called, want, listed)
	}
}

// TestRetryPolicyByDefault: half a minute of trouble is sat out.
func TestRetryPolicyByDefault(t *testing.T) {
	want := RetryPolicy{Attempts: 10, Pause: 100 * time.Millisecond, MaxPause: 10 * time.Second, Asked: 30 * time.Second, Total: 2 * time.Minute, Answer: 30 * time.Second, Slowest: 16 << 10}
	if got := (RetryPolicy{}).orDefault(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	other := RetryPolicy{1, 2, 3, 4, 5, 6, 7}
	if got := other.orDefault(); got != other {
		t.Errorf("what is given: %+v", got)
	}
}

// TestDefaultCapabilities: what a store does not offer is filled in.
func TestDefaultCapabilities(t *testing.T) {
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	can := CapabilitiesOf(bare{mem})
	if can.Parallel != 16 || can.Sync() != nil || can.File("a") != "" || can.Settings(t.Context(), "") != nil {
		t.Errorf("the defaults are %+v", can)
	}
	if got := can.OtherState("a"); got == "a" || got == "" {
		t.Errorf("another state than a is %q", got)
	}
	if is, err := can.Link(layout.Object{}); is || err != nil {
		t.Errorf("linked: %t, %v", is, err)
	}
	if found, err := can.Leftovers(t.Context(), time.Now()); found != nil || errors.Join(err, can.SweepFile("a"), can.SweepFolders(t.Context())) != nil {
		t.Errorf("left over are %v, %v", found, err)
	}
	state := Token("mine")
	mine := CapabilitiesOf(offering{mem, Capabilities{
		Parallel: 3, OtherState: func(Token) Token { return state }, File: func(string) string { return "f" }, Sync: func() error { return ErrURL },
		Link: func(layout.Object) (bool, error) { return true, nil },
	}})
	if linked, _ := mine.Link(layout.Object{}); mine.Parallel != 3 || mine.OtherState("a") != state || mine.File("") != "f" || !errors.Is(mine.Sync(), ErrURL) || !linked {
		t.Errorf("what a store offers is not kept: %+v", mine)
	}
}
