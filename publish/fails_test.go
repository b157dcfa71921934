package publish

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/build"
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

// get is an operation without an argument.
func get[T any](f func(ctx context.Context, b *Bucket) (T, error)) func(context.Context, *Bucket) (any, error) {
	return func(ctx context.Context, b *Bucket) (any, error) {
		result, err := f(ctx, b)
		return result, err
	}
}

// cacheEmptied is why an event is made whose changes could not be read, and allChanged
// is that event: a cache in front of the bucket must not keep what is out of date.
const (
	cacheEmptied = "all has changed then"
	allChanged   = `{"environment":"production","kind":"publish","old":"OLD","new":"NEW","by":"ada","at":"0001-01-01T00:00:00Z","all":true,"urls":[],"paths":[]}`
)

// readings are the operations that change nothing.
func readings(ids []string, m *layout.Manifest) []failable {
	last := ids[3]
	rev, sum := revisionOf(m.Packages[0]), m.Packages[0].Contents
	resolve := func(name string) failable {
		return failable{name: "resolve " + name, run: get(func(ctx context.Context, b *Bucket) (string, error) { return b.Resolve(ctx, testEnv, name) })}
	}
	return []failable{
		{name: "history", run: get(func(ctx context.Context, b *Bucket) (*History, error) { return b.History(ctx, testEnv, 0) })},
		{name: "moves", run: get(func(ctx context.Context, b *Bucket) (moves []Recorded, err error) {
			for m, err := range b.Moves(ctx, testEnv) {
				if err != nil {
					return nil, err
				}
				moves = append(moves, m)
			}
			return moves, nil
		})},
		{name: "status", run: get(func(ctx context.Context, b *Bucket) (*Status, error) {
			stored, err := b.Snapshots(ctx, testEnv)
			if err != nil {
				return nil, err
			}
			return b.Status(ctx, testEnv, stored[testEnv])
		})},
		{name: "environments", run: get(func(ctx context.Context, b *Bucket) ([]string, error) { return b.Environments(ctx) })},
		{name: "tags", run: get(func(ctx context.Context, b *Bucket) ([]NamedSnapshot, error) { return b.Tags(ctx, testEnv) })},
		resolve("live"), resolve("previous"), resolve("@{2}"), resolve("kept"), resolve(last[:13]), resolve("production@" + strings.Repeat("0", 39) + "4"),
		{name: "live", run: get(func(ctx context.Context, b *Bucket) (*layout.Manifest, error) { return b.Live(ctx, testEnv) })},
		{name: "live snapshot", run: get(func(ctx context.Context, b *Bucket) (*layout.Manifest, error) {
			m, _, err := b.LiveSnapshot(ctx, testEnv)
			return m, err
		})},
		{name: "head", run: get(func(ctx context.Context, b *Bucket) (*layout.Manifest, error) { return b.Head(ctx, testEnv, last) })},
		{name: "chosen", run: get(func(ctx context.Context, b *Bucket) (string, error) { return b.Chosen(ctx, testEnv, "") })},
		{name: "diff", run: get(func(ctx context.Context, b *Bucket) (*Diff, error) {
			return b.Diff(ctx, SnapshotRef{testEnv, ids[0]}, SnapshotRef{testEnv, last})
		})},
		{name: "verify", run: get(func(ctx context.Context, b *Bucket) (*Verification, error) {
			return b.Verify(ctx, testEnv, last, VerifyOptions{})
		})},
		{name: "verify all", run: get(func(ctx context.Context, b *Bucket) (found []*Verification, err error) {
			err = b.VerifyAll(ctx, VerifyOptions{}, func(v *Verification) error { found = append(found, v); return nil })
			return found, err
		})},
		{name: "plan of prune", run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) {
			return b.PlanPrune(ctx, Retention{})
		})},
		{name: "plan of publish", run: get(func(ctx context.Context, b *Bucket) (*Moved, error) {
			return b.PlanPublish(ctx, testEnv, ids[2], nil, func(context.Context, *Ordered, *Ordered) ([]string, error) { return nil, nil })
		})},
		{name: "plan of pin", run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return b.PlanPin(ctx, testEnv, true) })},
		{name: "plan of tag", run: get(func(ctx context.Context, b *Bucket) (*Tagged, error) {
			return b.PlanTag(ctx, testEnv, "kept", ids[1], true)
		})},
		{name: "plan of rollback", run: get(func(ctx context.Context, b *Bucket) (*Rollback, error) {
			return b.Lease(LeaseOptions{}).PrepareRollback(ctx, testEnv, "")
		})},
		{name: "plan of recovery", run: get(func(ctx context.Context, b *Bucket) (*Recovery, error) {
			return b.Lease(LeaseOptions{}).PrepareRecovery(ctx, testEnv, RecoverOptions{})
		})},
		{name: "plan of recovery of a lost pointer", damage: func(c bucketCopy) { delete(c, layout.PointerKey(testEnv)) },
			run: get(func(ctx context.Context, b *Bucket) (*Recovery, error) {
				return b.Lease(LeaseOptions{}).PrepareRecovery(ctx, testEnv, RecoverOptions{})
			})},
		{name: "event", otherwise: allChanged, bears: map[string]string{"open ": cacheEmptied, "read ": cacheEmptied}, run: get(func(ctx context.Context, b *Bucket) (*HookEvent, error) {
			e, err := b.NewHookEvent(ctx, &Moved{Environment: testEnv, Snapshot: last, Previous: ids[2], Changed: true})
			if err == nil {
				e.Old, e.New, e.At = "OLD", "NEW", time.Time{}
			}
			return e, err
		})},
		{name: "contents", run: get(func(ctx context.Context, b *Bucket) ([]byte, error) {
			body, _, err := b.Contents(ctx, rev, sum)
			return body, err
		})},
		{name: "sizes", run: get(func(ctx context.Context, b *Bucket) (map[string]int64, error) { return b.Sizes(ctx, rev) })},
		{name: "cursor", damage: func(c bucketCopy) { c[layout.CursorKey(testEnv)] = layout.EncodeCursor(7) }, run: get(func(ctx context.Context, b *Bucket) (int64, error) {
			n, _, err := b.Cursor(ctx, testEnv)
			return n, err
		})},
		{name: "fetch", run: get(func(ctx context.Context, b *Bucket) ([]byte, error) {
			body, list, err := b.Contents(ctx, rev, sum)
			if err != nil {
				return nil, err
			}
			to := bytes.NewBuffer(body)
			for _, f := range list.Files {
				if err := b.FetchFile(ctx, rev, list, &f, to); err != nil {
					return nil, err
				}
			}
			return to.Bytes(), nil
		})},
		{name: "mirror from", run: func(ctx context.Context, b *Bucket) (any, error) {
			s, err := store.Open(ctx, "mem://", store.Options{})
			if err != nil {
				return nil, err
			}
			return nil, copyLive(ctx, b, In(s))
		}},
		{name: "what is missing", damage: func(c bucketCopy) { delete(c, rev.ArchiveKey()) },
			run: get(func(ctx context.Context, b *Bucket) (string, error) {
				_, err := b.ReadOf(ctx, []*layout.Manifest{m}, rev.ArchiveKey())
				return damagedText(err)
			})},
		{name: "what is missing, explained", damage: func(c bucketCopy) { delete(c, rev.ArchiveKey()) },
			run: get(func(ctx context.Context, b *Bucket) (string, error) {
				body, err := b.Open(ctx, rev.ArchiveKey(), 0, -1)
				if err == nil {
					return "", errors.Join(errors.New("it is there"), body.Close())
				}
				return damagedText(b.Explain(ctx, testEnv, last, err))
			})},
	}
}

