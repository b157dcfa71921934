package lint

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
)

// Range is what to compare.
type Range struct {
	Base, Head index.ID
	Proposed   bool
}

// FindRange finds out what a change to a branch consists of, where base or head
// is not given. Head is then HEAD, or in a bare repository the branch.
//
// A head that is the branch itself is a push: base is where a remote has it, or
// else the commit before. Any other head is a proposal: base is the branch.
func FindRange(ctx context.Context, s *git.GitSource, branch, base, head string) (Range, error) {
	var r Range
	local, err := revision(ctx, s, "refs/heads/"+branch)
	if err != nil {
		return r, err
	}
	tracking, err := s.Tracking(ctx, branch)
	if err != nil {
		return r, err
	}
	remote := tracking.Commit
	if head == "" {
		bare, err := s.Bare(ctx)
		if err != nil {
			return r, err
		}
		head = "HEAD"
		if bare {
			head = branch
		}
	}
	if r.Head, err = s.Revision(ctx, head); err != nil {
		return r, err
	}
	r.Proposed = r.Head != local && r.Head != remote
	// CI systems give zeros for what was not there before.
	if strings.Trim(base, "0") != "" {
		r.Base, err = s.Revision(ctx, base)
		return r, err
	}
	switch {
	case r.Proposed && !remote.IsZero():
		r.Base = remote
	case r.Proposed && !local.IsZero():
		r.Base = local
	case r.Proposed:
		return r, fmt.Errorf("%w: there is no branch %s to compare with: fetch it, or give the base", index.ErrNoBranch, branch)
	case !remote.IsZero() && remote != r.Head:
		r.Base = remote
	default:
		r.Base, err = s.Revision(ctx, r.Head.String()+"^1")
		if errors.Is(err, index.ErrNoBranch) {
			err = fmt.Errorf("%.12s has no commit before it here: fetch more of the history, or give the base: %w", r.Head, err)
		}
		return r, err
	}
	return r, nil
}

// revision is zero for a ref that is not there.
func revision(ctx context.Context, s *git.GitSource, ref string) (index.ID, error) {
	id, err := s.Revision(ctx, ref)
	if errors.Is(err, index.ErrNoBranch) {
		return index.ID{}, nil
	}
	return id, err
}
