package publish

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// ErrAmbiguous reports a name that stands for several snapshots.
var ErrAmbiguous = errors.New("ambiguous")

// ErrNotName reports what cannot be the name of a snapshot.
var ErrNotName = errors.New("not the name of a snapshot")

const (
	// shortest is how many characters a prefix of an id must have, as in git.
	shortest = 4
	// stampLength is where the digest begins in an id: behind the time and a dash.
	stampLength = len(layout.SnapshotTime) + 1
)

var (
	prefixPattern = regexp.MustCompile(`^([0-9]{4,8}(T[0-9]{0,6}(Z(-[0-9a-f]{0,12})?)?)?|[0-9a-f]{4,12})$`)
	movePattern   = regexp.MustCompile(`^@\{([0-9]{1,4})\}$`)
	commitPattern = regexp.MustCompile(`^([^@]+)@([0-9a-f]{4,64})$`)
)

// Resolve finds the snapshot of an environment that a person named:
//
//	20240101T000000Z-0123456789ab   its id
//	20240101T, 0123                 what an id, or the digest in it, begins with
//	live, previous                  what is live, and what a rollback goes to
//	@{0}, @{1}, …                   live now, live before that, and so on
//	production@1a2b3c               built from that commit of that branch
//	release-8.5                     what has that tag
//
// A name that fits several snapshots is ErrAmbiguous, which lists them. One that
// fits none is ErrNoSnapshot; one that cannot fit any, or is no tag, ErrNotName.
func (b *Bucket) Resolve(ctx context.Context, env, name string) (string, error) {
	if layout.ValidSnapshot(name) {
		return name, nil
	}
	if name == "live" || name == "previous" || movePattern.MatchString(name) {
		return b.resolveMove(ctx, env, name)
	}
	if layout.ValidTag(name) == nil {
		return b.resolveTag(ctx, env, name)
	}
	commit := commitPattern.FindStringSubmatch(name)
	if commit == nil && !prefixPattern.MatchString(name) {
		return "", fmt.Errorf("%q is %w: want an id, the first %d or more characters of one, a tag, live, previous, @{N} or BRANCH@COMMIT", name, ErrNotName, shortest)
	}
	all, err := b.Snapshots(ctx, env)
	if err != nil {
		return "", err
	}
	var found []string
	for _, s := range all[env] {
		if commit != nil {
			fits, err := b.builtFrom(ctx, env, s.ID, commit[1], commit[2])
			if err != nil {
				return "", err
			}
			if !fits {
				continue
			}
		} else if !strings.HasPrefix(s.ID, name) && !strings.HasPrefix(s.ID[stampLength:], name) {
			continue
		}
		found = append(found, s.ID)
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: %s of %s; regsnap history lists those that exist", ErrNoSnapshot, name, env)
	case 1:
		return found[0], nil
	}
	slices.Sort(found)
	return "", fmt.Errorf("%w: %s fits %d snapshots of %s: %s", ErrAmbiguous, name, len(found), env, strings.Join(found[:min(len(found), 10)], ", "))
}

// resolveTag finds what has a tag.
func (b *Bucket) resolveTag(ctx context.Context, env, name string) (string, error) {
	t, _, err := b.tag(ctx, env, name)
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && t.Snapshot == "":
		return "", fmt.Errorf("%q is %w: %s has no such tag, and it is no id, live, previous, @{N} or BRANCH@COMMIT", name, ErrNotName, env)
	}
	return t.Snapshot, err
}

// resolveMove finds a snapshot by the pointer's record of its moves.
func (b *Bucket) resolveMove(ctx context.Context, env, name string) (string, error) {
	p, err := b.Pointer(ctx, env)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("environment %s: %w", env, ErrNothingLive)
	}
	if err != nil {
		return "", err
	}
	switch name {
	case "live":
		return p.Snapshot, nil
	case "previous":
		if p.Previous == "" {
			return "", fmt.Errorf("environment %s: %w", env, errNoPrevious)
		}
		return p.Previous, nil
	}
	n, err := strconv.Atoi(movePattern.FindStringSubmatch(name)[1])
	if err != nil {
		return "", err
	}
	was := []string{p.Snapshot}
	for _, m := range p.Moves {
		if m.Snapshot != was[len(was)-1] { // a pin leaves the same one live
			was = append(was, m.Snapshot)
		}
	}
	if n >= len(was) {
		return "", fmt.Errorf("%w: %s of %s; the pointer remembers %d, up to @{%d}", ErrNoSnapshot, name, env, len(was), len(was)-1)
	}
	return was[n], nil
}

// builtFrom reports whether a snapshot was built from a commit of a branch,
// whose id begins with the given digits. A snapshot that was pruned meanwhile, or
// whose manifest is damaged, was not.
func (b *Bucket) builtFrom(ctx context.Context, env, id, branch, commit string) (bool, error) {
	body, err := b.Read(ctx, layout.ManifestKey(env, id))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	m, err := layout.DecodeOrigin(body)
	if err != nil {
		return false, nil
	}
	return slices.ContainsFunc(m.Branches, func(b layout.ManifestBranch) bool {
		return b.Name == branch && strings.HasPrefix(b.Commit, commit)
	}), nil
}
