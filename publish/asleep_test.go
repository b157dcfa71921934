package publish

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// asleepQuickly are the moves that a quick run of the tests has.
var asleepQuickly = map[string]bool{"publish": true, "rollback": true, "tag": true}

// A writer is stopped at every request that it makes while it moves a pointer,
// before it is sent and after it was answered. Its clock stands still; meanwhile
// its lease grows old by the store's clock, and prune comes. When it goes on it
// either stops with ErrPruned or the snapshot that it makes live is whole.
func TestAsleepAtEveryRequest(t *testing.T) {
	src := newEditions(t)
	for name, move := range map[string]func(ctx context.Context, b *Bucket, built *Lease, ids [3]string) error{
		// Under the lease of the build, which remembers the manifest.
		"publish": func(ctx context.Context, _ *Bucket, built *Lease, ids [3]string) error {
			_, err := built.Publish(ctx, testEnv, ids[2], Note{}, inLine)
			return err
		},
		"publish by id": func(ctx context.Context, b *Bucket, _ *Lease, ids [3]string) error {
			return second(publishID(ctx, b, ids[2]))
		},
		"rollback": func(ctx context.Context, b *Bucket, _ *Lease, ids [3]string) (err error) {
			l := b.Lease(LeaseOptions{Purpose: "rollback"})
			defer func() { err = errors.Join(err, l.Release(ctx)) }()
			r, err := l.PrepareRollback(ctx, testEnv, ids[0])
			if err != nil {
				return err
			}
			return second(r.Do(ctx, Note{}, false))
		},
		"tag": func(ctx context.Context, b *Bucket, _ *Lease, ids [3]string) error {
			return second(tagged(ctx, b, "new", ids[0], false))
		},
		"move a tag": func(ctx context.Context, b *Bucket, _ *Lease, ids [3]string) (err error) {
			l := b.Lease(LeaseOptions{Purpose: "tag"})
			defer func() { err = errors.Join(err, l.Release(ctx)) }()
			if _, err := l.Tag(ctx, testEnv, "moving", ids[1], Note{}, false); err != nil {
				return err
			}
			return second(l.Tag(ctx, testEnv, "moving", ids[0], Note{}, true))
		},
	} {
		if !testtools.Thorough && !asleepQuickly[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			stopped := 0
			for at := 1; ; at++ {
				b, dir := fileBucket(t)
				s := &sleeper{Bucket: b, dir: dir, at: at}
				ids, built := s.prepare(t, src)
				if name != "publish" {
					if err := built.Release(t.Context()); err != nil {
						t.Fatal(err)
					}
				}
				s.watch()
				err := move(t.Context(), b, built, ids)
				switch {
				case errors.Is(err, ErrPruned), errors.Is(err, store.ErrConflict):
					stopped++
				case err != nil && s.slept && !errors.Is(err, ErrNoSnapshot):
					t.Errorf("stopped at request %d: %v", at, err)
				case err != nil && s.slept && s.held:
					t.Errorf("stopped at request %d while the lease was held: %v is not ErrPruned", at, err)
				case err != nil && !s.slept:
					t.Fatal(err)
				}
				if err := built.Release(t.Context()); err != nil {
					t.Fatal(err)
				}
				other := openTest(t, "file://"+filepath.ToSlash(dir))
				p, err := other.Pointer(t.Context(), testEnv)
				if err != nil {
					t.Fatal(err)
				}
				v, err := other.Verify(t.Context(), testEnv, p.Snapshot, VerifyOptions{})
				if err != nil || !v.Sound() {
					t.Errorf("stopped at request %d: %s is live: %v, %+v", at, p.Snapshot, err, v)
				}
				tagsNameWhatIsThere(t, other, fmt.Sprintf("stopped at request %d", at))
				if !s.slept {
					if stopped == 0 || at < 10 {
						t.Errorf("%d requests, stopped at %d of them", at, stopped)
					}
					return
				}
			}
		})
	}
}

func second[T any](_ T, err error) error { return err }

// sleeper stops the writer of a bucket at one of its requests.
type sleeper struct {
	*Bucket
	dir   string
	at    int // which request
	made  int
	slept bool
	held  bool // there was a lease to take away

	mu sync.Mutex // held while it sleeps: all of the writer stands still
	// meanwhile is what happens before prune comes; nil for nothing.
	meanwhile func()
	// instead is what happens in place of prune; nil for prune.
	instead func()
}

