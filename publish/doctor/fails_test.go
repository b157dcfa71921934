package doctor

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// TestEachRequestFails has each request of an examination fail in turn: the reason is the
// error, or it is in the report, and what is live stays.
func TestEachRequestFails(t *testing.T) {
	for _, r := range []rights{{production, asPublisher}, {production, nil}, {Options{Role: Publisher}, asPublisher}, {Options{Role: Pruner}, asPruner}, {Options{Role: Pruner}, nil}, {Options{Role: Reader}, asReader}, {Options{Role: Reader}, nil}} {
		for fails, failed := 1, "a request"; failed != ""; fails++ {
			s := newRuled(t, r.rules)
			indexed("production")(s)
			s.fails, s.with = fails, errOutOfOrder
			report, err := Examine(t.Context(), s, r.o)
			if failed = s.failed; failed == "" {
				if err != nil {
					t.Error(err)
				}
				break
			}
			found := slices.ContainsFunc(report.Findings, func(f Finding) bool {
				return f.Verdict == store.Wrong && (strings.Contains(f.Found, errOutOfOrder.Error()))
			})
			// A store that wants a condition says so in any way, and a cursor that cannot
			// be read is that of no index.
			forgiven := strings.HasPrefix(failed, "replace ") || r.o.Role == Pruner && strings.HasPrefix(failed, "load storage/")
			if !errors.Is(err, errOutOfOrder) && !found && !forgiven || err != nil && found {
				t.Errorf("%s: %q fails: %v, %q", r.o.Role, failed, err, lines(report))
			}
			for _, key := range s.keys(t) {
				if strings.HasPrefix(key, layout.LeasesPrefix) && !strings.HasPrefix(failed, "delete leases/") {
					t.Errorf("%s: %q fails: %s stays", r.o.Role, failed, key)
				}
			}
		}
	}
}

// TestEndedExaminations: who is stopped, at whichever request, says so.
func TestEndedExaminations(t *testing.T) {
	for _, r := range []rights{{production, asPublisher}, {production, nil}, {Options{Role: Pruner}, asPruner}, {Options{Role: Reader}, nil}} {
		for ends, ended := 1, false; !ended; ends++ {
			ctx, stop := context.WithCancel(t.Context())
			s := newRuled(t, r.rules)
			s.ends, s.stop = ends, stop
			_, err := Examine(ctx, s, r.o)
			if ended = s.failed == ""; ended != (err == nil) || err != nil && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: ended at %q: %v", r.o.Role, s.failed, err)
			}
			// Nobody should have to wait for its lease; and of what was begun one more
			// thing may be tried.
			for _, late := range s.late {
				if !strings.HasPrefix(late, "delete leases/") && folder(late) != folder(s.failed) {
					t.Errorf("%s: ended at %q, and then: %s", r.o.Role, s.failed, late)
				}
			}
			stop()
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	s := newRuled(t)
	s.settings = func() []store.Setting { stop(); return nil }
	if _, err := Examine(ctx, s, production); !errors.Is(err, context.Canceled) {
		t.Errorf("ended while settings are read: %v", err)
	}
}

// TestNothingIsLeft: who may delete leaves nothing, and a lease is one that others can read.
func TestNothingIsLeft(t *testing.T) {
	for _, role := range Roles {
		s := newRuled(t)
		before, begun := s.keys(t), time.Now().Truncate(time.Second)
		r, err := Examine(t.Context(), s, Options{Role: role, Environment: "production", PackageStorage: true})
		if err != nil {
			t.Fatal(err)
		}
		if left := s.keys(t); !slices.Equal(left, before) {
			t.Errorf("%s: there is %q, and was %q", role, left, before)
		}
		for _, o := range s.put {
			if string(o.Body) != "regsnap doctor\n" || o.ContentType == "" {
				t.Errorf("%s: %s of type %q says %q", role, o.Key, o.ContentType, o.Body)
			}
		}
		for _, o := range s.replaced {
			if string(o.Body) != "regsnap doctor was here\n" {
				t.Errorf("%s: %s is replaced by %q", role, o.Key, o.Body)
			}
		}
		if len(s.leases) == 0 || r.Findings == nil {
			t.Errorf("%s: %d leases, %+v", role, len(s.leases), r)
		}
		for i, body := range s.leases {
			l, err := layout.DecodeLease(body)
			if err != nil || l.Purpose != "doctor" || l.Since.Before(begun) || l.Since.After(time.Now()) || slices.ContainsFunc(s.leases[:i], func(b []byte) bool { return string(b) == string(body) }) {
				t.Errorf("%s: lease %d is %s, %v", role, i, body, err)
			}
		}
	}
	if r, err := Examine(t.Context(), newRuled(t, broken("list ")), Options{Role: Reader}); !errors.Is(err, errOutOfOrder) || r.Findings == nil {
		t.Errorf("a report of nothing is %+v, %v", r, err)
	}
}

// folder is the first folder of what a request is about.
func folder(request string) string {
	_, key, _ := strings.Cut(request, " ")
	first, _, _ := strings.Cut(key, "/")
	return first
}
