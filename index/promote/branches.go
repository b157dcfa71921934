package promote

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	again "github.com/regsnap/regsnap/internal/retry"
)

// state is what a branch holds at one moment.
type state struct {
	id     index.ID
	branch *index.Branch
}

// Update is a branch that gets a commit.
type Update struct {
	// Branch is its name, without refs/heads/.
	Branch string `json:"branch"`
	// Old is zero for a branch that is new.
	Old index.ID `json:"-"`
	New index.ID `json:"-"`
	// Commit is New as text.
	Commit  string `json:"commit"`
	Subject string `json:"subject"`
	// Changes are those of package versions.
	Changes []index.Change `json:"-"`
}

// target is where the branches are that count: in the repository itself, or in
// a remote of it.
type target interface {
	// tips says where branches are.
	tips(ctx context.Context, branches []string) (map[string]index.ID, error)
	// update moves all branches, or none. errRaced means that someone else was
	// faster, or might have been.
	update(ctx context.Context, updates []Update) error
}

var errRaced = errors.New("another push was faster")

// races say how often a change is made again on top of what others did. One of
// those who race always wins, so more means that something is wrong.
var races = again.Policy{Attempts: 30, Pause: 200 * time.Millisecond, MaxPause: 200 * time.Millisecond}

// busy is what git says when someone else holds a lock, or moved a ref.
var busy = []string{
	"cannot lock ref", "unable to create", "failed to update ref", "atomic transaction failed", "atomic push failed", "atomic push failure",
	"stale info", "fetch first", "non-fast-forward", "incorrect old value", "reference already exists", "another git process",
}

func isBusy(err error) bool {
	var failed *gitError
	if !errors.As(err, &failed) {
		return false
	}
	said := strings.ToLower(failed.said)
	for _, text := range busy {
		if strings.Contains(said, text) {
			return true
		}
	}
	return false
}

// local are the branches of the repository.
type local struct {
	r      *repo
	source *git.GitSource // reads r
}

func (l local) tips(ctx context.Context, branches []string) (map[string]index.ID, error) {
	tips := map[string]index.ID{}
	for _, b := range branches {
		tip, err := l.source.Tip(ctx, b)
		if err != nil {
			return nil, err
		}
		tips[b] = tip.Commit
	}
	return tips, nil
}

// update is one transaction, in which git first locks all refs. Their files are
// then renamed in the order given: who reads in between sees a package in both
// branches, if the one that it goes to comes first, and never in none.
func (l local) update(ctx context.Context, updates []Update) error {
	where, err := l.r.checkedOut(ctx)
	if err != nil {
		return err
	}
	var names []string
	for _, u := range updates {
		ref := "refs/heads/" + u.Branch
		if dir, out := where[ref]; out {
			return fmt.Errorf("%w: %s is, in %s: switch to another branch there (git switch --detach), or change the remote with --push", ErrCheckedOut, u.Branch, dir)
		}
		names = append(names, ref)
	}
	there, err := l.r.refs(ctx, names...)
	if err != nil {
		return err
	}
	var in strings.Builder
	for _, u := range updates {
		ref := "refs/heads/" + u.Branch
		// The branch may be new here, or behind the remote's that was read.
		old := there[ref]
		known := old.IsZero()
		if !known && !u.Old.IsZero() {
			if known, err = l.r.contains(ctx, u.Old, old); err != nil {
				return err
			}
		}
		if !known {
			return fmt.Errorf("%w: %s is at %.12s now", errRaced, u.Branch, old)
		}
		fmt.Fprintf(&in, "update %s %s %s\n", ref, u.New, old)
	}
	_, err = l.r.git(ctx, "start\n"+in.String()+"prepare\ncommit\n", "update-ref", "-m", "regsnap promote", "--stdin")
	if isBusy(err) {
		return fmt.Errorf("%w: %w", errRaced, err)
	}
	return err
}

// remote are the branches of a remote.
type remote struct {
	r    *repo
	name string
}

func (m remote) tips(ctx context.Context, branches []string) (map[string]index.ID, error) {
	args := []string{"ls-remote", "--heads", m.name}
	fetch := []string{"fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", m.name}
	for _, b := range branches {
		args, fetch = append(args, "refs/heads/"+b), append(fetch, "refs/heads/"+b)
	}
	out, err := m.r.git(ctx, "", args...)
	if err != nil {
		return nil, err
	}
	refs, err := parseRefs(out, "\t")
	if err != nil {
		return nil, err
	}
	tips := map[string]index.ID{}
	for _, b := range branches {
		id, ok := refs["refs/heads/"+b]
		if !ok {
			return nil, fmt.Errorf("%w: the remote %s has no branch %s", index.ErrNoBranch, m.name, b)
		}
		tips[b] = id
	}
	// The branches may have moved on since: what they were is part of what comes.
	_, err = m.r.git(ctx, "", fetch...)
	return tips, err
}

// update is one atomic push. A lease on each branch makes it fail if someone
// else pushed. The remote moves all branches or none, but in an order of its own:
// who reads them in the middle of that may see one side only.
func (m remote) update(ctx context.Context, updates []Update) error {
	args := []string{"push", "--quiet", "--atomic", "--no-follow-tags"}
	for _, u := range updates {
		old := ""
		if !u.Old.IsZero() {
			old = u.Old.String()
		}
		args = append(args, fmt.Sprintf("--force-with-lease=refs/heads/%s:%s", u.Branch, old))
	}
	args = append(args, m.name)
	for _, u := range updates {
		args = append(args, fmt.Sprintf("%s:refs/heads/%s", u.New, u.Branch))
	}
	_, err := m.r.git(ctx, "", args...)
	if err == nil || ctx.Err() != nil {
		return err
	}
	var branches []string
	for _, u := range updates {
		if !u.Old.IsZero() {
			branches = append(branches, u.Branch)
		}
	}
	now := map[string]index.ID{}
	if len(branches) > 0 {
		var tipsErr error
		if now, tipsErr = m.tips(ctx, branches); tipsErr != nil {
			return errors.Join(err, tipsErr)
		}
	}
	moved, done := false, len(branches) == len(updates)
	for _, u := range updates {
		if tip, there := now[u.Branch]; there {
			moved = moved || tip != u.Old
			// The answer to a push can be lost, and others may have gone on. Not to
			// know whether it was made is no success: err is what is said.
			made, _ := m.r.contains(ctx, tip, u.New)
			done = done && made
		}
	}
	switch {
	case done:
		return nil
	case moved, isBusy(err):
		return fmt.Errorf("%w: %w", errRaced, err)
	}
	return err
}

// retry makes a change until nobody else was faster. make is asked again each
// time, with where the branches are then; without updates there is nothing to do.
func retry(ctx context.Context, t target, branches []string, make func(map[string]index.ID) ([]Update, error)) (tries int, err error) {
	err = races.Do(ctx, func() error {
		tries++
		tips, err := t.tips(ctx, branches)
		if err != nil {
			return err
		}
		updates, err := make(tips)
		if err != nil || len(updates) == 0 {
			return err
		}
		if err = t.update(ctx, updates); errors.Is(err, errRaced) {
			return again.Again(err)
		}
		return err
	})
	if errors.Is(err, again.ErrGaveUp) {
		err = fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return tries, err
}
