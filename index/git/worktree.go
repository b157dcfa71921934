package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// WorkTree makes a commit of the packages as the repository's work tree has them,
// on top of HEAD. Only this source knows of it: nothing is written to the repository.
// It is zero when the packages are those of HEAD, when there is no work tree, or
// when git does not take the work tree for the user's own.
func (s *GitSource) WorkTree(ctx context.Context) (index.ID, error) {
	w := worktree{source: s, env: append(fetchEnv(), "GIT_OPTIONAL_LOCKS=0")}
	if len(quarantine(s.common)) > 0 {
		return index.ID{}, nil // a hook judges what is pushed
	}
	out, err := w.git(ctx, "status", "--porcelain", "-z", "--no-renames", "--", packagesDir)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return index.ID{}, nil
	}
	if err != nil || out == "" {
		return index.ID{}, err
	}
	id, err := w.commit(ctx)
	if err != nil {
		return index.ID{}, fmt.Errorf("read the work tree of %s: %w", s.path, err)
	}
	return id, nil
}

// worktree is a work tree on its way to a commit.
type worktree struct {
	source *GitSource
	env    []string
}

// git runs a command at the top of the work tree, with the user's configuration:
// filters that the user has set up decide what would be committed. Git finds the
// repository by itself, and so looks whose it is.
func (w *worktree) git(ctx context.Context, args ...string) (string, error) {
	return runGit(ctx, w.source.path, w.env, args...)
}

func (w *worktree) commit(ctx context.Context) (index.ID, error) {
	s := w.source
	temp, err := os.MkdirTemp("", "regsnap-work-")
	if err != nil {
		return index.ID{}, err
	}
	s.work = temp
	objects := filepath.Join(temp, "objects")
	if err := os.Mkdir(objects, 0o700); err != nil {
		return index.ID{}, err
	}
	// With a copy of the index git need not read again what has not changed.
	name := filepath.Join(temp, "index")
	content, err := os.ReadFile(filepath.Join(s.dir, "index"))
	if err == nil {
		err = os.WriteFile(name, content, 0o600)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return index.ID{}, err
	}
	w.env = append(w.env, "GIT_INDEX_FILE="+name, "GIT_OBJECT_DIRECTORY="+objects,
		"GIT_ALTERNATE_OBJECT_DIRECTORIES="+quoteAlternate(filepath.Join(s.common, "objects")),
		"GIT_AUTHOR_NAME=uncommitted", "GIT_AUTHOR_EMAIL=", "GIT_COMMITTER_NAME=uncommitted", "GIT_COMMITTER_EMAIL=")
	if _, err := w.git(ctx, "add", "--all", "--", packagesDir); err != nil {
		return index.ID{}, err
	}
	tree, err := w.git(ctx, "write-tree")
	if err != nil {
		return index.ID{}, err
	}
	out, err := w.git(ctx, "commit-tree", strings.TrimSpace(tree), "-p", "HEAD", "-m", "changes that are not committed")
	if err != nil {
		return index.ID{}, err
	}
	id, err := index.ParseID(strings.TrimSpace(out))
	if err != nil {
		return index.ID{}, err
	}
	return id, s.readAlso(objects)
}

// readAlso has objects read from another directory as well.
func (s *GitSource) readAlso(objects string) error {
	alternate := "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + quoteAlternate(objects)
	s.env = append(s.env, alternate)
	s.objectsEnv = append(s.objectsEnv, alternate)
	err := errors.Join(s.objects.close(), s.infos.close())
	s.startReading()
	return err
}
