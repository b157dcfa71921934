package publish

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/spans"
)

// VerifyOptions say how much of a snapshot to check.
type VerifyOptions struct {
	// Sample is the share of package revisions and responses to check, above 0
	// up to 1; 0 is all. Manifest and routes are always checked.
	Sample float64
	// Seed chooses the sample.
	Seed uint64
	// State, if set, is the file that remembers what was found sound, so that a
	// check that was interrupted can go on.
	State string
	// Progress, if set, is told how far the check is.
	Progress func(Checked)
}

// Checked counts the objects that were read.
type Checked struct {
	Units   int   `json:"units"` // package revisions and responses
	Total   int   `json:"total"`
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// Skipped are units that the state file knows to be sound.
	Skipped int `json:"skipped,omitempty"`
}

// Fault is an object that is not what the snapshot says.
type Fault struct {
	Key     string `json:"key"`
	Missing bool   `json:"missing,omitempty"`
	Detail  string `json:"detail"`
	// Repaired tells that it was written again and is sound now.
	Repaired bool `json:"repaired,omitempty"`
	unit     string
}

// Verification is what a check found.
type Verification struct {
	Environment string  `json:"environment"`
	Snapshot    string  `json:"snapshot"`
	Checked     Checked `json:"checked"`
	Faults      []Fault `json:"faults"`
}

// Sound tells that nothing is wrong, or no longer.
func (v *Verification) Sound() bool {
	return !slices.ContainsFunc(v.Faults, func(f Fault) bool { return !f.Repaired })
}

// verifier is one run of Verify.
type verifier struct {
	b      *Bucket
	o      VerifyOptions
	state  *verifyState
	choose func([]unit) []unit
	result *Verification

	mu sync.Mutex
}

// unit is what is checked, and remembered, as a whole.
type unit struct {
	name  string
	check func(ctx context.Context, u *unitCheck) error
}

// Verify reads a snapshot again and compares every object with the digests of
// the manifest and of the lists of files, and what these lists say of the archives with
// what the archives hold. The error is that of the store; what
// is wrong with the snapshot is in the result.
func (b *Bucket) Verify(ctx context.Context, env, id string, o VerifyOptions) (*Verification, error) {
	state, err := openVerifyState(o.State, env, id)
	if err != nil {
		return nil, err
	}
	v, err := b.verify(ctx, env, id, o, state, o.sample)
	return v, errors.Join(err, state.close())
}

// verify checks what choose leaves of the units and state does not know.
func (b *Bucket) verify(ctx context.Context, env, id string, o VerifyOptions, state *verifyState, choose func([]unit) []unit) (*Verification, error) {
	v := &verifier{b: b, o: o, state: state, choose: choose, result: &Verification{Environment: env, Snapshot: id, Faults: []Fault{}}}
	if err := v.run(ctx, env, id); err != nil {
		return nil, err
	}
	slices.SortFunc(v.result.Faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
	if !v.result.Sound() {
		// What prune has taken away is not damaged.
		there, err := b.exists(ctx, layout.ManifestKey(env, id))
		if err == nil && !there && v.result.Faults[0].Key != layout.ManifestKey(env, id) {
			err = prunedMeanwhile(env, id)
		}
		return v.result, err
	}
	return v.result, nil
}

func (v *verifier) run(ctx context.Context, env, id string) error {
	head := &unitCheck{v: v}
	m, err := head.manifest(ctx, env, id)
	v.report(head, true)
	if m == nil {
		return err
	}
	units := v.choose(unitsOf(m))
	v.result.Checked.Total = len(units) + 1
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(v.b.Parallel())
	for _, u := range units {
		if v.state.known(u.name) {
			v.mu.Lock()
			v.result.Checked.Skipped++
			v.result.Checked.Units++
			v.mu.Unlock()
			continue
		}
		g.Go(func() error {
			c := &unitCheck{v: v, name: u.name}
			if err := u.check(ctx, c); err != nil {
				return err
			}
			v.report(c, true)
			return v.state.add(u.name, len(c.faults) == 0)
		})
	}
	return g.Wait()
}

// unitsOf lists all that a manifest refers to. The name of a unit says how it must
// be too: what another snapshot says of the same object counts for itself.
func unitsOf(m *layout.Manifest) []unit {
	var units []unit
	for _, p := range m.Packages {
		rev := revisionOf(p)
		units = append(units, unit{rev.ContentsKey() + " " + p.Contents, func(ctx context.Context, c *unitCheck) error {
			return c.revision(ctx, rev, p.Contents)
		}})
	}
	for _, r := range m.Responses {
		units = append(units, unit{layout.ResponsesPrefix + string(r.Digest) + " " + r.SHA256, func(ctx context.Context, c *unitCheck) error {
			return c.response(ctx, r)
		}})
	}
	return units
}

// sample chooses units at random, at least one.
func (o VerifyOptions) sample(units []unit) []unit {
	if o.Sample <= 0 || o.Sample >= 1 || len(units) == 0 {
		return units
	}
	r := rand.New(rand.NewPCG(o.Seed, 0))
	r.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
	return units[:max(1, int(float64(len(units))*o.Sample))]
}

// report adds what one unit came to.
func (v *verifier) report(c *unitCheck, done bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.result.Faults = append(v.result.Faults, c.faults...)
	v.result.Checked.Objects += c.objects
	v.result.Checked.Bytes += c.bytes
	if done {
		v.result.Checked.Units++
	}
	if v.o.Progress != nil {
		v.o.Progress(v.result.Checked)
	}
}

// unitCheck collects what is found in one unit.
type unitCheck struct {
	v       *verifier
	name    string
	objects int
	bytes   int64
	faults  []Fault
}

func (c *unitCheck) fault(key string, err error) {
	c.faults = append(c.faults, Fault{Key: key, Missing: errors.Is(err, fs.ErrNotExist), Detail: faultText(key, err), unit: c.name})
}

// faultText leaves out the key and the word damaged, which stand beside it.
func faultText(key string, err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "missing"
	}
	text := strings.TrimPrefix(err.Error(), ErrDamaged.Error()+": ")
	return strings.TrimPrefix(strings.TrimPrefix(text, key+": "), ErrDamaged.Error()+": ")
}

