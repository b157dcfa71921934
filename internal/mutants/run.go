package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// suite is a test binary that has the mutants.
type suite struct {
	binary, dir, pattern string
	tests                []test
}

// test is one test of a suite: how long it takes, and whose places it comes by.
type test struct {
	name    string
	takes   time.Duration
	reaches map[int]bool
}

// patience is how many times as long as without a mutant tests may take: what
// takes longer does not end.
const patience = 10

// quickTest is the most that a test takes which runs before the others.
const quickTest = time.Second

// result is what became of a package's mutants.
type result struct {
	path                        string
	made, noticed, equivalent   int
	survivors, unreached, stale []string
}

// runPackage tries the mutants of a package.
func runPackage(ctx context.Context, o options, path string) (result, error) {
	dir, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return result{}, err
	}
	defer os.RemoveAll(dir)
	s, err := load(ctx, path)
	if err != nil {
		return result{}, err
	}
	if err := s.instrument(ctx, dir); err != nil {
		return result{}, err
	}
	suites, err := s.compileTests(ctx, dir, o.own)
	if err != nil {
		return result{}, err
	}
	reached := map[int]bool{}
	for i := range suites {
		if err := suites[i].measure(ctx, filepath.Join(dir, "reached"), o.longest); err != nil {
			return result{}, err
		}
		for _, t := range suites[i].tests {
			maps.Copy(reached, t.reaches)
		}
	}
	wanted, err := s.wanted(ctx, o)
	if err != nil {
		return result{}, err
	}
	passed, err := try(ctx, suites, wanted, reached, o.workers)
	if err != nil {
		return result{}, err
	}
	marks, err := readMarks(s.dir)
	if err != nil {
		return result{}, err
	}
	return judge(s, wanted, passed, reached, marks), nil
}

// compileTests compiles the package's own tests, and others that hold it.
func (s *source) compileTests(ctx context.Context, dir, own string) ([]suite, error) {
	patterns := map[string]string{s.path: own}
	for path, pattern := range otherTests[s.path] {
		patterns[path] = pattern
	}
	paths := []string{s.path}
	for path := range patterns {
		if path != s.path {
			paths = append(paths, path)
		}
	}
	var suites []suite
	for i, path := range paths {
		out, err := command(ctx, "go", "list", "-f", "{{.Dir}}", path)
		if err != nil {
			return nil, err
		}
		t := suite{filepath.Join(dir, fmt.Sprintf("tests-%d", i)), strings.TrimSpace(string(out)), patterns[path], nil}
		if _, err := command(ctx, "go", "test", "-c", "-overlay", s.overlay, "-o", t.binary, path); err != nil {
			return nil, err
		}
		if _, err := os.Stat(t.binary); err == nil { // missing without tests
			suites = append(suites, t)
		}
	}
	return suites, nil
}

// measure runs each test alone, without a mutant. Those that take longer than
// longest, if that is not 0, are left out from then on.
func (s *suite) measure(ctx context.Context, reached string, longest time.Duration) error {
	list, err := exec.CommandContext(ctx, s.binary, "-test.list", cmp.Or(s.pattern, ".")).Output()
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(list)) {
		if err := os.RemoveAll(reached); err != nil {
			return err
		}
		began := time.Now()
		if out, err := s.run(ctx, []string{name}, reachedFile+"="+reached); err != nil {
			return fmt.Errorf("%s fails without a mutant: %w\n%s", name, err, out)
		}
		t := test{name, time.Since(began), met(reached)}
		if longest > 0 && t.takes > longest {
			fmt.Fprintf(os.Stderr, "%s takes %.0f s: left out\n", name, t.takes.Seconds())
			continue
		}
		s.tests = append(s.tests, t)
	}
	return nil
}

