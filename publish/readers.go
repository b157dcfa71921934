package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Every format of the bucket is read here and nowhere else, so that no two
// commands disagree about an object. What is wrong with one is ErrDamaged, or
// layout.ErrNewer and layout.ErrOutdated, which are about the reader; any other
// error is that of the store.

// ErrDamaged: a bucket does not hold what its snapshots say.
var ErrDamaged = layout.ErrDamaged

// ErrNoSnapshot: the bucket has no such snapshot, or not all of it.
var ErrNoSnapshot = errors.New("no such snapshot in the bucket")

// Pointer reads which snapshot of an environment is live; fs.ErrNotExist when
// none ever was, or the environment was retired.
func (b *Bucket) Pointer(ctx context.Context, env string) (layout.Pointer, error) {
	p, _, err := b.pointer(ctx, env)
	return p, err
}

func (b *Bucket) pointer(ctx context.Context, env string) (layout.Pointer, store.Token, error) {
	key := layout.PointerKey(env)
	body, t, err := b.store.Load(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		p, lost := b.noPointer(ctx, env, err)
		if !errors.Is(lost, ErrDamaged) {
			return p, "", lost
		}
		// The first move may have come between the two reads: it writes the pointer first.
		if body, t, err = b.store.Load(ctx, key); errors.Is(err, fs.ErrNotExist) {
			return p, "", lost
		}
	}
	if err != nil {
		return layout.Pointer{}, "", err
	}
	p, err := layout.DecodePointer(body, env)
	switch {
	case errors.Is(err, ErrDamaged):
		return layout.Pointer{}, "", fmt.Errorf("%s: %w; %s makes it again", key, err, recovers(env))
	case err != nil:
		return layout.Pointer{}, "", fmt.Errorf("%s: %w", key, err)
	}
	return p, t, nil
}

// noPointer tells a pointer that was lost, of which there is an audit log, from one
// that never was or was retired. What comes after that goes on counting there.
func (b *Bucket) noPointer(ctx context.Context, env string, err error) (layout.Pointer, error) {
	generations, e := b.recordedGenerations(ctx, env)
	switch {
	case e != nil:
		return layout.Pointer{}, fmt.Errorf("%s: it is not there, and whether it was lost cannot be determined: %w", layout.PointerKey(env), e)
	case len(generations) == 0:
		return layout.Pointer{}, err
	}
	last, e := b.audited(ctx, env, generations[0])
	switch {
	case e == nil && last.Kind == layout.MoveRetire:
		return layout.Pointer{Generation: generations[0]}, err
	case e == nil:
		return layout.Pointer{}, fmt.Errorf("%w: %s is lost: %s was live, by the audit log; %s makes it again", ErrDamaged, layout.PointerKey(env), last.Snapshot, recovers(env))
	case isFaulty(e), errors.Is(e, fs.ErrNotExist):
		return layout.Pointer{}, fmt.Errorf("%w: %s is lost, or was retired: the last entry of the audit log cannot be read: %v; %s makes the pointer again", ErrDamaged, layout.PointerKey(env), e, recovers(env))
	}
	return layout.Pointer{}, fmt.Errorf("%s: it is not there, and whether it was lost cannot be determined: %w", layout.PointerKey(env), e)
}

// mends are the commands that lead out when a snapshot cannot be read.
func mends(env string) string {
	return "regsnap verify --env " + env + " --repair mends it from its source, " + recovers(env) + " goes back to the newest snapshot that is whole"
}

// recovers is the command that makes a pointer again.
func recovers(env string) string { return "regsnap recover --env " + env }

// Manifest reads the manifest of a snapshot. If there is none it is ErrNoSnapshot
// and fs.ErrNotExist, and ErrDamaged too when the snapshot is live.
func (b *Bucket) Manifest(ctx context.Context, env, id string) (*layout.Manifest, error) {
	m, _, err := b.manifest(ctx, env, id)
	return m, err
}

func (b *Bucket) manifest(ctx context.Context, env, id string) (*layout.Manifest, []byte, error) {
	m, body, err := b.head(ctx, env, id)
	if err == nil {
		err = b.fill(ctx, m, id)
	}
	if err != nil {
		return nil, nil, err
	}
	return m, body, nil
}

// Head is Manifest without what is in lists of its own, which need not be readable.
func (b *Bucket) Head(ctx context.Context, env, id string) (*layout.Manifest, error) {
	m, _, err := b.head(ctx, env, id)
	return m, err
}

func (b *Bucket) head(ctx context.Context, env, id string) (*layout.Manifest, []byte, error) {
	key := layout.ManifestKey(env, id)
	body, err := b.Read(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, b.noManifest(ctx, env, id, err)
	}
	if err != nil {
		return nil, nil, err
	}
	m, err := layout.DecodeManifest(body, env, id)
	if errors.Is(err, ErrDamaged) {
		return nil, nil, fmt.Errorf("%s: %w; %s", key, err, mends(env))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", key, err)
	}
	return m, body, nil
}

// noManifest tells a snapshot that does not exist from a live one whose manifest
// was lost.
func (b *Bucket) noManifest(ctx context.Context, env, id string, err error) error {
	p, e := b.Pointer(ctx, env)
	if e == nil && p.Snapshot == id {
		return fmt.Errorf("%w: %s of %s is live, but its manifest is missing: %w; %s", ErrDamaged, id, env, err, mends(env))
	}
	return fmt.Errorf("%w: %s of %s (regsnap history lists what there is): %w", ErrNoSnapshot, id, env, err)
}

// Live reads the manifest of the live snapshot; fs.ErrNotExist when none is live.
func (b *Bucket) Live(ctx context.Context, env string) (*layout.Manifest, error) {
	_, m, err := b.live(ctx, env)
	return m, err
}