// noted takes what came of reading an object of size bytes, and reports whether
// it is sound. What is missing or damaged is a fault; any other error is one of
// the store or of this regsnap, and says nothing about the object.
func (c *unitCheck) noted(key string, size int64, err error) (bool, error) {
	switch {
	case err == nil:
		c.objects++
		c.bytes += size
		return true, nil
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrDamaged):
		c.fault(key, err)
		return false, nil
	}
	return false, err
}

// expect streams an object and compares size and digest.
func (c *unitCheck) expect(ctx context.Context, key string, want layout.ObjectDigest) error {
	_, err := c.noted(key, want.Size, c.v.b.Fetch(ctx, key, io.Discard, want))
	return err
}

// manifest checks manifest, lists and routes. Without a manifest that can be believed,
// and all of its lists, it returns nil: nothing else can be checked.
func (c *unitCheck) manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	m, body, err := c.v.b.head(ctx, env, id)
	if errors.Is(err, ErrNoSnapshot) {
		// Unless the rest of it is there, there is no such snapshot.
		if there, e := c.v.b.exists(ctx, layout.RoutesKey(env, id)); e != nil || !there {
			return nil, errors.Join(e, err)
		}
	}
	if ok, err := c.noted(layout.ManifestKey(env, id), int64(len(body)), err); !ok {
		return nil, err
	}
	_, body, err = c.v.b.routes(ctx, m, id)
	if _, err = c.noted(layout.RoutesKey(env, id), int64(len(body)), err); err != nil {
		return nil, err
	}
	lists, err := c.lists(ctx, m)
	if err != nil || lists == nil {
		return nil, err
	}
	if err := m.Fill(lists); err != nil {
		c.fault(layout.ManifestKey(env, id), err)
		return nil, nil
	}
	return m, nil
}

// lists checks the lists of a manifest; they are nil if not all of them are sound. One
// that was found sound before is read for what it says, and does not count again.
func (c *unitCheck) lists(ctx context.Context, m *layout.Manifest) ([]*layout.ManifestList, error) {
	lists, whole := make([]*layout.ManifestList, len(m.Lists)), true
	for i, r := range m.Lists {
		name := listKey(r) + " " + r.SHA256
		if c.v.state.known(name) {
			if l, err := c.v.b.list(ctx, r); err == nil {
				lists[i] = l
				continue
			}
		}
		l, err := c.v.b.readList(ctx, r)
		ok, err := c.noted(listKey(r), r.Gzip, err)
		if err != nil {
			return nil, err
		}
		if lists[i], whole = l, whole && ok; ok {
			c.v.b.lists.put(r, l)
			if err := c.v.state.add(name, true); err != nil {
				return nil, err
			}
		}
	}
	if !whole {
		return nil, nil
	}
	return lists, nil
}

// revision checks every object of a package revision.
func (c *unitCheck) revision(ctx context.Context, rev layout.Revision, sum string) error {
	body, list, err := c.v.b.Contents(ctx, rev, sum)
	if ok, err := c.noted(rev.ContentsKey(), int64(len(body)), err); !ok {
		return err
	}
	if err := c.archive(ctx, rev, list); err != nil {
		return err
	}
	if list.Signature != nil {
		if err := c.expect(ctx, rev.SignatureKey(), *list.Signature); err != nil {
			return err
		}
	}
	for _, f := range list.Objects() {
		if err := c.expect(ctx, rev.FileKey(f.Path), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256}); err != nil {
			return err
		}
	}
	return nil
}

// archive checks the archive of a revision, and that it holds the files where the list
// says.
func (c *unitCheck) archive(ctx context.Context, rev layout.Revision, list *layout.Contents) error {
	r, w := io.Pipe()
	judged := make(chan error, 1)
	go func() {
		err := c.v.state.spans.Check(r, list, func(offset, size int64) (io.ReadCloser, error) {
			return c.v.b.Open(ctx, rev.ArchiveKey(), offset, size)
		})
		_, _ = io.Copy(io.Discard, r) // so that the archive is judged to its end
		judged <- err
	}()
	err := c.v.b.Fetch(ctx, rev.ArchiveKey(), w, list.Archive)
	w.Close() // of a pipe: never an error
	unfit := <-judged
	if ok, err := c.noted(rev.ArchiveKey(), list.Archive.Size, err); !ok {
		return err
	}
	if errors.Is(unfit, spans.ErrUnfit) {
		c.fault(rev.ContentsKey(), unfit)
		return nil
	}
	return unfit
}

// response checks a response, or a part of the catalog, and that its encoded
// form, which may be the only one, says the same.
func (c *unitCheck) response(ctx context.Context, r layout.ManifestResponse) error {
	key := r.Object(layout.CacheContent).Key
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	if !r.EncodedOnly {
		if err := c.expect(ctx, key, want); err != nil || r.Gzip == 0 {
			return err
		}
	}
	key += layout.GzipSuffix
	_, err := c.noted(key, r.Gzip, c.v.b.FetchEncoded(ctx, key, io.Discard, r.Gzip, want))
	return err
}