// prepare gives the ids of three snapshots: the second is live, the third is newer
// and was built under the lease.
func (s *sleeper) prepare(t *testing.T, src *editions) (ids [3]string, built *Lease) {
	t.Helper()
	for n := range ids {
		id, l, err := src.build(t.Context(), s.Bucket, n)
		if err != nil {
			t.Fatal(err)
		}
		ids[n], built = id, l
		if n < 2 {
			if _, err := l.Publish(t.Context(), testEnv, id, Note{}, inLine); err != nil {
				t.Fatal(err)
			}
			if err := l.Release(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	// The first would stay as that which a rollback goes to.
	p, state, err := s.pointer(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	p.Previous, p.Moves = "", nil
	if err := s.Bucket.store.Swap(t.Context(), layout.PointerKey(testEnv), p.Encode(), state); err != nil {
		t.Fatal(err)
	}
	return ids, built
}

func (s *sleeper) watch() {
	s.store = &sleepyStore{s.store, s}
}

// moment is before or after a request.
func (s *sleeper) moment() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made++; s.made == s.at {
		s.slept = true
		s.sleep()
	}
}

// sleep is an hour by the store's clock, and a prune that keeps only what is live.
func (s *sleeper) sleep() {
	ctx := context.Background()
	if s.meanwhile != nil {
		s.meanwhile()
	}
	if s.instead != nil {
		s.instead()
		return
	}
	err := s.age()
	other, e := Open(ctx, "file://"+filepath.ToSlash(s.dir))
	if e == nil {
		_, e = other.Prune(ctx, PruneOptions{})
		e = errors.Join(e, other.Close())
	}
	if err = errors.Join(err, e); err != nil {
		panic(fmt.Sprintf("prune beside a sleeping writer: %v", err))
	}
}

// age makes every lease an hour old by the store's clock.
func (s *sleeper) age() error {
	leases, err := filepath.Glob(filepath.Join(s.dir, "leases", "*.json"))
	for _, file := range leases {
		s.held = true
		hour := time.Now().Add(-time.Hour)
		err = errors.Join(err, os.Chtimes(file, hour, hour))
	}
	return err
}

// sleepyStore is what a sleeper makes its requests to.
type sleepyStore struct {
	store.Store
	s *sleeper
}

func (o *sleepyStore) Put(ctx context.Context, object layout.Object) error {
	o.s.moment()
	defer o.s.moment()
	return o.Store.Put(ctx, object)
}

func (o *sleepyStore) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	o.s.moment()
	defer o.s.moment()
	return o.Store.Open(ctx, key, offset, length)
}

func (o *sleepyStore) List(ctx context.Context, prefix string) iter.Seq2[store.ObjectInfo, error] {
	o.s.moment()
	defer o.s.moment()
	// What a listing showed it showed before the pause.
	var found []store.ObjectInfo
	for info, err := range o.Store.List(ctx, prefix) {
		if err != nil {
			return func(yield func(store.ObjectInfo, error) bool) { yield(store.ObjectInfo{}, err) }
		}
		found = append(found, info)
	}
	return func(yield func(store.ObjectInfo, error) bool) {
		for _, info := range found {
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (o *sleepyStore) Load(ctx context.Context, key string) ([]byte, store.Token, error) {
	o.s.moment()
	defer o.s.moment()
	return o.Store.Load(ctx, key)
}

func (o *sleepyStore) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	o.s.moment()
	defer o.s.moment()
	return o.Store.Swap(ctx, key, body, old)
}

// A prune that died after it had removed leases, and before it had kept their
// holders from moving a pointer, leaves its lock behind: the next one does both.
func TestUnfencedPruneLeavesItsLock(t *testing.T) {
	b, dir := fileBucket(t)
	src := newEditions(t)
	src.mustPublish(t, b, 0)
	before, err := b.Pointer(t.Context(), testEnv)
	if err != nil {
		t.Fatal(err)
	}
	leaseOn(t, b, LeaseOptions{})
	old := func(age time.Duration) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "leases", "*.json"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if err := os.Chtimes(f, time.Now().Add(-age), time.Now().Add(-age)); err != nil {
				t.Fatal(err)
			}
		}
	}
	old(time.Hour)
	broken := errors.New("no more writes")
	whole := b.store
	b.store = failingPointers{whole, broken}
	if _, err := b.Prune(t.Context(), PruneOptions{}); !errors.Is(err, broken) {
		t.Fatalf("prune that cannot write a pointer: %v", err)
	}
	b.store = whole
	if _, err := b.Prune(t.Context(), PruneOptions{}); !errors.Is(err, ErrBusy) {
		t.Errorf("the next prune at once: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, layout.PruneLockKey)); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("the lock was taken down")
	}
	old(time.Hour)
	if _, err := b.Prune(t.Context(), PruneOptions{}); err != nil {
		t.Fatal(err)
	}
	if after, err := b.Pointer(t.Context(), testEnv); err != nil || after.Generation <= before.Generation {
		t.Errorf("generation %d, then %d: the pointer was not written again (%v)", before.Generation, after.Generation, err)
	}
}

// failingPointers cannot write the pointers of environments.
type failingPointers struct {
	store.Store
	err error
}

func (p failingPointers) Swap(ctx context.Context, key string, body []byte, old store.Token) error {
	if strings.HasPrefix(key, layout.EnvironmentsPrefix) {
		return p.err
	}
	return p.Store.Swap(ctx, key, body, old)
}
