package git

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// lastChanges finds the commits that last touched paths, as seen from one
// commit. The first paths cost a walk of history each; when there are many, one
// walk serves all of them.
type lastChanges struct {
	dir    string // where git runs; paths are below it
	env    []string
	common string // the folder with the repository's "shallow" file
	from   string

	mu    sync.Mutex
	asked int
	known map[string]index.ID // of paths of at most maxChangePath elements; nil before the walk
	err   error               // of the walk, which is not tried twice
}

const (
	// singleWalks is how many paths are looked up by themselves.
	singleWalks = 8
	// maxChangePath is the depth of the packages: packages/NAME/VERSION.
	maxChangePath = 3
)

// find gives the commit that last touched a path; zero if no commit did, or
// history does not go back far enough to tell.
func (l *lastChanges) find(ctx context.Context, path string) (index.ID, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked++
	var id index.ID
	var err error
	if l.asked <= singleWalks || strings.Count(path, "/") >= maxChangePath || !strings.HasPrefix(path, packagesDir+"/") {
		id, err = l.one(ctx, path)
	} else {
		if l.known == nil && l.err == nil {
			l.known, l.err = l.all(ctx)
		}
		id, err = l.known[path], l.err
	}
	if err != nil || id.IsZero() {
		return index.ID{}, err
	}
	// The commits whose parents were not fetched, one id a line
	// (gitrepository-layout(5), "shallow").
	shallow, err := os.ReadFile(filepath.Join(l.common, "shallow"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return index.ID{}, err
	}
	if slices.Contains(strings.Fields(string(shallow)), id.String()) {
		return index.ID{}, nil
	}
	return id, nil
}

func (l *lastChanges) one(ctx context.Context, path string) (index.ID, error) {
	out, err := runGit(ctx, l.dir, l.env, "rev-list", "-1", l.from, "--", path)
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
	return id, nil
}

// all walks history once, from the newest commit, and remembers for every
// package and version the first commit that names a file of it. Of a merge
// git names the files that differ from all its parents.
func (l *lastChanges) all(ctx context.Context) (map[string]index.ID, error) {
	const mark = "\x01" // begins what is a commit
	cmd := exec.CommandContext(ctx, "git", "log", "-z", "--format=%x01%H", "--name-only", "--no-renames", "--relative",
		"--diff-merges=combined", l.from, "--", packagesDir)
	cmd.Dir, cmd.Env = l.dir, l.env
	var stderr tail
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, gitError(ctx, "log", err, &stderr)
	}
	known := map[string]index.ID{}
	var at index.ID
	words := bufio.NewScanner(stdout)
	words.Split(splitNUL)
	for err == nil && words.Scan() {
		word := strings.TrimPrefix(words.Text(), "\n")
		if id, isCommit := strings.CutPrefix(word, mark); isCommit {
			at, err = index.ParseID(id)
			continue
		}
		elements := strings.SplitN(word, "/", maxChangePath+1)
		for n := 1; n <= min(len(elements), maxChangePath); n++ {
			path := strings.Join(elements[:n], "/")
			if _, newer := known[path]; !newer {
				known[path] = at
			}
		}
	}
	if err = errors.Join(err, words.Err()); err != nil {
		_ = cmd.Process.Kill() // its output is not read any further
		return nil, errors.Join(fmt.Errorf("git log: %w", err), ctx.Err(), cmd.Wait())
	}
	if err := cmd.Wait(); err != nil {
		return nil, gitError(ctx, "log", err, &stderr)
	}
	return known, nil
}

// splitNUL is a bufio.SplitFunc for words that end with a zero byte.
func splitNUL(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, 0); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// LastChange finds the newest commit that touched path; see Source. It is nil
// as well when history ends before: in a shallow clone each file seems to be
// changed by the oldest commit that is there.
func (s *GitSource) LastChange(ctx context.Context, branch, path string) (*index.Commit, error) {
	s.mu.Lock()
	at, ok := s.resolved[branch]
	s.mu.Unlock()
	if !ok {
		var err error
		if at, err = s.resolve(ctx, branch); err != nil {
			return nil, err
		}
	}
	id, err := s.lastChangesFrom(at).find(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("last change of %s in branch %s: %w", path, branch, err)
	}
	if id.IsZero() {
		return nil, nil
	}
	commit, _, err := s.commit(ctx, id)
	return commit, err
}

func (s *GitSource) lastChangesFrom(at index.ID) *lastChanges {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.changes[at]
	if l == nil {
		l = &lastChanges{dir: s.dir, env: s.env, common: s.common, from: at.String()}
		s.changes[at] = l
	}
	return l
}
