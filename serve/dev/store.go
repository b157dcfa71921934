package dev

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"weak"

	"github.com/regsnap/regsnap/layout"
)

// memory is a bucket in memory for one environment, on top of another bucket that is
// only read. Unlike other buckets it forgets: see keep.
type memory struct {
	env   string
	under Reader // nil: nothing

	mu sync.RWMutex
	// objects are in groups that are forgotten together: those of a package revision,
	// of a snapshot, or one response.
	objects map[string]map[string]*body
	// same finds a content that is there already.
	same map[[sha256.Size]byte]weak.Pointer[body]
	live string
	// arrivals are closed when an object is stored.
	arrivals map[string]chan struct{}
}

// body is the content of one or more objects.
type body struct{ content []byte }

// Reader is what a bucket is read by.
type Reader interface {
	Read(ctx context.Context, key string) ([]byte, error)
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	Sizes(ctx context.Context, rev layout.Revision) (map[string]int64, error)
}

func newMemory(env string, under Reader) *memory {
	return &memory{env: env, under: under, objects: map[string]map[string]*body{}, same: map[[sha256.Size]byte]weak.Pointer[body]{}, arrivals: map[string]chan struct{}{}}
}

// groupOf is the group of a key. Responses are each their own.
func groupOf(key string) string {
	if strings.HasPrefix(key, layout.PackagesPrefix) {
		parts := strings.SplitN(key, "/", 5)
		return strings.Join(parts[:min(len(parts), 4)], "/")
	}
	if strings.HasPrefix(key, layout.SnapshotsPrefix) {
		return key[:strings.LastIndexByte(key, '/')]
	}
	return key
}

// Put stores an object; see build.Store.
func (m *memory) Put(ctx context.Context, o layout.Object) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	sum := sha256.Sum256(o.Body)
	m.mu.Lock()
	defer m.mu.Unlock()
	g := groupOf(o.Key)
	if m.objects[g][o.Key] != nil {
		return nil
	}
	b := m.same[sum].Value()
	if b == nil {
		b = &body{bytes.Clone(o.Body)}
		m.same[sum] = weak.Make(b)
		runtime.AddCleanup(b, m.forget, sum)
	}
	if m.objects[g] == nil {
		m.objects[g] = map[string]*body{}
	}
	m.objects[g][o.Key] = b
	if arrival := m.arrivals[o.Key]; arrival != nil {
		close(arrival)
		delete(m.arrivals, o.Key)
	}
	return nil
}

// arrival is closed once an object is there.
func (m *memory) arrival(key string) <-chan struct{} {
	m.mu.Lock()
	defer m.mu.Unlock()
	if arrival := m.arrivals[key]; arrival != nil {
		return arrival
	}
	arrival := make(chan struct{})
	if m.objects[groupOf(key)][key] != nil {
		close(arrival)
	} else {
		m.arrivals[key] = arrival
	}
	return arrival
}

// forgetArrivals lets go of the arrivals that nothing waits for any more.
func (m *memory) forgetArrivals() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.arrivals)
}

// forget is called once nothing has a content any more.
func (m *memory) forget(sum [sha256.Size]byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.same[sum].Value() == nil {
		delete(m.same, sum)
	}
}

func (m *memory) find(key string) (*body, bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	b, ok := m.objects[groupOf(key)][key]
	return b, ok
}

// Read returns an object; see build.Store.
func (m *memory) Read(ctx context.Context, key string) ([]byte, error) {
	if b, ok := m.find(key); ok {
		return b.content, ctx.Err()
	}
	if m.under == nil {
		return nil, notThere(key)
	}
	return m.under.Read(ctx, key)
}

// Sizes gives the sizes of a revision's objects; see build.Store.
func (m *memory) Sizes(ctx context.Context, rev layout.Revision) (sizes map[string]int64, err error) {
	sizes = map[string]int64{}
	if m.under != nil {
		if sizes, err = m.under.Sizes(ctx, rev); err != nil {
			return nil, err
		}
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	for key, b := range m.objects[groupOf(rev.Prefix())] {
		sizes[key] = int64(len(b.content))
	}
	return sizes, ctx.Err()
}

// Open streams an object; see serve.Bucket.
func (m *memory) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	b, ok := m.find(key)
	switch {
	case !ok && m.under == nil:
		return nil, notThere(key)
	case !ok:
		return m.under.Open(ctx, key, offset, length)
	case offset > int64(len(b.content)):
		return nil, fmt.Errorf("%s: offset %d is behind its end", key, offset)
	}
	rest := b.content[offset:]
	if length >= 0 && length < int64(len(rest)) {
		rest = rest[:length]
	}
	return io.NopCloser(bytes.NewReader(rest)), nil
}

func notThere(key string) error { return fmt.Errorf("%s: %w", key, fs.ErrNotExist) }

// Pointer says which snapshot is live; see serve.Bucket.
func (m *memory) Pointer(_ context.Context, env string) (layout.Pointer, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if env != m.env || m.live == "" {
		return layout.Pointer{}, notThere(layout.PointerKey(env))
	}
	return layout.Pointer{Format: layout.PointerFormat, Environment: env, Snapshot: m.live}, nil
}

// Routes reads the routes of a snapshot; see serve.Bucket.
func (m *memory) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	content, err := m.Read(ctx, layout.RoutesKey(env, id))
	if err != nil {
		return nil, err
	}
	return layout.DecodeRoutes(content, env)
}

// setLive makes a snapshot live.
func (m *memory) setLive(id string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.live = id
}

// keep forgets what none of the snapshots refers to.
func (m *memory) keep(snapshots ...*layout.Manifest) {
	kept := map[string]bool{}
	for _, s := range snapshots {
		kept[groupOf(layout.ManifestKey(s.Environment, s.ID()))] = true
		for _, p := range s.Packages {
			kept[groupOf(layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ContentsKey())] = true
		}
		for _, r := range s.Responses {
			for _, key := range r.Keys() {
				kept[key] = true
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for g := range m.objects {
		if !kept[g] {
			delete(m.objects, g)
		}
	}
}
