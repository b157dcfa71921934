package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

var (
	// ErrURL reports a malformed registry URL.
	ErrURL = errors.New("registry URL")
	// errGone: what should be there is not.
	errGone = errors.New("it is listed, and it is not there")
	// errNothing: nothing of what was asked for is in the registry.
	errNothing = errors.New("the registry has no package that was asked for")
	// ErrUnsigned: an archive has no signature, or one that is not good.
	ErrUnsigned = errors.New("archives are not signed by a key to trust")
)

// Verifier checks signatures.
type Verifier interface {
	// Verify checks the detached signature of a file and returns the
	// fingerprint of the key that made it.
	Verify(file io.ReadSeeker, signature []byte) (string, error)
}

// Options say what to fetch from where.
type Options struct {
	// URL is where the registry is; it may have a path prefix.
	URL string
	// Storage is, instead, where the bucket of a package storage v2 is, whose index says
	// what there is. Then URL is the endpoint that archives and signatures come from; if
	// it is "" they come from the bucket. Bucket is the bucket, if it is not read by HTTP.
	Storage string
	Bucket  Bucket
	// IndexSize is how many bytes an index may say; 0 is 1 GiB.
	IndexSize int64
	// Refresh asks for each archive on condition that it changed, also where the index
	// says the same of it as before.
	Refresh bool
	// Slice is what to ask for; empty is every version.
	Slice layout.Slice
	// Exclude leaves out packages, "name" or "name-version".
	Exclude []string
	// Dir is the folder to fetch into, kept from one import to the next.
	Dir string
	// Verify, if set, must find a good signature for every archive.
	Verify Verifier
	// Hosts are other hosts to which redirects may lead.
	Hosts []string
	// Rate is how many requests a second are made at most; 0 is DefaultRate.
	Rate float64
	// Parallel is how many connections are used; 0 is DefaultParallel.
	Parallel int
	// Size is how many bytes are taken in all; 0 is DefaultSize.
	Size int64
	// Limits bound an archive.
	Limits index.Limits
	// Agent is sent as User-Agent.
	Agent string
	// Progress, if set, is told how far the work is. It must not block.
	Progress func(phase string, done, total int, bytes int64)
}

// The defaults of Options: what one reader may cost a registry that serves many.
const (
	DefaultRate           = 20
	DefaultParallel       = 4
	DefaultSize     int64 = 64 << 30
)

// limiter spaces the requests to one server out.
func (o Options) limiter() *rate.Limiter {
	return rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate)))
}

// Stats counts what was fetched.
type Stats struct {
	Packages int `json:"packages"`
	// Excluded are the packages that were left out, as "name-version".
	Excluded []string `json:"excluded,omitempty"`
	// Fetched and Unchanged count archives and signatures.
	Fetched   int   `json:"fetched"`
	Unchanged int   `json:"unchanged"`
	Signed    int   `json:"signed"`
	Bytes     int64 `json:"bytes"`
	// Cursor is the index that was read, and Current that it is the one of the last import.
	Cursor  string `json:"cursor,omitempty"`
	Current bool   `json:"current,omitempty"`
}

// fetcher is one run of Fetch.
type fetcher struct {
	Options
	registry *client // nil if there is an index
	index    origin
	files    origin // where archives and signatures come from
	cache    *cache
	checking sync.Mutex // one archive at a time is in memory

	mu    sync.Mutex
	stats Stats
	bad   []error // about signatures
}

