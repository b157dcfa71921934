package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// resolve finds the object that a branch name names; see Branch.
func (s *GitSource) resolve(ctx context.Context, name string) (index.ID, error) {
	if !validRef(name) {
		return index.ID{}, fmt.Errorf("%w: %q cannot be the name of a branch", index.ErrNoBranch, name)
	}
	candidates := []string{"refs/heads/" + name, "refs/remotes/origin/" + name}
	if strings.HasPrefix(name, "refs/") {
		candidates = append(candidates, name)
	}
	args := append([]string{"for-each-ref", "--format=%(objectname) %(refname)"}, candidates...)
	out, err := runGit(ctx, s.dir, s.env, args...)
	if err != nil {
		return index.ID{}, fmt.Errorf("branch %s: %w", name, err)
	}
	found := make(map[string]string)
	for line := range strings.Lines(out) {
		id, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		found[ref] = id
	}
	for _, ref := range candidates {
		if id, ok := found[ref]; ok { // others only begin like it
			return index.ParseID(id)
		}
	}
	id, err := index.ParseID(name)
	if err != nil {
		return index.ID{}, fmt.Errorf("%w: %s: there is no %s in %s", index.ErrNoBranch, name, strings.Join(candidates, ", no "), s.dir)
	}
	if missing, err := s.lacks(ctx, id); err != nil || missing {
		return index.ID{}, errors.Join(err, fmt.Errorf("%w: %s: there is no such commit in %s", index.ErrNoBranch, name, s.dir))
	}
	return id, nil
}

func (s *GitSource) lacks(ctx context.Context, id index.ID) (missing bool, err error) {
	err = s.infos.read(ctx, []index.ID{id}, func(obj object) error {
		missing = obj.missing
		return nil
	})
	return missing, err
}

// validRef tells whether a ref may have that name; git-check-ref-format(1) has
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

// lastChange finds the newest commit from a revision that touched a path below
// dir; zero when there is none, or history does not go back far enough to tell.
// common is the directory with the repository's "shallow" file.
func lastChange(ctx context.Context, dir string, env []string, common, from, path string) (index.ID, error) {
	out, err := runGit(ctx, dir, env, "rev-list", "-1", from, "--", path)
	if err != nil {
		return index.ID{}, err
	}
	out = strings.TrimSpace(out)
	if out == "" {
		return index.ID{}, nil
	}
	id, err := index.ParseID(out)
	if err != nil {
		return index.ID{}, fmt.Errorf("git rev-list: %w", err)
	}
	// The commits whose parents were not fetched, one id a line
	// (gitrepository-layout(5), "shallow").
	shallow, err := os.ReadFile(filepath.Join(common, "shallow"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return index.ID{}, err
	}
	if slices.Contains(strings.Fields(string(shallow)), out) {
		return index.ID{}, nil
	}
	return id, nil
}