// live is Live with the pointer, which is there when only the manifest is not.
func (b *Bucket) live(ctx context.Context, env string) (p layout.Pointer, m *layout.Manifest, err error) {
	for {
		if p, err = b.Pointer(ctx, env); err != nil {
			return layout.Pointer{}, nil, err
		}
		m, err = b.Manifest(ctx, env, p.Snapshot)
		if !errors.Is(err, ErrNoSnapshot) {
			return p, m, err
		}
		// The pointer moved on and prune deleted that snapshot since it was read.
	}
}

// LiveSnapshot is Snapshot of what is live; ErrNothingLive when nothing is. The
// manifest is there when only the routes cannot be read.
func (b *Bucket) LiveSnapshot(ctx context.Context, env string) (*layout.Manifest, *layout.Routes, error) {
	for {
		p, m, err := b.live(ctx, env)
		if p.Snapshot == "" && errors.Is(err, fs.ErrNotExist) {
			return nil, nil, fmt.Errorf("environment %s: %w", env, ErrNothingLive)
		}
		if err != nil {
			return nil, nil, err
		}
		r, _, err := b.routes(ctx, m, p.Snapshot)
		if !errors.Is(err, ErrNoSnapshot) {
			return m, r, err
		}
	}
}

// Chosen is the snapshot that is named, or the live one if id is empty:
// ErrNothingLive if there is none. A snapshot that is named may not exist.
func (b *Bucket) Chosen(ctx context.Context, env, id string) (string, error) {
	if id != "" {
		return id, nil
	}
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("environment %s: %w", env, ErrNothingLive)
	}
	return p.Snapshot, err
}

// Routes reads the routes of a snapshot, and of the manifest, which says how they must
// be, what is not in lists.
func (b *Bucket) Routes(ctx context.Context, env, id string) (*layout.Routes, error) {
	m, err := b.Head(ctx, env, id)
	if err != nil {
		return nil, err
	}
	r, _, err := b.routes(ctx, m, id)
	return r, err
}

// Snapshot reads the manifest and the routes of a snapshot.
func (b *Bucket) Snapshot(ctx context.Context, env, id string) (*layout.Manifest, *layout.Routes, error) {
	m, err := b.Manifest(ctx, env, id)
	if err != nil {
		return nil, nil, err
	}
	r, _, err := b.routes(ctx, m, id)
	return m, r, err
}

// routes reads the routes that a manifest speaks of.
func (b *Bucket) routes(ctx context.Context, m *layout.Manifest, id string) (*layout.Routes, []byte, error) {
	key := layout.RoutesKey(m.Environment, id)
	body, err := b.Read(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, b.Explain(ctx, m.Environment, id, err)
	}
	if err != nil {
		return nil, nil, err
	}
	r, err := layout.DecodeRoutes(body, m.Environment)
	err = orDigest(err, store.Matches(body, m.Routes))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", key, err)
	}
	return r, body, nil
}

// Contents reads the list of files of a revision; sha256 is what the manifest
// says of it. fs.ErrNotExist when there is none.
func (b *Bucket) Contents(ctx context.Context, rev layout.Revision, sha256 string) ([]byte, *layout.Contents, error) {
	key := rev.ContentsKey()
	body, err := b.Read(ctx, key)
	if err != nil {
		return nil, nil, err
	}
	list, err := layout.DecodeContents(body, rev)
	err = orDigest(err, store.HasSum(body, sha256))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", key, err)
	}
	return body, list, nil
}

// orDigest is the error of a reader, or that of the digest, which says more about
// damage. Of another format the digest says nothing.
func orDigest(read, digest error) error {
	if digest == nil || errors.Is(read, layout.ErrNewer) || errors.Is(read, layout.ErrOutdated) {
		return read
	}
	return fmt.Errorf("%w: %w", ErrDamaged, digest)
}

// Explain tells a snapshot that was pruned while it was read from one that is
// damaged, where err says that an object of it is not there.
func (b *Bucket) Explain(ctx context.Context, env, id string, err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	there, e := b.exists(ctx, layout.ManifestKey(env, id))
	if e != nil {
		return errors.Join(err, e)
	}
	if !there {
		return prunedMeanwhile(env, id)
	}
	return fmt.Errorf("%w: an object of %s is missing: %w; regsnap verify --repair fixes it", ErrDamaged, id, err)
}

// ReadOf reads an object that one of these snapshots has, which were there when
// reading began: if it is not there it is ErrPruned or ErrDamaged.
func (b *Bucket) ReadOf(ctx context.Context, snapshots []*layout.Manifest, key string) ([]byte, error) {
	body, err := b.Read(ctx, key)
	if !errors.Is(err, fs.ErrNotExist) {
		return body, err
	}
	var ids []string
	for _, m := range snapshots {
		// Prune deletes a manifest before anything that it lists.
		there, e := b.exists(ctx, layout.ManifestKey(m.Environment, m.ID()))
		if e != nil {
			return nil, errors.Join(err, e)
		}
		if !there {
			return nil, prunedMeanwhile(m.Environment, m.ID())
		}
		ids = append(ids, m.ID())
	}
	return nil, fmt.Errorf("%w: an object of %s is missing: %w; regsnap verify --repair fixes it", ErrDamaged, strings.Join(ids, " or "), err)
}

// prunedMeanwhile is ErrPruned for a reader, and ErrNoSnapshot: the snapshot was
// there when reading began.
func prunedMeanwhile(env, id string) error {
	return fmt.Errorf("%w: %w: %s of %s", ErrPruned, ErrNoSnapshot, id, env)
}