// damagedText is the text of an error that is ErrDamaged; any other is returned.
func damagedText(err error) (string, error) {
	if errors.Is(err, ErrDamaged) {
		return err.Error(), nil
	}
	return "", cmp.Or(err, errors.New("it is not said to be damaged"))
}

// writings are the operations that change the bucket.
func writings(t *testing.T, src *editions, ids []string, full bucketCopy) []failable {
	note := Note{By: "ada", Reason: "a test"}
	underLease := func(run func(ctx context.Context, l *Lease) error) func(context.Context, *Bucket) (any, error) {
		return func(ctx context.Context, b *Bucket) (_ any, err error) {
			l := b.Lease(LeaseOptions{Purpose: "test"})
			defer func() { err = errors.Join(err, l.Release(ctx)) }()
			return nil, run(ctx, l)
		}
	}
	from := In(full.open(t))
	at := In(full.open(t))
	if _, err := at.Pin(t.Context(), testEnv, note); err != nil {
		t.Fatal(err)
	}
	pinned := copyOf(t, at)
	moves := map[string]string{"open audit/": unrecorded, "put audit/": unrecorded}
	return []failable{
		{name: "publish", changes: true, bears: moves, run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return src.publish(ctx, b, 4, note) })},
		{name: "first publish", changes: true, bears: moves, damage: func(c bucketCopy) { clear(c) },
			run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return src.publish(ctx, b, 1, note) })},
		{name: "shard", changes: true, run: get(func(ctx context.Context, b *Bucket) (*build.Result, error) {
			return src.shard(ctx, b, 4, build.Shard{Index: 1, Of: 1})
		})},
		{name: "tag", changes: true, run: get(func(ctx context.Context, b *Bucket) (*Tagged, error) {
			return tagged(ctx, b, "kept", ids[2], true)
		})},
		{name: "untag", changes: true, run: get(func(ctx context.Context, b *Bucket) (*Tagged, error) {
			tag, err := b.Untag(ctx, testEnv, "going", note)
			if errors.Is(err, ErrNoTag) { // run again
				return nil, nil
			}
			return tag, err
		})},
		{name: "pin", changes: true, bears: moves, run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return b.Pin(ctx, testEnv, note) })},
		{name: "unpin", changes: true, bears: moves, damage: func(c bucketCopy) { maps.Copy(c, pinned) }, run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return b.Unpin(ctx, testEnv, note) })},
		{name: "rollback", changes: true, bears: moves, run: underLease(func(ctx context.Context, l *Lease) error {
			r, err := l.PrepareRollback(ctx, testEnv, ids[1])
			if err != nil {
				return err
			}
			return second(r.Do(ctx, note, true))
		})},
		{name: "recover", changes: true, bears: map[string]string{"put audit/": unrecorded}, damage: func(c bucketCopy) { c[layout.PointerKey(testEnv)] = []byte("x") },
			run: underLease(func(ctx context.Context, l *Lease) error {
				r, err := l.PrepareRecovery(ctx, testEnv, RecoverOptions{})
				if err != nil || r.Fault == "" {
					return err
				}
				return second(r.Do(ctx, note))
			})},
		{name: "start over", changes: true, run: underLease(func(ctx context.Context, l *Lease) error { return l.StartOver(ctx, testEnv, "ada") })},
		{name: "prune", changes: true, run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) { return b.Prune(ctx, PruneOptions{}) })},
		{name: "retire", changes: true, run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) {
			return b.Prune(ctx, PruneOptions{Retire: []string{testEnv}})
		})},
		{name: "mirror to", changes: true, bears: moves, damage: func(c bucketCopy) { clear(c) }, run: func(ctx context.Context, b *Bucket) (any, error) {
			return nil, copyLive(ctx, from, b)
		}},
	}
}
