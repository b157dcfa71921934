package upstream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
)

var (
	// ErrURL: what should be the URL of a registry is none.
	ErrURL = errors.New("registry URL")
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
}

// fetcher is one run of Fetch.
type fetcher struct {
	Options
	client *client
	cache  *cache

	mu    sync.Mutex
	stats Stats
	bad   []error // about signatures
}

// Fetch brings archives and signatures into the folder and returns it as a
// source, whose branch is called BranchName. What is there already is asked for
// again only on condition that it changed. The source must be closed.
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
	if o.Limits.ArchiveSize == 0 {
		o.Limits.ArchiveSize = index.DefaultArchiveSize
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int, int64) {}
	}
	f := &fetcher{Options: o}
	if f.client, err = newClient(o.URL, o); err != nil {
		return nil, Stats{}, err
	}
	defer f.client.http.CloseIdleConnections()
	offers, err := f.client.list(ctx, o.Slice, func(done, total int) { o.Progress("search", done, total, 0) })
	if err != nil {
		return nil, Stats{}, err
	}
	offers, f.stats.Excluded = exclude(offers, o.Exclude)
	if len(offers) == 0 {
		return nil, f.stats, fmt.Errorf("%w, but for those that are excluded", errNothing)
	}
	if f.cache, err = openCache(ctx, o.Dir); err != nil {
		return nil, Stats{}, err
	}
	if err := f.all(ctx, offers); err != nil {
		return nil, f.stats, errors.Join(err, f.cache.close())
	}
	return newSource(f.cache, offers, provenance(f.client.base)), f.stats, nil
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

// maxSignature is the largest signature that is taken, in bytes.
const maxSignature = 64 << 10

// one fetches an archive and its signature.
func (f *fetcher) one(ctx context.Context, o offer) error {
	archive := o.id() + ".zip"
	signature := archive + ".sig"
	if err := f.file(ctx, archive, o.Download, f.Limits.ArchiveSize); err != nil {
		return err
	}
	if o.SignaturePath == "" {
		if err := f.cache.remove(signature); err != nil {
			return err
		}
	} else if err := f.file(ctx, signature, o.SignaturePath, maxSignature); err != nil {
		return err
	}
	return f.verify(o, archive, signature)
}

// file fetches one file, unless it is there and has not changed.
func (f *fetcher) file(ctx context.Context, name, path string, limit int64) error {
	had, there := f.cache.have(name, path)
	d, err := f.cache.download()
	if err != nil {
		return err
	}
	u, err := url.Parse(path)
	if err != nil {
		return errors.Join(err, d.discard())
	}
	now, err := f.client.get(ctx, u.Path, "", had.state, limit, d)
	switch {
	case errors.Is(err, errUnchanged) && there:
		err = f.count(func(s *Stats) { s.Unchanged++ })
		return errors.Join(err, d.discard())
	case errors.Is(err, errMissing):
		err = fmt.Errorf("%s: the registry lists it and does not have it", path)
		return errors.Join(err, d.discard())
	case err != nil:
		return errors.Join(err, d.discard())
	}
	if err := f.count(func(s *Stats) { s.Fetched++; s.Bytes += d.size }); err != nil {
		return errors.Join(err, d.discard())
	}
	return f.cache.keep(name, path, d, now)
}

// count notes what was done, and whether it is enough.
func (f *fetcher) count(add func(*Stats)) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	add(&f.stats)
	if f.stats.Bytes > f.Size {
		return fmt.Errorf("%w: more than %d bytes in all", errRefused, f.Size)
	}
	return nil
}

// verify checks the signature, if somebody is to be trusted.
func (f *fetcher) verify(o offer, archive, signature string) error {
	note := func(err error) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.bad = append(f.bad, fmt.Errorf("%s: %w", o.id(), err))
	}
	if o.SignaturePath == "" {
		if f.Verify != nil {
			note(errors.New("it has no signature"))
		}
		return nil
	}
	f.mu.Lock()
	f.stats.Signed++
	f.mu.Unlock()
	if f.Verify == nil {
		return nil
	}
	sig, err := os.ReadFile(f.cache.file(signature))
	if err != nil {
		return err
	}
	file, err := os.Open(f.cache.file(archive))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := f.Verify.Verify(file, sig); err != nil {
		note(err)
	}
	return nil
}
