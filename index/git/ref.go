package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// Ref is what a branch's name led to.
type Ref struct {
	// Name is the whole ref; empty when the branch was given as a commit.
	Name   string
	Commit index.ID
	// Behind are refs of the same branch that stand at what Commit comes from,
	// as the local one of a clone that only fetches; see Branch.
	Behind []string
}

// resolve finds the object that a branch name names; see Branch.
func (s *GitSource) resolve(ctx context.Context, name string) (index.ID, error) {
	r, err := s.ref(ctx, name)
	return r.Commit, err
}

// ref finds what a branch's name leads to; see Branch.
func (s *GitSource) ref(ctx context.Context, name string) (Ref, error) {
	if !validRef(name) {
		return Ref{}, fmt.Errorf("%w: %q cannot be the name of a branch", index.ErrNoBranch, name)
	}
	if id, err := index.ParseID(name); err == nil { // never a branch, though one can be called so
		return s.commitRef(ctx, id)
	}
	remotes, err := s.remotes(ctx)
	if err != nil {
		return Ref{}, fmt.Errorf("branch %s: %w", name, err)
	}
	candidates := append([]string{"refs/heads/" + name}, tracking(remotes, name)...)
	if strings.HasPrefix(name, "refs/") { // a whole ref is what it says: nobody can push a branch that is taken for it
		candidates = []string{name}
	}
	found, err := s.existing(ctx, name, candidates)
	if err != nil {
		return Ref{}, err
	}
	if len(found) > 0 {
		return s.newest(ctx, name, found)
	}
	return Ref{}, s.noBranch(name, candidates, remotes)
}

// Tip finds the ref that a branch's name leads to, as Branch does, and reads no
// packages. A branch that neither the repository nor a remote of it has is
// index.ErrNoBranch.
func (s *GitSource) Tip(ctx context.Context, name string) (Ref, error) { return s.ref(ctx, name) }

// Tracking finds where the remotes have a branch: of the remote-tracking refs of
// that name the one that contains all others. It is the zero Ref if no remote
// has the branch.
func (s *GitSource) Tracking(ctx context.Context, name string) (Ref, error) {
	if !validRef(name) {
		return Ref{}, fmt.Errorf("%w: %q cannot be the name of a branch", index.ErrNoBranch, name)
	}
	remotes, err := s.remotes(ctx)
	if err != nil {
		return Ref{}, fmt.Errorf("branch %s: %w", name, err)
	}
	found, err := s.existing(ctx, name, tracking(remotes, name))
	if err != nil || len(found) == 0 {
		return Ref{}, err
	}
	return s.newest(ctx, name, found)
}

// tracking are the refs at which remotes may have a branch.
func tracking(remotes []string, name string) []string {
	var refs []string
	for _, remote := range remotes {
		refs = append(refs, "refs/remotes/"+remote+"/"+name)
	}
	// A remote that is no longer configured leaves its refs.
	if !slices.Contains(remotes, "origin") {
		refs = append(refs, "refs/remotes/origin/"+name)
	}
	return refs
}

// existing are those of the refs that exist, in the order given.
func (s *GitSource) existing(ctx context.Context, name string, candidates []string) ([]Ref, error) {
	out, err := runGit(ctx, s.dir, s.env, append([]string{"for-each-ref", "--format=%(refname) %(objectname)"}, candidates...)...)
	if err != nil {
		return nil, fmt.Errorf("branch %s: %w", name, err)
	}
	at := map[string]index.ID{}
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if !slices.Contains(candidates, fields[0]) {
			continue // it only begins like one
		}
		if at[fields[0]], err = index.ParseID(fields[len(fields)-1]); err != nil {
			return nil, fmt.Errorf("branch %s: git for-each-ref: %w", name, err)
		}
	}
	var found []Ref
	for _, ref := range candidates {
		if id, ok := at[ref]; ok {
			found = append(found, Ref{Name: ref, Commit: id})
		}
	}
	return found, nil
}

// commitRef is a branch that is given as the digits of a commit.
func (s *GitSource) commitRef(ctx context.Context, id index.ID) (Ref, error) {
	if missing, err := s.lacks(ctx, id); err != nil || missing {
		return Ref{}, errors.Join(err, fmt.Errorf("%w: %s: there is no such commit in %s", index.ErrNoBranch, id, s.dir))
	}
	return Ref{Commit: id}, nil
}

// Known is what Branch read a branch from; false if it did not.
func (s *GitSource) Known(branch string) (Ref, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.refs[branch]
	return r, ok
}

