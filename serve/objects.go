package serve

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/maypok86/otter/v2/stats"
	"golang.org/x/sync/singleflight"

	"github.com/regsnap/regsnap/layout"
)

// object is what memory keeps of the bucket. Objects of a bucket never change,
// so neither does this, and nobody may write to it.
type object struct {
	body []byte
	// contents is set instead of body for a list of files.
	contents *layout.Contents
	// list is set instead of body for a page that lists others.
	list any
	// absent: the bucket has no such object. Which is worth remembering: what
	// was not rendered ahead would be looked for at every request.
	absent bool
	// encoded: body is the gzip-encoded form of a page.
	encoded bool
	size    int // in bytes, of what is kept
}

func bodyObject(body []byte) object { return object{body: body, size: len(body)} }

// objectOverhead is what an entry takes beside its content, in bytes, rounded up.
const objectOverhead = 256

// objects keeps objects in memory, those most worth it within a bound of bytes,
// and reads each only once however many requests wait for it.
type objects struct {
	cache   *otter.Cache[string, object]
	flights singleflight.Group
	timeout time.Duration
	largest int // what is larger is not kept, in bytes
}

func newObjects(bound int64, timeout time.Duration) *objects {
	return &objects{
		timeout: timeout,
		// One object must not drive all others out.
		largest: int(min(bound/8, math.MaxInt32)),
		cache: otter.Must(&otter.Options[string, object]{
			MaximumWeight: uint64(bound),
			Weigher:       func(key string, o object) uint32 { return uint32(len(key) + o.size + objectOverhead) },
			StatsRecorder: stats.NewCounter(),
		}),
	}
}

// get returns an object from memory, or loads it. A request that goes away
// stops waiting, but the loading goes on for the others and for the next.
func (o *objects) get(ctx context.Context, key string, load func(context.Context) (object, error)) (object, source, error) {
	if found, ok := o.cache.GetIfPresent(key); ok {
		return found, fromCache, nil
	}
	flight := o.flights.DoChan(key, func() (any, error) {
		// Another flight may have landed since this request looked.
		if found, ok := o.cache.GetIfPresent(key); ok {
			return found, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.timeout)
		defer cancel()
		found, err := guarded(ctx, load)
		if err == nil && found.size <= o.largest {
			o.cache.Set(key, found)
		}
		return found, err
	})
	select {
	case r := <-flight:
		if r.Err != nil {
			return object{}, fromStore, r.Err
		}
		return r.Val.(object), fromStore, nil
	case <-ctx.Done():
		return object{}, fromStore, ctx.Err()
	}
}

// guarded turns a panic into an error: it happens on a goroutine of its own,
// where nothing else would keep it from ending the process.
func guarded(ctx context.Context, load func(context.Context) (object, error)) (o object, err error) {
	defer func() {
		if p := recover(); p != nil {
			stack := make([]byte, 4<<10)
			err = fmt.Errorf("panic: %v\n%s", p, stack[:runtime.Stack(stack, false)])
		}
	}()
	return load(ctx)
}
