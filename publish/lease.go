package publish

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// ErrPruned: objects that a reader or a writer relied on were deleted before it
// was done, or before the writer said that it is at work, or the writer was taken
// for dead. Running again starts from what is there.
var ErrPruned = errors.New("the bucket was pruned meanwhile: run again")

// Lease is the stay of one writer in a bucket. From the first write, or the
// first question whether something is there, until Release nothing is pruned, so
// that what was found stays. A writer that finds nothing to do takes none and
// costs no request. It is safe for concurrent use.
//
// Writers and prune keep out of each other's way by flags in the bucket, which
// must be strongly consistent, as S3, GCS and file systems are. A writer puts up
// its flag, a lease object, and then looks for the flag of prune; prune puts up
// its flag, and then looks for leases. So at least one of the two sees the
// other: the writer waits, prune gives up.
//
// A flag that is not renewed for ten minutes counts for nothing. Should its
// holder be alive after all, it cannot do harm: before a pointer is moved the
// lease must be there, and prune rewrites every pointer after it has removed
// a stale lease, so that a swap which was prepared before fails.
type Lease struct {
	b *Bucket
	o LeaseOptions

	held atomic.Bool
	mu   sync.Mutex
	beat *heartbeat
	// unchecked are the manifests that vouch for objects and that were read
	// before the lease was taken.
	unchecked []string
	// manifests that were read or written, by key: publishing need not read
	// them again. Of those that were written it has only the origin.
	manifests map[string]*layout.Manifest
}

// LeaseOptions describe a writer.
type LeaseOptions struct {
	// Purpose is what is being done: "build", "publish", "rollback".
	Purpose string
	// By is who does it, shown to those who wait.
	By string
	// Live are manifests that were read before, whose objects the writer takes
	// to be there.
	Live []*layout.Manifest
	// Waiting, if set, is called when prune is at work, once for each look.
	Waiting func(prune layout.Lease)
}

// Lease begins the stay of a writer. Release must be called at its end.
func (b *Bucket) Lease(o LeaseOptions) *Lease {
	l := &Lease{b: b, o: o, manifests: map[string]*layout.Manifest{}}
	for _, m := range o.Live {
		key := layout.ManifestKey(m.Environment, m.ID())
		l.manifests[key] = m
		l.unchecked = append(l.unchecked, key)
	}
	return l
}

// Read returns an object. Asking for one of a package takes the lease: the answer
// decides what is written, and fs.ErrNotExist is one. Any other belongs to what was
// live when the work began, and prune may have come since, as nothing holds it yet.
func (l *Lease) Read(ctx context.Context, key string) ([]byte, error) {
	if !strings.HasPrefix(key, layout.PackagesPrefix) {
		return l.b.ReadOf(ctx, l.o.Live, key)
	}
	if err := l.hold(ctx); err != nil {
		return nil, err
	}
	return l.b.Read(ctx, key)
}

// Sizes gives the size in bytes of each object of a revision that is there, by key. It
// takes the lease: the answer decides what is written.
func (l *Lease) Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error) {
	if err := l.hold(ctx); err != nil {
		return nil, err
	}
	return l.b.Sizes(ctx, rev)
}

// Put stores an object that will never change; one that is there stays.
func (l *Lease) Put(ctx context.Context, o layout.Object) error {
	if err := l.hold(ctx); err != nil {
		return err
	}
	_, _, file, err := layout.ParseSnapshotKey(o.Key)
	if err != nil || file != "manifest.json" {
		return l.b.Put(ctx, o)
	}
	// A manifest says that all it lists is there, by the word of others too.
	if err := l.check(ctx); err != nil {
		return err
	}
	if err := l.alive(ctx); err != nil {
		return err
	}
	m, err := layout.DecodeOrigin(o.Body)
	if err != nil {
		return err
	}
	if err := l.b.Put(ctx, o); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manifests[o.Key] = m
	return nil
}

// Stored makes sure that what a writer put that makes no manifest is there and outlives
// a crash of the machine. One that put nothing, and asked for nothing, holds no lease.
func (l *Lease) Stored(ctx context.Context) error {
	if !l.held.Load() {
		return nil
	}
	return l.ready(ctx)
}

