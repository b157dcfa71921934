package publish

import (
	"context"
	"errors"
	"testing"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
)

// readQuickly are the readers that a quick run of the tests has.
var readQuickly = map[string]bool{"live snapshot": true, "snapshot": true, "build": true, "plan": true}

// A reader is stopped at every request, before it is sent and after it was
// answered. Meanwhile another snapshot goes live, and prune deletes the one that is
// read. The reader ends well, or says that it must run again; it never takes what
// prune deleted for damage.
func TestPrunedAtEveryRequest(t *testing.T) {
	src := newEditions(t)
	always := map[string]bool{"live": true, "live snapshot": true, "plan": true, "status": true}
	for name, read := range map[string]func(ctx context.Context, t *testing.T, b *Bucket, ids [3]string) error{
		"live": func(ctx context.Context, t *testing.T, b *Bucket, _ [3]string) error {
			m, err := b.Live(ctx, testEnv)
			if err != nil {
				t.Errorf("there is always a live snapshot: %v", err)
			} else if m.Environment != testEnv {
				t.Errorf("the manifest of %s", m.Environment)
			}
			return nil
		},
		"live snapshot": func(ctx context.Context, t *testing.T, b *Bucket, _ [3]string) error {
			m, r, err := b.LiveSnapshot(ctx, testEnv)
			if err != nil {
				t.Errorf("there is always a live snapshot: %v", err)
			} else if m.Routes.Size != int64(len(r.Encode())) {
				t.Error("manifest and routes of two snapshots")
			}
			return nil
		},
		"plan": func(ctx context.Context, t *testing.T, b *Bucket, ids [3]string) error {
			if _, err := b.PlanPublish(ctx, testEnv, ids[2], nil, inLine); err != nil {
				t.Errorf("there is always a live snapshot to compare with: %v", err)
			}
			return nil
		},
		"status": func(ctx context.Context, t *testing.T, b *Bucket, _ [3]string) error {
			if _, err := b.Status(ctx, testEnv, nil); err != nil {
				t.Errorf("there is always a live snapshot to show: %v", err)
			}
			return nil
		},
		// It takes no lease before it has something to write, and reads what is live before.
		"build": func(ctx context.Context, _ *testing.T, b *Bucket, _ [3]string) error {
			_, lease, err := src.build(ctx, b, 5)
			if err != nil {
				return err
			}
			return lease.Release(ctx)
		},
		"snapshot": func(ctx context.Context, _ *testing.T, b *Bucket, ids [3]string) error {
			_, _, err := b.Snapshot(ctx, testEnv, ids[1])
			return err
		},
		"diff": func(ctx context.Context, _ *testing.T, b *Bucket, ids [3]string) error {
			return second(b.Diff(ctx, SnapshotRef{testEnv, ids[1]}, SnapshotRef{testEnv, ids[2]}))
		},
		"verify": func(ctx context.Context, _ *testing.T, b *Bucket, ids [3]string) error {
			return second(b.Verify(ctx, testEnv, ids[1], VerifyOptions{}))
		},
		"copy": func(ctx context.Context, t *testing.T, b *Bucket, ids [3]string) (err error) {
			m, err := b.Manifest(ctx, testEnv, ids[1])
			if err != nil {
				return err
			}
			to, _ := fileBucket(t)
			l := to.Lease(LeaseOptions{Purpose: "mirror"})
			defer func() { err = errors.Join(err, l.Release(ctx)) }()
			return l.CopyFrom(b, CopyOptions{}).Snapshot(ctx, m)
		},
	} {
		if !testtools.Thorough && !readQuickly[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			told := 0
			for at := 1; ; at++ {
				b, dir := fileBucket(t)
				s := &sleeper{Bucket: b, dir: dir, at: at}
				ids, built := s.prepare(t, src)
				if err := built.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				s.meanwhile = func() {
					other := openTest(t, "file://"+dir)
					if _, err := publishID(t.Context(), other, ids[2]); err != nil {
						t.Error(err)
					}
					p, state, err := other.pointer(t.Context(), testEnv)
					if err != nil {
						t.Fatal(err)
					}
					p.Previous, p.Moves = "", nil
					if err := other.store.Swap(t.Context(), layout.PointerKey(testEnv), p.Encode(), state); err != nil {
						t.Fatal(err)
					}
				}
				s.watch()
				err := read(t.Context(), t, b, ids)
				switch {
				case errors.Is(err, ErrPruned):
					told++
				case err != nil && (at > 1 || !errors.Is(err, ErrNoSnapshot)):
					t.Errorf("stopped at request %d of %d: %v", at, s.made, err)
				}
				if errors.Is(err, ErrDamaged) {
					t.Errorf("stopped at request %d: %v is no damage", at, err)
				}
				if !s.slept {
					if told == 0 && !always[name] || at < 4 {
						t.Errorf("%d requests, told to run again at %d of them", at, told)
					}
					return
				}
			}
		})
	}
}