// notices reports whether a test fails that comes by the mutant. The quick ones
// have the first say.
func (s *suite) notices(ctx context.Context, id int) bool {
	var quick, slow []string
	var quickTime, slowTime time.Duration
	for _, t := range s.tests {
		switch {
		case !t.reaches[id]:
		case t.takes <= quickTest:
			quick, quickTime = append(quick, t.name), quickTime+t.takes
		default:
			slow, slowTime = append(slow, t.name), slowTime+t.takes
		}
	}
	fails := func(names []string, takes time.Duration) bool {
		if len(names) == 0 {
			return false
		}
		ctx, cancel := context.WithTimeout(ctx, patience*takes+5*time.Second)
		defer cancel()
		_, err := s.run(ctx, names, active+"="+strconv.Itoa(id))
		return err != nil
	}
	return fails(quick, quickTime) || fails(slow, slowTime)
}

// run runs tests, until one fails.
func (s *suite) run(ctx context.Context, names []string, env string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.binary, "-test.failfast", "-test.run", "^("+strings.Join(names, "|")+")$")
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), env)
	cmd.WaitDelay = time.Second // programs that the tests started may have its output open
	return cmd.CombinedOutput()
}

// met are the mutants whose place the tests came by.
func met(file string) map[int]bool {
	content, _ := os.ReadFile(file) // missing if they covered nothing
	out := map[int]bool{}
	for line := range bytes.Lines(content) {
		if id, err := strconv.Atoi(string(bytes.TrimSpace(line))); err == nil {
			out[id] = true
		}
	}
	return out
}

// try runs the tests with each mutant that they come by, and returns those that pass.
func try(ctx context.Context, suites []suite, mutants []mutant, reached map[int]bool, workers int) (map[int]bool, error) {
	var (
		mu     sync.Mutex
		passed = map[int]bool{}
		group  sync.WaitGroup
		queue  = make(chan mutant)
	)
	for range workers {
		group.Go(func() {
			for m := range queue {
				noticed := slices.ContainsFunc(suites, func(s suite) bool { return s.notices(ctx, m.id) })
				mu.Lock()
				passed[m.id] = !noticed
				if !noticed {
					fmt.Fprintf(os.Stderr, "%d: survives: %s\n", len(passed), m.name)
				}
				mu.Unlock()
			}
		})
	}
	for _, m := range mutants {
		if reached[m.id] && ctx.Err() == nil {
			queue <- m
		}
	}
	close(queue)
	group.Wait()
	return passed, ctx.Err()
}

// wanted are the mutants that are to be tried.
func (s *source) wanted(ctx context.Context, o options) ([]mutant, error) {
	mutants := s.mutants
	if o.base != "" {
		changed, err := changedLines(ctx, o.base, s.dir)
		if err != nil {
			return nil, err
		}
		mutants = slices.DeleteFunc(slices.Clone(mutants), func(m mutant) bool { return !changed[m.file][m.line] })
	}
	if o.sample == 0 || len(mutants) <= o.sample {
		return mutants, nil
	}
	chosen := rand.New(rand.NewPCG(o.seed, 0)).Perm(len(mutants))[:o.sample]
	slices.Sort(chosen)
	out := make([]mutant, len(chosen))
	for i, at := range chosen {
		out[i] = mutants[at]
	}
	return out, nil
}

// changedLines are those that differ from a commit, by file of the folder.
func changedLines(ctx context.Context, base, dir string) (map[string]map[int]bool, error) {
	out, err := command(ctx, "git", "diff", "--unified=0", "--no-color", base, "--", dir)
	if err != nil {
		return nil, err
	}
	changed := map[string]map[int]bool{}
	var file string
	for line := range strings.Lines(string(out)) {
		if name, ok := strings.CutPrefix(line, "+++ b/"); ok {
			file = filepath.Base(strings.TrimSpace(name))
			changed[file] = map[int]bool{}
		}
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "@@" {
			first, length, err := hunk(fields[2])
			if err != nil {
				return nil, fmt.Errorf("git diff says %q: %w", line, err)
			}
			for i := range length {
				changed[file][first+i] = true
			}
		}
	}
	return changed, nil
}

// hunk reads "+12,3", or "+12" for one line.
func hunk(text string) (first, length int, err error) {
	at, n, several := strings.Cut(strings.TrimPrefix(text, "+"), ",")
	first, err = strconv.Atoi(at)
	length = 1
	if several {
		var e error
		length, e = strconv.Atoi(n)
		err = errors.Join(err, e)
	}
	return first, length, err
}
