package git

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/internal/redact"
)

// transports are the ways by which git may fetch: none of them runs a command
// that an address names, as ext:: does (git-remote-ext(1)).
const transports = "GIT_ALLOW_PROTOCOL=http:https:ssh:git:file"

// fetchEnv is the environment of a git that fetches. Unlike everything else it
// has the user's own configuration: that is where credentials and proxies are.
func fetchEnv() []string {
	return append(slices.DeleteFunc(redact.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return repositoryVariables[name]
	}), "LC_ALL=C", "GIT_TERMINAL_PROMPT=0", transports)
}

// fetchGit runs "git fetch" from a remote. The configuration of a clone says what
// is run to fetch, so the clone must be the user's, by git's own judgement; git
// itself does not look when it is told where the clone is.
func (s *GitSource) fetchGit(ctx context.Context, dir, gitDir, remote string, stdin io.Reader, config, args, refs []string) error {
	if err := s.checkOwner(ctx); err != nil {
		return err
	}
	if remote == "" || strings.HasPrefix(remote, "-") {
		return fmt.Errorf("the clone names the remote %q, which git would take for an option", remote)
	}
	var all []string
	for _, kv := range config {
		all = append(all, "-c", kv)
	}
	all = slices.Concat(all, []string{"fetch", "--no-tags", "--no-write-fetch-head", "--recurse-submodules=no", "--quiet"}, args,
		[]string{"--end-of-options", remote}, refs)
	cmd := exec.CommandContext(ctx, "git", all...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(fetchEnv(), "GIT_DIR="+gitDir), stdin
	var stderr tail
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		return gitError(ctx, "fetch", err, &stderr)
	}
	return nil
}

// checkOwner has git say whether the clone belongs to the user, or is one that
// the user's configuration calls safe (safe.directory in git-config(1)). It looks
// only where it finds the repository by itself.
func (s *GitSource) checkOwner(ctx context.Context) error {
	for _, dir := range slices.Compact([]string{s.dir, s.common}) {
		cmd := exec.CommandContext(ctx, "git", "rev-parse", "--git-dir")
		cmd.Dir, cmd.Env = dir, fetchEnv()
		var stderr tail
		cmd.Stdout, cmd.Stderr = new(bytes.Buffer), &stderr
		if err := cmd.Run(); err != nil {
			return gitError(ctx, "rev-parse", err, &stderr)
		}
	}
	return nil
}

// repositoryVariables point git at another repository, as within a hook
// ("git rev-parse --local-env-vars").
var repositoryVariables = map[string]bool{
	"GIT_DIR": true, "GIT_WORK_TREE": true, "GIT_COMMON_DIR": true, "GIT_INDEX_FILE": true, "GIT_PREFIX": true,
	"GIT_OBJECT_DIRECTORY": true, "GIT_ALTERNATE_OBJECT_DIRECTORIES": true, "GIT_QUARANTINE_PATH": true,
	"GIT_SHALLOW_FILE": true, "GIT_GRAFT_FILE": true, "GIT_NAMESPACE": true,
}
