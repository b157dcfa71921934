package publish

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// bucketCopy is what a bucket held: it is filled with it again and again.
type bucketCopy map[string][]byte

func copyOf(t *testing.T, b *Bucket) bucketCopy {
	t.Helper()
	c := bucketCopy{}
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		body, err := storetest.Read(t.Context(), b.store, o.Key)
		if err != nil {
			t.Fatal(err)
		}
		c[o.Key] = body
	}
	return c
}

// open is a store in memory with the copy in it.
func (c bucketCopy) open(t *testing.T) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for key, body := range c {
		if err := s.Put(t.Context(), layout.Object{Key: key, Body: body, ContentType: "application/octet-stream"}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// failable is an operation, each of whose calls of the store fails in turn.
type failable struct {
	name string
	// damage is made in the bucket before, if set.
	damage func(c bucketCopy)
	run    func(ctx context.Context, b *Bucket) (any, error)
	// bears are the calls that may fail without an error, by how they begin, with the
	// reason. What changes nothing then has the result that it would have had.
	bears map[string]string
	// otherwise is the result if a call failed that it bears, if not the usual one.
	otherwise string
	// changes: the operation changes the bucket.
	changes bool
}

// TestFails has each call of the store fail that an operation makes, once: it then says
// so and names the cause, or its result is as if nothing had failed. What is there is whole, and
// the same operation run again leaves what it would have left.
func TestFails(t *testing.T) {
	src := newEditions(t)
	b, _ := fileBucket(t)
	var ids []string
	for n := range 4 {
		ids = append(ids, src.mustPublish(t, b, n).Snapshot)
	}
	mustTag(t, b, "kept", ids[0])
	mustTag(t, b, "going", ids[1])
	full := copyOf(t, b)
	m, err := b.Manifest(t.Context(), testEnv, ids[3])
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range slices.Concat(readings(ids, m), writings(t, src, ids, full)) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			begin := maps.Clone(full)
			if f.damage != nil {
				f.damage(begin)
			}
			f.everywhere(t, begin)
		})
	}
}

func (f failable) everywhere(t *testing.T, begin bucketCopy) {
	var want string
	var end []string
	storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
		synctest.Test(t, func(t *testing.T) {
			inside := begin.open(t)
			time.Sleep(30 * 24 * time.Hour) // it is there for a month
			through := fill(inside)
			result, err := f.run(t.Context(), In(through))
			got := asJSON(t, result)
			call := through.Failed()
			if call == "" {
				if err != nil {
					t.Fatal(err)
				}
				if end == nil {
					want, end = got, keysIn(t, inside)
				}
			} else {
				f.judge(t, call, err)
				if m, is := result.(*Moved); is && err == nil && f.borne(call) == unrecorded && m.Unrecorded == "" {
					t.Errorf("that the move is not recorded yet is not said: %s", got)
				}
				if err == nil && !f.changes && got != want && got != f.otherwise {
					t.Errorf("result %s, want %s", got, want)
				}
			}
			if !f.changes {
				return
			}
			again := In(inside)
			mustBeSound(t, again)
			time.Sleep(time.Hour) // until leases that could not be removed count for nothing
			if _, err := f.run(t.Context(), again); err != nil {
				t.Errorf("run again: %v", err)
			}
			there, due := keysIn(t, inside), end
			if f.borne(call) == unrecorded { // the next move records it
				there, due = withoutAudit(there), withoutAudit(due)
			}
			if !slices.Equal(there, due) {
				t.Errorf("run again, there is\n%q\nwant\n%q", there, due)
			}
		})
	})
}

// unrecorded is why a move goes through that the audit log does not have: the pointer
// remembers it, and the next move records it.
const unrecorded = "the next move records it"

// borne is the reason why a call may fail.
func (f failable) borne(call string) string {
	for begin, reason := range f.bears {
		if strings.HasPrefix(call, begin) {
			return reason
		}
	}
	return ""
}

func withoutAudit(keys []string) []string {
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return strings.HasPrefix(key, layout.AuditPrefix) })
}

// judge looks at the error of an operation of which a call failed.
func (f failable) judge(t *testing.T, call string, err error) {
	t.Helper()
	why := f.borne(call)
	switch {
	case err == nil && why == "":
		t.Error("no error")
	case err != nil && !errors.Is(err, storetest.ErrFailed):
		t.Errorf("the cause is not said: %v", err)
	case err != nil && why != "":
		t.Errorf("it is to bear that (%s): %v", why, err)
	}
}

// keysIn are the keys in a store, but for the leases.
func keysIn(t *testing.T, s store.Store) []string {
	t.Helper()
	var keys []string
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(o.Key, layout.LeasesPrefix) {
			keys = append(keys, o.Key)
		}
	}
	slices.Sort(keys)
	return keys
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	body, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