// Release ends the stay. It works on when ctx was cancelled, for a short time:
// others would have to wait for a lease that nobody needs any more.
func (l *Lease) Release(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held.Store(false)
	clear(l.manifests) // what they list may go from now on
	if l.beat == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	beat := l.beat
	l.beat = nil
	if err := beat.end(ctx); err != nil {
		return fmt.Errorf("remove the lease %s, which counts for nothing in %s: %w", beat.key, beat.times.stale, err)
	}
	return nil
}

// releaseTime is how long the end of a lease may take.
const releaseTime = 10 * time.Second

// hold takes the lease, if it is not held, and waits until prune is done.
func (l *Lease) hold(ctx context.Context) error {
	_, err := l.take(ctx)
	return err
}

// take is hold, and reports whether it was this call that took the lease: then it has
// just seen in the store that the lease is there.
func (l *Lease) take(ctx context.Context) (taken bool, err error) {
	if l.held.Load() {
		return false, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held.Load() {
		return false, nil
	}
	if l.beat == nil {
		var id [8]byte
		_, _ = rand.Read(id[:]) // never fails (crypto/rand)
		lease := layout.Lease{Format: layout.LeaseFormat, Purpose: l.o.Purpose, By: l.o.By}
		beat, err := l.b.newHeartbeat(ctx, layout.LeaseKey(hex.EncodeToString(id[:])), lease, "")
		if err != nil {
			return false, fmt.Errorf("take a lease: %w", err)
		}
		l.beat = beat
	}
	if err := l.awaitPrune(ctx); err != nil {
		return false, err
	}
	l.held.Store(true)
	return true, nil
}

// awaitPrune returns once there is no prune, or only one that died.
func (l *Lease) awaitPrune(ctx context.Context) error {
	for {
		var lock, own *store.ObjectInfo
		for o, err := range l.b.List(ctx, layout.LeasesPrefix) {
			if err != nil {
				return fmt.Errorf("look for a running prune: %w", err)
			}
			switch o.Key {
			case layout.PruneLockKey:
				lock = &o
			case l.beat.key:
				own = &o
			}
		}
		switch {
		case own == nil:
			return fmt.Errorf("%w: %w", ErrPruned, errLost)
		case lock == nil, own.Modified.Sub(lock.Modified) >= l.beat.times.stale:
			return nil
		}
		if l.o.Waiting != nil {
			l.o.Waiting(l.b.readLease(ctx, layout.PruneLockKey))
		}
		if err := retry.Sleep(ctx, l.beat.times.poll); err != nil {
			return err
		}
		// The own object is the clock that the lock's age is told by.
		if err := l.beat.renew(ctx); errors.Is(err, errLost) {
			return fmt.Errorf("%w: %w", ErrPruned, err)
		} else if err != nil {
			return fmt.Errorf("renew the lease: %w", err)
		}
	}
}

// readLease says what is known of a lease, for messages.
func (b *Bucket) readLease(ctx context.Context, key string) layout.Lease {
	body, _, err := b.store.Load(ctx, key)
	if err != nil {
		return layout.Lease{}
	}
	lease, err := layout.DecodeLease(body)
	if err != nil {
		return layout.Lease{}
	}
	return lease
}

// check makes sure that the manifests which vouch for objects are still there.
// Prune deletes manifests first, and none while the lease is held, so what they
// list is there, and stays.
func (l *Lease) check(ctx context.Context) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.unchecked) > 0 {
		there, err := l.b.exists(ctx, l.unchecked[0])
		if err != nil {
			return err
		}
		if !there {
			return fmt.Errorf("%w: %s is gone", ErrPruned, l.unchecked[0])
		}
		l.unchecked = l.unchecked[1:]
	}
	return nil
}

// alive makes sure that a lease which was taken was not taken away.
func (l *Lease) alive(ctx context.Context) error {
	l.mu.Lock()
	beat := l.beat
	l.mu.Unlock()
	if beat == nil {
		return fmt.Errorf("%w: no lease is held", ErrPruned)
	}
	if err := beat.alive(ctx); errors.Is(err, errLost) {
		return fmt.Errorf("%w: %w", ErrPruned, err)
	} else if err != nil {
		return fmt.Errorf("look after the lease: %w", err)
	}
	return nil
}

// manifest is Bucket.Manifest, unless it was read or written under this lease.
func (l *Lease) manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	key := layout.ManifestKey(env, id)
	l.mu.Lock()
	m := l.manifests[key]
	l.mu.Unlock()
	if m != nil {
		return m, nil
	}
	m, err := l.b.Manifest(ctx, env, id)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.manifests[key] = m
	return m, nil
}
