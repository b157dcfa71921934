package git

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// CommitsSince counts the commits of a branch that are not in the history of a
// commit, given by its 40 digits. It is ErrNoObject when the repository does not
// have the commit, as after a rewrite of the branch or in a shallow clone.
func (s *GitSource) CommitsSince(ctx context.Context, branch, commit string) (int, error) {
	head, err := s.resolve(ctx, branch)
	if err != nil {
		return 0, err
	}
	id, err := index.ParseID(commit)
	if err != nil {
		return 0, err
	}
	if missing, err := s.lacks(ctx, id); err != nil || missing {
		return 0, errors.Join(err, fmt.Errorf("%w: commit %s", index.ErrNoObject, commit))
	}
	out, err := runGit(ctx, s.dir, s.env, "rev-list", "--count", head.String(), "^"+id.String())
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(strings.TrimSpace(out))
	if err != nil {
		return 0, fmt.Errorf("git rev-list: %w", err)
	}
	return n, nil
}
