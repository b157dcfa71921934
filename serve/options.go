package serve

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/regsnap/regsnap/layout"
)

// Bucket is what answering needs of an object store. publish.Bucket is one.
// It is safe for concurrent use. What does not exist is fs.ErrNotExist.
type Bucket interface {
	// Pointer says which snapshot of an environment is live.
	Pointer(ctx context.Context, env string) (layout.Pointer, error)
	// Routes reads and checks the routes of a snapshot.
	Routes(ctx context.Context, env, id string) (*layout.Routes, error)
	// Read returns an object as it is stored.
	Read(ctx context.Context, key string) ([]byte, error)
	// Open streams length bytes of an object from offset on.
	Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
}

// Environment is an environment to answer for, and under which names.
type Environment struct {
	Name string
	// Hostnames are without port; upper and lower case are the same.
	Hostnames []string
}

// Options say what to answer and how. The zero value of each is usable but for
// Bucket and Environments.
type Options struct {
	Bucket       Bucket
	Environments []Environment
	// Default is the environment for every host that no environment names.
	// Without it such a request is told 421 Misdirected Request: answering it
	// with any environment would be an answer that nobody asked for.
	Default string
	// Previews are the host names of environments that exist for a while, and are
	// not in Environments: they are looked for when they are asked for. Empty for
	// none.
	Previews layout.PreviewHosts
	// Prefix is a path before those of the API, "/registry" for instance.
	Prefix string

	// CacheBytes bounds what is kept in memory of the bucket's objects, and once
	// more each what is being sent to clients and what is being put together;
	// DefaultCacheBytes if 0.
	CacheBytes int64
	// CacheObject is the largest package file or archive to keep, in bytes;
	// larger ones are streamed from the bucket. DefaultCacheObject if 0.
	CacheObject int64
	// Poll is how often the pointers are looked at; DefaultPoll if 0.
	Poll time.Duration
	// StoreTimeout is how long one read of a small object may take;
	// DefaultStoreTimeout if 0.
	StoreTimeout time.Duration
	// Stall is how long a client may take to accept the next 128 KiB before it
	// is given up; DefaultStall if 0. A download as a whole may take any time.
	Stall time.Duration
	// MaxRequests is how many requests are answered at once, the others get
	// 503; no bound if 0.
	MaxRequests int

	// Log tells of snapshots that became live and of failures of the store;
	// nil is silence.
	Log *slog.Logger
	// AccessLog gets a line for each request; nil writes none.
	AccessLog *slog.Logger
	// Metrics is where the metrics are registered; a registry of its own if nil.
	Metrics *prometheus.Registry
}

// Values of Options that are not given.
const (
	DefaultCacheBytes   = 256 << 20
	DefaultCacheObject  = 1 << 20
	DefaultPoll         = 2 * time.Second
	DefaultStoreTimeout = 30 * time.Second
	DefaultStall        = time.Minute
)

// withDefaults checks the options and fills in what is not given.
func (o Options) withDefaults() (Options, error) {
	if o.Bucket == nil {
		return o, fmt.Errorf("serve: no bucket")
	}
	if len(o.Environments) == 0 {
		return o, fmt.Errorf("serve: no environment to answer for")
	}
	for _, n := range []int64{o.CacheBytes, o.CacheObject, int64(o.Poll), int64(o.StoreTimeout), int64(o.Stall), int64(o.MaxRequests)} {
		if n < 0 {
			return o, fmt.Errorf("serve: a size, time or count is negative: %d", n)
		}
	}
	if o.Prefix != "" && (o.Prefix[0] != '/' || path.Clean(o.Prefix) != strings.TrimSuffix(o.Prefix, "/") && o.Prefix != "/") {
		return o, fmt.Errorf("serve: path prefix %q: want it like %q", o.Prefix, "/registry")
	}
	o.Prefix = strings.TrimSuffix(o.Prefix, "/")
	o.CacheBytes = orElse(o.CacheBytes, DefaultCacheBytes)
	o.CacheObject = orElse(o.CacheObject, DefaultCacheObject)
	o.Poll = orElse(o.Poll, DefaultPoll)
	o.StoreTimeout = orElse(o.StoreTimeout, DefaultStoreTimeout)
	o.Stall = orElse(o.Stall, DefaultStall)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	return o, nil
}

func orElse[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
