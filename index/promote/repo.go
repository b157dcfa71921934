package promote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/redact"
)

// repo runs git on a repository, as its user: with his configuration, identity
// and credentials.
type repo struct {
	dir string
	env []string
}

// elsewhere are the variables by which git, in a hook for instance, says that
// another repository is meant (git rev-parse --local-env-vars).
var elsewhere = []string{
	"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES",
	"GIT_COMMON_DIR", "GIT_NAMESPACE", "GIT_PREFIX", "GIT_GRAFT_FILE", "GIT_SHALLOW_FILE", "GIT_REPLACE_REF_BASE",
}

func openRepo(ctx context.Context, path string) (*repo, error) {
	env := slices.DeleteFunc(redact.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return slices.Contains(elsewhere, name)
	})
	r := &repo{dir: path, env: append(env, "LC_ALL=C", "GIT_NO_REPLACE_OBJECTS=1")}
	dir, err := r.git(ctx, "", "rev-parse", "--absolute-git-dir")
	if err != nil {
		return nil, err
	}
	r.env = append(r.env, "GIT_DIR="+dir)
	return r, nil
}

// gitError is a git that failed, with what it said.
type gitError struct {
	command string
	said    string
	err     error
}

func (e *gitError) Error() string {
	if e.said == "" {
		return fmt.Sprintf("git %s: %v", e.command, e.err)
	}
	return fmt.Sprintf("git %s: %v: %s", e.command, e.err, redact.Text(strings.Join(strings.Fields(e.said), " ")))
}

func (e *gitError) Unwrap() error { return e.err }

// git runs a command and returns what it printed, without the last line break.
func (r *repo) git(ctx context.Context, stdin string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = r.dir, r.env, strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return "", &gitError{args[0], stderr.String(), err}
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// id runs a command that prints an object's id.
func (r *repo) id(ctx context.Context, stdin string, args ...string) (index.ID, error) {
	out, err := r.git(ctx, stdin, args...)
	if err != nil {
		return index.ID{}, err
	}
	return index.ParseID(out)
}

// refs reads refs in one go; one that is not there is not in the result.
func (r *repo) refs(ctx context.Context, names ...string) (map[string]index.ID, error) {
	out, err := r.git(ctx, "", append([]string{"for-each-ref", "--format=%(objectname) %(refname)"}, names...)...)
	if err != nil {
		return nil, err
	}
	return parseRefs(out, " ")
}

func parseRefs(text, separator string) (map[string]index.ID, error) {
	refs := map[string]index.ID{}
	for line := range strings.Lines(text) {
		id, ref, named := strings.Cut(strings.TrimSuffix(line, "\n"), separator)
		parsed, err := index.ParseID(id)
		if err != nil {
			return nil, err
		}
		if !named || ref == "" {
			return nil, fmt.Errorf("git names no ref for %s", id)
		}
		refs[ref] = parsed
	}
	return refs, nil
}

// contains reports whether a commit is another, or an ancestor of it.
func (r *repo) contains(ctx context.Context, tip, commit index.ID) (bool, error) {
	_, err := r.git(ctx, "", "merge-base", "--is-ancestor", commit.String(), tip.String())
	if no := (*exec.ExitError)(nil); errors.As(err, &no) && no.ExitCode() == 1 {
		return false, nil
	}
	return err == nil, err
}

// checkedOut gives the work trees in which branches are checked out.
func (r *repo) checkedOut(ctx context.Context) (map[string]string, error) {
	out, err := r.git(ctx, "", "worktree", "list", "--porcelain")
	if err != nil {
		return nil, err
	}
	where, dir := map[string]string{}, ""
	for line := range strings.SplitSeq(out, "\n") {
		if path, ok := strings.CutPrefix(line, "worktree "); ok {
			dir = path
		}
		if ref, ok := strings.CutPrefix(line, "branch "); ok {
			where[ref] = dir
		}
	}
	return where, nil
}