// Fetch brings archives and signatures into the folder and returns it as a
// source, whose branch is called BranchName. What is there already is asked for
// again only on condition that it changed, or not at all if the index of a package
// storage says the same of it as before. The source must be closed.
func Fetch(ctx context.Context, o Options) (_ *Source, _ Stats, err error) {
	if o.Rate <= 0 {
		o.Rate = DefaultRate
	}
	if o.Parallel <= 0 {
		o.Parallel = DefaultParallel
	}
	if o.Size <= 0 {
		o.Size = DefaultSize
	}
	if o.IndexSize <= 0 {
		o.IndexSize = defaultIndexSize
	}
	if o.Limits.ArchiveSize == 0 {
		o.Limits.ArchiveSize = index.DefaultArchiveSize
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, int64) {}
	}
	f := &fetcher{Options: o}
	if err := f.connect(); err != nil {
		return nil, Stats{}, err
	}
	defer f.disconnect()
	if f.cache, err = openCache(ctx, o.Dir); err != nil {
		return nil, Stats{}, err
	}
	offers, err := f.run(ctx)
	if err != nil {
		return nil, f.stats, errors.Join(err, f.cache.close())
	}
	from := f.files
	if f.index != nil {
		from = f.index
	}
	return newSource(f.cache, offers, from.where()), f.stats, nil
}

// connect prepares the clients; nothing is asked yet.
func (f *fetcher) connect() (err error) {
	if f.Storage == "" {
		f.registry, err = newClient(f.URL, f.Options)
		f.files = f.registry
		return err
	}
	if f.Bucket != nil {
		u, err := url.Parse(f.Storage)
		if err != nil {
			return fmt.Errorf("%w: want gs://BUCKET or gs://BUCKET/FOLDER", ErrURL)
		}
		f.index = newBucketOrigin(f.Bucket, provenance(u), f.Options)
	} else if f.index, err = newClient(f.Storage, f.Options); err != nil {
		return err
	}
	if f.files = f.index; f.URL != "" {
		f.files, err = newClient(f.URL, f.Options)
	}
	return err
}

func (f *fetcher) disconnect() {
	for _, o := range []origin{f.index, f.files} {
		if c, ok := o.(*client); ok {
			c.http.CloseIdleConnections()
		}
	}
}

// run finds out what there is and fetches it.
func (f *fetcher) run(ctx context.Context) ([]offer, error) {
	if f.registry == nil {
		return f.follow(ctx)
	}
	offers, err := f.registry.list(ctx, f.Slice, func(done, total int) { f.Progress("search", done, total, 0) })
	if err != nil {
		return nil, err
	}
	return f.take(ctx, offers)
}

// take fetches the offers that are not excluded.
func (f *fetcher) take(ctx context.Context, offers []offer) ([]offer, error) {
	offers, left := exclude(offers, f.Exclude)
	f.stats = Stats{Excluded: left, Fetched: f.stats.Fetched, Bytes: f.stats.Bytes, Cursor: f.stats.Cursor, Current: f.stats.Current}
	if len(offers) == 0 {
		return nil, fmt.Errorf("%w, but for those that are excluded", errNothing)
	}
	f.bad = nil
	return offers, f.all(ctx, offers)
}

// exclude leaves out what has one of those names, or is one of those versions.
func exclude(offers []offer, names []string) (rest []offer, left []string) {
	for _, o := range offers {
		if slices.Contains(names, o.Name) || slices.Contains(names, o.id()) {
			left = append(left, o.id())
		} else {
			rest = append(rest, o)
		}
	}
	return rest, left
}

// provenance is the URL of a registry without what is secret in it.
func provenance(u *url.URL) string {
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// all fetches every offer. Signatures that are not good are all collected.
func (f *fetcher) all(ctx context.Context, offers []offer) error {
	f.stats.Packages = len(offers)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(f.Parallel)
	done := 0
	for _, o := range offers {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := f.one(ctx, o); err != nil {
				return fmt.Errorf("%s: %w", o.id(), err)
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			done++
			f.Progress("fetch", done, len(offers), f.stats.Bytes)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	return f.unsigned()
}

// maxNamed is how many archives an error names.
const maxNamed = 20

func (f *fetcher) unsigned() error {
	if len(f.bad) == 0 {
		return nil
	}
	slices.SortFunc(f.bad, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	out := []error{fmt.Errorf("%w: %d of %d", ErrUnsigned, len(f.bad), f.stats.Packages)}
	for i, err := range f.bad {
		if i == maxNamed {
			out = append(out, fmt.Errorf("… and %d more", len(f.bad)-i))
			break
		}
		out = append(out, err)
	}
	return errors.Join(out...)
}
