package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/internal/redact"
)

// gitConfig is what git is told whatever the configuration of the machine says.
var gitConfig = [][2]string{
	// CI often reads a clone that another user owns. Nothing is run
	// from a repository here: no hook, filter, pager or fetch. What is
	// fetched is fetched by fetchGit, which asks git whose it is.
	{"safe.directory", "*"},
	{"core.fsmonitor", "false"},
}

// gitEnv is the environment that git runs in: that of this process less all
// GIT_ variables (within a hook they point at another repository), plus what
// keeps git from asking, fetching, replacing objects, taking locks, translating
// messages and reading configuration other than the repository's own.
func gitEnv(extra ...string) []string {
	env := slices.DeleteFunc(redact.Environ(), func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		// Where git finds its own programs is the one thing to keep.
		return strings.HasPrefix(name, "GIT_") && name != "GIT_EXEC_PATH"
	})
	env = append(env,
		"LC_ALL=C",
		"GIT_TERMINAL_PROMPT=0",
		"GIT_PAGER=cat",
		"GIT_OPTIONAL_LOCKS=0",
		"GIT_NO_REPLACE_OBJECTS=1",
		"GIT_LITERAL_PATHSPECS=1",
		"GIT_CONFIG_NOSYSTEM=1",
		"GIT_CONFIG_SYSTEM="+os.DevNull,
		"GIT_CONFIG_GLOBAL="+os.DevNull,
		// A partial clone fetches what it lacks. It must not, and old
		// versions of git only know the second way to say it.
		"GIT_NO_LAZY_FETCH=1",
		"GIT_ALLOW_PROTOCOL=none",
		"GIT_CONFIG_COUNT="+strconv.Itoa(len(gitConfig)),
	)
	for i, kv := range gitConfig {
		env = append(env, fmt.Sprintf("GIT_CONFIG_KEY_%d=%s", i, kv[0]), fmt.Sprintf("GIT_CONFIG_VALUE_%d=%s", i, kv[1]))
	}
	return append(env, extra...)
}

// quarantine is where a push is kept while hooks decide about it, if this is such
// a hook of the repository whose shared folder common is (git-receive-pack(1),
// "QUARANTINE ENVIRONMENT"). The objects of another repository are not let in.
func quarantine(common string) []string {
	path := os.Getenv("GIT_QUARANTINE_PATH")
	if path == "" || os.Getenv("GIT_OBJECT_DIRECTORY") != path {
		return nil
	}
	inside, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil
	}
	objects, err := filepath.EvalSymlinks(filepath.Join(common, "objects"))
	if err != nil || filepath.Dir(inside) != objects {
		return nil
	}
	return []string{"GIT_QUARANTINE_PATH=" + inside, "GIT_OBJECT_DIRECTORY=" + inside, "GIT_ALTERNATE_OBJECT_DIRECTORIES=" + quoteAlternate(objects)}
}

// quoteAlternate writes a path as a list of paths takes it, which colons divide.
func quoteAlternate(path string) string {
	if !strings.ContainsAny(path, `:"`) {
		return path
	}
	return strconv.Quote(path)
}

// runGit runs git to its end in dir and returns what it printed. It is killed
// when ctx ends. An error carries what git said.
func runGit(ctx context.Context, dir string, env []string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir, cmd.Env = dir, env
	var stdout bytes.Buffer
	var stderr tail
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", gitError(ctx, args[0], err, &stderr)
	}
	return stdout.String(), nil
}

// objectEnv is the environment for reading objects. In a partial clone git dies
// of an object that it lacks, where others answer that it is missing. So its
// objects are read by way of an empty git directory beside them, whose
// configuration names nobody to fetch from.
func (s *GitSource) objectEnv(ctx context.Context) ([]string, error) {
	out, err := runGit(ctx, s.dir, s.env, "config", "--get-regexp", `^(extensions\.partialclone|remote\..*\.promisor)$`)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == 1: // no such setting
		return s.env, nil
	case err != nil:
		return nil, err
	}
	s.promisor = promisorRemote(out)
	if s.temp, err = os.MkdirTemp("", "regsnap-git-"); err != nil {
		return nil, err
	}
	// What a git directory is known by (gitrepository-layout(5)).
	if err = os.Mkdir(filepath.Join(s.temp, "refs"), 0o700); err == nil {
		err = os.WriteFile(filepath.Join(s.temp, "HEAD"), []byte("ref: refs/heads/none\n"), 0o600)
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.temp))
	}
	pushed := quarantine(s.common)
	if len(pushed) == 0 {
		pushed = []string{"GIT_OBJECT_DIRECTORY=" + filepath.Join(s.common, "objects")}
	}
	return gitEnv(append(pushed, "GIT_DIR="+s.temp)...), nil
}

// gitError is the error of a git that failed: the end of ctx, if that is why, and then no
// exec.ExitError.
func gitError(ctx context.Context, command string, err error, stderr *tail) error {
	if ctxErr := ctx.Err(); ctxErr != nil {
		return fmt.Errorf("git %s: %w", command, ctxErr)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("git %s: %w: install git, or put it on the PATH", command, err)
	}
	if said := stderr.String(); said != "" {
		return fmt.Errorf("git %s: %w: %s", command, err, said)
	}
	return fmt.Errorf("git %s: %w", command, err)
}

// tail keeps the last bytes that are written to it: enough of a process's
// standard error to say why it failed.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailSize = 2 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, p...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = append(t.last[:0], t.last[over:]...)
	}
	return len(p), nil
}

// String is what was written, on one line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var lines []string
	for line := range strings.Lines(string(t.last)) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return redact.Text(strings.Join(lines, "; "))
}