// newest is the ref of a branch that contains all others of it.
func (s *GitSource) newest(ctx context.Context, name string, found []Ref) (Ref, error) {
	if allSame(found) {
		return found[0], nil
	}
	for i, r := range found {
		commit, _, err := s.commit(ctx, r.Commit) // a ref may be of a tag
		if err != nil {
			return Ref{}, fmt.Errorf("branch %s: %s: %w", name, r.Name, err)
		}
		found[i].Commit = commit.ID
	}
	best := found[0]
	for _, r := range found[1:] {
		relation, err := s.relation(ctx, name, best.Commit, r.Commit)
		switch {
		case err != nil:
			return Ref{}, fmt.Errorf("branch %s: %s is at %.12s, %s at %.12s, and which of them contains the other cannot be told: %w; %s",
				name, best.Name, best.Commit, r.Name, r.Commit, err, s.choose(name, best, r))
		case relation == index.Diverged:
			return Ref{}, fmt.Errorf("branch %s: %s is at %.12s, %s at %.12s, and neither contains the other: %s",
				name, best.Name, best.Commit, r.Name, r.Commit, s.choose(name, best, r))
		case relation == index.Descendant:
			r.Behind = append(best.Behind, best.Name)
			best = r
		case relation == index.Ancestor:
			best.Behind = append(best.Behind, r.Name)
		}
	}
	return best, nil
}

func allSame(found []Ref) bool {
	return !slices.ContainsFunc(found, func(r Ref) bool { return r.Commit != found[0].Commit })
}

// choose says how to make one of two refs the branch.
func (s *GitSource) choose(name string, a, b Ref) string {
	return fmt.Sprintf("to read the second, git -C %s update-ref %s %s; to read the first, git -C %[1]s update-ref %[4]s %[5]s",
		s.dir, a.Name, b.Commit, b.Name, a.Commit)
}

// noBranch says what is missing and how to get it.
func (s *GitSource) noBranch(name string, candidates, remotes []string) error {
	err := fmt.Errorf("%w: %s: there is no %s in %s", index.ErrNoBranch, name, strings.Join(candidates, ", no "), s.dir)
	if len(remotes) == 0 {
		return fmt.Errorf("%w, and no remote to fetch it from", err)
	}
	remote, from, to := remotes[0], "refs/heads/"+name, "refs/remotes/"+remotes[0]+"/"+name
	if strings.HasPrefix(name, "refs/") {
		from, to = name, name
	}
	for _, r := range remotes {
		if branch, tracking := strings.CutPrefix(name, "refs/remotes/"+r+"/"); tracking {
			remote, from = r, "refs/heads/"+branch
		}
	}
	return fmt.Errorf("%w; checkouts of GitHub Actions, GitLab and Buildkite have only the branch that they are about: git -C %s fetch --no-tags %s +%s:%s", err, s.dir, remote, from, to)
}

func (s *GitSource) lacks(ctx context.Context, id index.ID) (missing bool, err error) {
	err = s.infos.read(ctx, []index.ID{id}, func(obj object) error {
		missing = obj.missing
		return nil
	})
	return missing, err
}

// validRef reports whether a ref may have that name; git-check-ref-format(1) has
// the rules. It keeps out patterns and options.
func validRef(name string) bool {
	if name == "" || strings.HasPrefix(name, "-") || strings.Contains(name, "..") || strings.Contains(name, "@{") {
		return false
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`~^:?*[\`, r) }) {
		return false
	}
	return !slices.ContainsFunc(strings.Split(name, "/"), func(element string) bool {
		return element == "" || element[0] == '.' || strings.HasSuffix(element, ".") || strings.HasSuffix(element, ".lock")
	})
}

// commit reads a commit, or the one that an annotated tag leads to.
func (s *GitSource) commit(ctx context.Context, id index.ID) (commit *index.Commit, tree index.ID, err error) {
	const maxTags = 8 // a tag can be of a tag
	at := id
	for range maxTags {
		var tagged index.ID
		err := s.objects.read(ctx, []index.ID{at}, func(obj object) (err error) {
			if obj.typ == tagObject {
				tagged, err = parseTag(obj.id, obj.content)
				return err
			}
			if err := obj.check(commitObject); err != nil {
				return err
			}
			commit, tree, err = parseCommit(obj.id, obj.content)
			return err
		})
		if err != nil || tagged.IsZero() {
			return commit, tree, err
		}
		at = tagged
	}
	return nil, index.ID{}, fmt.Errorf("tag %s: %w: it is a tag of a tag, over %d times", id, ErrBadObject, maxTags)
}
