package publish

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

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
		{name: "plan of prune", damage: func(c bucketCopy) {
			c[layout.CursorKey(testEnv)], c[layout.IndexKey(testEnv, 7)] = layout.EncodeCursor(7), []byte("x")
		}, run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) {
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
	dead := func(purpose string) []byte {
		return layout.Lease{Format: layout.LeaseFormat, Purpose: purpose, By: "pat", Since: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC)}.Encode()
	}
	return []failable{
		{name: "publish", changes: true, bears: moves, run: get(func(ctx context.Context, b *Bucket) (*Moved, error) { return src.publish(ctx, b, 4, note) })},
		{name: "publish after a move that is not recorded", changes: true, damage: func(c bucketCopy) { delete(c, layout.AuditKey(testEnv, 4)) },
			bears: map[string]string{"open audit/": unrecorded, "read audit/": unrecorded, "list audit/": unrecorded, "put audit/": unrecorded},
			run:   get(func(ctx context.Context, b *Bucket) (*Moved, error) { return src.publish(ctx, b, 4, note) })},
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
		{name: "prune after one that died", changes: true, damage: func(c bucketCopy) { c[layout.PruneLockKey] = dead("prune") },
			run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) { return b.Prune(ctx, PruneOptions{}) })},
		{name: "prune after a writer that died", changes: true, damage: func(c bucketCopy) { c[layout.LeaseKey("0123456789abcdef")] = dead("build") },
			run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) { return b.Prune(ctx, PruneOptions{}) })},
		{name: "retire", changes: true, run: get(func(ctx context.Context, b *Bucket) (*PrunePlan, error) {
			return b.Prune(ctx, PruneOptions{Retire: []string{testEnv}})
		})},
		{name: "mirror to", changes: true, bears: moves, damage: func(c bucketCopy) { clear(c) }, run: func(ctx context.Context, b *Bucket) (any, error) {
			return nil, copyLive(ctx, from, b)
		}},
	}
}
