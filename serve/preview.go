package serve

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"github.com/regsnap/regsnap/layout"
)

// How many previews are held in memory, and how many names without a
// preview are remembered: names come from clients, who may make up any number of them.
const (
	mostPreviews = 64
	mostAbsent   = 4096
)

// allPreviews is what metrics call every preview: there is no end of their names.
const allPreviews = "*"

// errNoPreview: there is no such environment, or it may not be answered for
// under the host name of a preview.
var errNoPreview = errors.New("is not a preview")

// previews are the environments that exist for a while. They are looked for when they
// are asked for: nobody has to tell a server of a new one.
type previews struct {
	hosts layout.PreviewHosts
	// configured are environments that no preview may stand for.
	configured map[string]bool
	looking    singleflight.Group

	mu     sync.Mutex
	found  map[string]*preview
	absent map[string]time.Time // when they were looked for
}

// preview is an environment, and when it was looked at and asked for.
type preview struct {
	*environment
	looked time.Time
	used   atomic.Int64
}

func newPreviews(hosts layout.PreviewHosts, all []*environment) (*previews, error) {
	p := &previews{hosts: hosts, configured: map[string]bool{}, found: map[string]*preview{}, absent: map[string]time.Time{}}
	for _, env := range all {
		p.configured[env.name] = true
	}
	if hosts == "" {
		return p, nil
	}
	return p, hosts.Validate()
}

// known is what is known of a name without looking, if that is not too long ago.
func (p *previews) known(name string, since time.Time) (env *environment, known bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e := p.found[name]; e != nil && e.looked.After(since) {
		e.used.Store(time.Now().UnixNano())
		return e.environment, true
	}
	at, absent := p.absent[name]
	return nil, absent && at.After(since)
}

// preview is the environment that a preview's host name stands for; nil if there is
// none.
func (h *Handler) preview(name string) *environment {
	if name == "" || h.previews.configured[name] {
		return nil
	}
	since := time.Now().Add(-h.o.Poll)
	if env, known := h.previews.known(name, since); known {
		return env
	}
	// The request that looks may end; those that wait with it must not.
	env, _, _ := h.previews.looking.Do(name, func() (any, error) {
		if env, known := h.previews.known(name, since); known {
			return env, nil
		}
		return h.lookForPreview(context.Background(), name), nil
	})
	return env.(*environment)
}

// lookForPreview reads the pointer of a preview. While that fails for another reason
// than that there is none, what was live stays.
func (h *Handler) lookForPreview(ctx context.Context, name string) *environment {
	p := h.previews
	p.mu.Lock()
	e := p.found[name]
	p.mu.Unlock()
	env := &environment{name: name, preview: true}
	if e != nil {
		env = e.environment
	}
	now := time.Now()
	err := h.load(ctx, env)
	gone := errors.Is(err, errNoPreview)
	failure := ""
	if err != nil && !gone {
		h.metrics.followFailures.WithLabelValues(allPreviews).Inc()
		if failure = err.Error(); failure != env.failure {
			h.o.Log.Error("cannot follow the pointer of a preview: what was live stays live", "env", name, "error", err, "snapshot", env.liveID())
		}
	}
	env.failure = failure // one look at a time
	p.mu.Lock()
	defer p.mu.Unlock()
	if gone {
		delete(p.found, name)
		if len(p.absent) >= mostAbsent {
			clear(p.absent)
		}
		p.absent[name] = now
		return nil
	}
	delete(p.absent, name)
	next := &preview{environment: env, looked: now}
	next.used.Store(now.UnixNano())
	p.found[name] = next
	if len(p.found) > mostPreviews {
		oldest := slices.MinFunc(slices.Collect(maps.Keys(p.found)), func(a, b string) int {
			return cmp.Compare(p.found[a].used.Load(), p.found[b].used.Load())
		})
		delete(p.found, oldest)
	}
	return env
}

// refused turns what the pointer of a preview says, or that there is none, into
// errNoPreview.
func (e *environment) refused(p layout.Pointer, err error) error {
	if e.preview && (errors.Is(err, fs.ErrNotExist) || err == nil && p.Preview == nil) {
		return errNoPreview
	}
	return err
}
