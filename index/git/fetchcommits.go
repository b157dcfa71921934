package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/redact"
)

// commitStore is what is known of history, beside what the clone has.
type commitStore struct {
	mu      sync.Mutex // held while a relation is looked for
	parents map[index.ID][]index.ID
	dir     string // an empty repository that fetched commits go to; "" until one is needed
	objects *catFilePool
}

// close ends the processes and removes what was fetched.
func (c *commitStore) close() error {
	if c.dir == "" {
		return nil
	}
	return errors.Join(c.objects.close(), os.RemoveAll(c.dir))
}

// fetchHistory gets a commit and all that it comes from, commits alone, from the
// first remote that has it. The clone stays as it is: a shallow one stays shallow.
func (s *GitSource) fetchHistory(ctx context.Context, branch string, id index.ID) error {
	remotes, err := s.remotes(ctx)
	if err != nil {
		return err
	}
	if len(remotes) == 0 {
		return fmt.Errorf("the clone has no remote to fetch commit %s of %s from", id, branch)
	}
	if err := s.openCommitStore(ctx); err != nil {
		return err
	}
	var failed []error
	for _, remote := range remotes {
		err := s.fetchCommits(ctx, remote, id)
		if err == nil || ctx.Err() != nil {
			return err
		}
		failed = append(failed, fmt.Errorf("fetch commit %s from %s: %w", id, redact.Text(remote), err))
	}
	return errors.Join(failed...)
}

// fetchCommits runs git in the empty repository with the clone's settings: there
// are the remote's address, its credentials and proxies. Nothing of what the
// clone has is offered, since a shallow one has less than it seems.
func (s *GitSource) fetchCommits(ctx context.Context, remote string, id index.ID) error {
	config := []string{"include.path=" + filepath.Join(s.common, "config"), "fetch.negotiationAlgorithm=noop", "gc.auto=0", "maintenance.auto=false"}
	// Relative addresses count from the top.
	return s.fetchGit(ctx, s.top, s.commits.dir, remote, nil, config, []string{"--filter=tree:0", "--refmap="}, []string{id.String()})
}

// openCommitStore makes the empty repository.
func (s *GitSource) openCommitStore(ctx context.Context) error {
	c := &s.commits
	if c.dir != "" {
		return nil
	}
	dir, err := os.MkdirTemp("", "regsnap-commits-")
	if err != nil {
		return err
	}
	env := gitEnv("GIT_DIR=" + dir)
	if _, err := runGit(ctx, dir, env, "init", "--quiet", "--bare", "--template="); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	c.dir, c.objects = dir, newCatFilePool(dir, env, true, 1)
	return nil
}

// remotes are those of the clone: the one that promised what is missing first,
// then origin.
func (s *GitSource) remotes(ctx context.Context) ([]string, error) {
	s.configured.mu.Lock()
	defer s.configured.mu.Unlock()
	if s.configured.remotes != nil {
		return s.configured.remotes, nil
	}
	out, err := runGit(ctx, s.dir, s.env, "remote")
	if err != nil {
		return nil, err
	}
	names := strings.Fields(out)
	rank := func(name string) int {
		switch name {
		case s.promisor:
			return 0
		case "origin":
			return 1
		}
		return 2
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	s.configured.remotes = names
	return names, nil
}
