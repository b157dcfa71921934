package git

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Revision finds the commit that a revision names: in git's own terms
// ("HEAD", "v1.2^", digits; gitrevisions(7)), or a branch as Branch finds it. One
// that names nothing is ErrNoBranch.
func (s *GitSource) Revision(ctx context.Context, rev string) (index.ID, error) {
	if rev == "" || strings.HasPrefix(rev, "-") {
		return index.ID{}, fmt.Errorf("%w: %q cannot be a revision", index.ErrNoBranch, rev)
	}
	out, err := runGit(ctx, s.dir, s.env, "rev-parse", "--verify", "--quiet", "--end-of-options", rev+"^{commit}")
	if err == nil {
		return index.ParseID(strings.TrimSpace(out))
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return index.ID{}, err
	}
	id, resolveErr := s.resolve(ctx, rev)
	switch {
	case !errors.Is(resolveErr, index.ErrNoBranch): // found, or not to be found out
		return id, resolveErr
	case exit.ExitCode() == 1: // it is not there; of all else git says why
		return index.ID{}, fmt.Errorf("%w: %s names no commit of %s", index.ErrNoBranch, rev, s.dir)
	}
	return index.ID{}, fmt.Errorf("%w: %s names no commit of %s: %w", index.ErrNoBranch, rev, s.dir, err)
}

// HeadBranch is the branch that HEAD is on: in a work tree the one that is
// checked out. It is empty when HEAD is on none.
func (s *GitSource) HeadBranch(ctx context.Context) (string, error) {
	out, err := runGit(ctx, s.dir, s.env, "symbolic-ref", "--quiet", "HEAD")
	var exit *exec.ExitError
	switch {
	case err == nil:
		return strings.TrimPrefix(strings.TrimSpace(out), "refs/heads/"), nil
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return "", nil
	}
	return "", err
}

// MergeBase is the newest commit that two commits both come from. It is zero
// when there is none, or the clone is too shallow to tell.
func (s *GitSource) MergeBase(ctx context.Context, a, b index.ID) (index.ID, error) {
	out, err := runGit(ctx, s.dir, s.env, "merge-base", a.String(), b.String())
	var exit *exec.ExitError
	switch {
	case err == nil:
		return index.ParseID(strings.TrimSpace(out))
	case errors.As(err, &exit) && exit.ExitCode() == 1:
		return index.ID{}, nil
	}
	return index.ID{}, err
}

// Bare reports whether the repository is one without a work tree.
func (s *GitSource) Bare(ctx context.Context) (bool, error) {
	out, err := runGit(ctx, s.dir, s.env, "rev-parse", "--is-bare-repository")
	return strings.TrimSpace(out) == "true", err
}
