package publish

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// VerifyOptions say how much of a snapshot to check.
type VerifyOptions struct {
	// Sample is the share of package revisions and responses to check, above 0
	// up to 1; 0 is all. Manifest and routes are always checked.
	Sample float64
	// Seed chooses the sample.
	Seed uint64
	// State, if set, is the file that remembers what was found sound, so that a
	// check that was broken off can go on.
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
	result *Verification

	mu sync.Mutex
}

// unit is what is checked, and remembered, as a whole.
type unit struct {
	name  string
	check func(ctx context.Context, u *unitCheck) error
}

// Verify reads a snapshot again and compares every object with the digests of
// the manifest and of the lists of files. The error is that of the store; what
// is wrong with the snapshot is in the result.
func (b *Bucket) Verify(ctx context.Context, env, id string, o VerifyOptions) (*Verification, error) {
	v := &verifier{b: b, o: o, result: &Verification{Environment: env, Snapshot: id, Faults: []Fault{}}}
	var err error
	if v.state, err = openVerifyState(o.State, env, id); err != nil {
		return nil, err
	}
	err = v.run(ctx, env, id)
	if e := v.state.close(); err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(v.result.Faults, func(a, b Fault) int { return strings.Compare(a.Key, b.Key) })
	if !v.result.Sound() {
		// What prune has taken away is not damaged.
		there, err := b.exists(ctx, layout.ManifestKey(env, id))
		if err == nil && !there && v.result.Faults[0].Key != layout.ManifestKey(env, id) {
			err = fmt.Errorf("%w: %s of %s was deleted while it was verified", ErrNoSnapshot, id, env)
		}
		return v.result, err
	}
	return v.result, nil
}

func (v *verifier) run(ctx context.Context, env, id string) error {
	head := &unitCheck{v: v}
	m, err := head.manifest(ctx, env, id)
	v.report(head, true)
	if err != nil || m == nil {
		return err
	}
	units := v.sample(unitsOf(m))
	v.result.Checked.Total = len(units) + 1
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(v.b.Parallel())
	for _, u := range units {
		if v.state.sound(u.name) {
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
			if len(c.faults) > 0 {
				return nil
			}
			return v.state.add(u.name)
		})
	}
	return g.Wait()
}

// unitsOf lists all that a manifest refers to.
func unitsOf(m *layout.Manifest) []unit {
	var units []unit
	for _, p := range m.Packages {
		rev := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}
		units = append(units, unit{strings.TrimSuffix(rev.ContentsKey(), "/contents.json"), func(ctx context.Context, c *unitCheck) error {
			return c.revision(ctx, rev, p.Contents)
		}})
	}
	for _, r := range m.Responses {
		units = append(units, unit{layout.ResponsesPrefix + string(r.Digest), func(ctx context.Context, c *unitCheck) error {
			return c.response(ctx, r)
		}})
	}
	return units
}

// sample chooses units at random, at least one.
func (v *verifier) sample(units []unit) []unit {
	if v.o.Sample <= 0 || v.o.Sample >= 1 || len(units) == 0 {
		return units
	}
	r := rand.New(rand.NewPCG(v.o.Seed, 0))
	r.Shuffle(len(units), func(i, j int) { units[i], units[j] = units[j], units[i] })
	return units[:max(1, int(float64(len(units))*v.o.Sample))]
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
	c.faults = append(c.faults, Fault{Key: key, Missing: errors.Is(err, fs.ErrNotExist), Detail: faultText(err), unit: c.name})
}

// faultText leaves the key out, which is told beside it.
func faultText(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "missing"
	}
	return err.Error()
}

// read returns an object, or nil and notes that it is missing.
func (c *unitCheck) read(ctx context.Context, key string) ([]byte, error) {
	body, err := c.v.b.Read(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		c.fault(key, err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	c.objects++
	c.bytes += int64(len(body))
	return body, nil
}

// expect streams an object and compares size and digest.
func (c *unitCheck) expect(ctx context.Context, key string, want layout.ObjectDigest) error {
	r, err := c.v.b.Open(ctx, key, 0, -1)
	if errors.Is(err, fs.ErrNotExist) {
		c.fault(key, err)
		return nil
	}
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	n, err := io.Copy(h, r)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	c.objects++
	c.bytes += n
	if got := hex.EncodeToString(h.Sum(nil)); n != want.Size {
		c.fault(key, fmt.Errorf("%d bytes, want %d", n, want.Size))
	} else if got != want.SHA256 {
		c.fault(key, fmt.Errorf("SHA-256 %s, want %s", got, want.SHA256))
	}
	return nil
}

// manifest checks manifest and routes. Without a manifest that can be believed
// it returns nil: nothing else can be checked.
func (c *unitCheck) manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	key := layout.ManifestKey(env, id)
	body, err := c.read(ctx, key)
	if err != nil || body == nil {
		return nil, err
	}
	m, err := layout.DecodeManifest(body)
	if err == nil && (m.ID() != id || m.Environment != env) {
		err = fmt.Errorf("its content has the id %s of %s", m.ID(), m.Environment)
	}
	if err != nil {
		c.fault(key, err)
		return nil, nil
	}
	key = layout.RoutesKey(env, id)
	if body, err = c.read(ctx, key); err != nil {
		return nil, err
	}
	if body != nil {
		if err := store.Matches(body, m.Routes); err != nil {
			c.fault(key, err)
		}
	}
	return m, nil
}

// revision checks every object of a package revision.
func (c *unitCheck) revision(ctx context.Context, rev layout.Revision, sum string) error {
	body, err := c.read(ctx, rev.ContentsKey())
	if err != nil || body == nil {
		return err
	}
	err = store.HasSum(body, sum)
	var list *layout.Contents
	if err == nil {
		list, err = layout.DecodeContents(body)
	}
	if err != nil {
		c.fault(rev.ContentsKey(), err)
		return nil
	}
	if err := c.expect(ctx, rev.ArchiveKey(), list.Archive); err != nil {
		return err
	}
	if list.Signature != nil {
		if err := c.expect(ctx, rev.SignatureKey(), *list.Signature); err != nil {
			return err
		}
	}
	for _, f := range list.Files {
		if err := c.expect(ctx, rev.FileKey(f.Path), layout.ObjectDigest{Size: f.Size, SHA256: f.SHA256}); err != nil {
			return err
		}
	}
	return nil
}

// response checks a response, or a part of the catalog, and that its encoded twin, if there is one, or the
// only form there is, says the same.
func (c *unitCheck) response(ctx context.Context, r layout.ManifestResponse) error {
	key := r.Object(layout.CacheContent).Key
	want := layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}
	if !r.EncodedOnly {
		if err := c.expect(ctx, key, want); err != nil || r.Gzip == 0 {
			return err
		}
	}
	key += layout.GzipSuffix
	body, err := c.read(ctx, key)
	if err != nil || body == nil {
		return err
	}
	if int64(len(body)) != r.Gzip {
		c.fault(key, fmt.Errorf("%d bytes, want %d", len(body), r.Gzip))
		return nil
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err == nil {
		var plain []byte
		if plain, err = io.ReadAll(io.LimitReader(z, r.Size+1)); err == nil {
			err = store.Matches(plain, want)
		}
	}
	if err != nil {
		c.fault(key, err)
	}
	return nil
}
