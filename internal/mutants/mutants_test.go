package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestFind: what is found, in a function that has one of each.
func TestFind(t *testing.T) {
	const source = `package p

const limit = 1 + 1

func f(a, b int, ok bool) (int, error) {
	if a < b && ok {
		g()
		g2()
	}
	if ok {
		a = b + 1
	}
	if a == b { return a, nil }
	return a, oops()
}
`
	found, err := find("p.go", []byte(source))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range found {
		names = append(names, m.name)
	}
	want := []string{
		"always true: a < b", "always true: ok", "turned round: a < b && ok", "one more or less: a < b",
		"after what follows: g()", "left out: g()", "left out: g2()", "turned round: ok", "left out: a = b + 1", "one larger: b + 1",
		"turned round: a == b", "error left out: return a, oops()",
	}
	for i := range want {
		want[i] = "p.go: f: " + want[i]
	}
	slices.Sort(names)
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("found\n%s\nwant\n%s", strings.Join(names, "\n"), strings.Join(want, "\n"))
	}
}

// TestWanted: a sample is some of the mutants, each once and in order; another seed
// chooses others.
func TestWanted(t *testing.T) {
	s := &source{mutants: make([]mutant, 100)}
	for i := range s.mutants {
		s.mutants[i].line = i
	}
	lines := func(o options) (lines []int) {
		got, err := s.wanted(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range got {
			lines = append(lines, m.line)
		}
		return lines
	}
	first, second := lines(options{sample: 20, seed: 1}), lines(options{sample: 20, seed: 2})
	for _, l := range [][]int{first, second} {
		if len(slices.Compact(slices.Clone(l))) != 20 || !slices.IsSorted(l) {
			t.Error(l)
		}
	}
	if slices.Equal(first, second) || !slices.Equal(first, lines(options{sample: 20, seed: 1})) {
		t.Errorf("%v and %v", first, second)
	}
	for _, n := range []int{0, 100, 101} {
		if got := len(lines(options{sample: n})); got != 100 {
			t.Errorf("a sample of %d has %d", n, got)
		}
	}
}

// TestRun makes the mutants of a module whose tests miss some of them, and which
// behaves as before without a mutant.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"go.mod": "module example.org/m\n\ngo 1.26\n",
		"m.go": `package m

import "errors"

var log []string

func note(s string) { log = append(log, s) }

// Small has one mutant that the tests notice, and one that they do not.
func Small(n int, strict bool) error {
	note("begin")
	note("end")
	if n < 10 && strict {
		return errors.New("small")
	}
	return nil
}

// Unused is not tested.
func Unused(n int) bool { return n == 1 }

// Same cannot be told from its mutant.
func Same(n int) int {
	if n > 0 {
		return n
	}
	return 0
}
`,
		"m_test.go": `package m

import (
	"testing"
	"time"
)

// TestSlow notices what happens to Unused, and takes too long.
func TestSlow(t *testing.T) {
	time.Sleep(2 * time.Second)
	if Unused(0) {
		t.Fatal()
	}
}

func TestSmall(t *testing.T) {
	if Small(3, true) == nil || Small(12, true) != nil || Same(2) != 2 || Same(-1) != 0 {
		t.Fatal()
	}
	if len(log) < 2 || log[0] != "begin" || log[1] != "end" {
		t.Fatal(log)
	}
}
`,
		"testdata/mutants.txt": "m.go: Same: one more or less: n > 0  # 0 is 0\nm.go: gone: left out: x  # was never there\n",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	r, err := runPackage(t.Context(), options{workers: 2, longest: time.Second}, ".")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"13: m.go: Small: always true: strict",
		"13: m.go: Small: one more or less: n < 10",
		"20: m.go: Unused: turned round: n == 1",
	}
	slices.Sort(r.survivors)
	if !slices.Equal(r.survivors, want) || len(r.unreached) != 1 || r.equivalent != 1 || r.noticed != r.made-4 {
		t.Errorf("got %+v, want the survivors %q", r, want)
	}
	if want := []string{"m.go: gone: left out: x is no longer there"}; !slices.Equal(r.stale, want) {
		t.Errorf("in vain: %q, want %q", r.stale, want)
	}
	if got, want := r.score(), "70 %"; got != want {
		t.Errorf("score %s, want %s (%+v)", got, want, r)
	}
	if r, err = runPackage(t.Context(), options{workers: 2}, "."); err != nil || len(r.survivors) != 2 || len(r.unreached) != 0 {
		t.Errorf("with the slow test: %+v, %v", r, err)
	}
}

// TestChangedLines: with a base only what changed since is tried.
func TestChangedLines(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	write := func(content string) {
		if err := os.WriteFile("a.go", []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write("one\ntwo\nthree\nfour\n")
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")
	write("one\n2\nthree\nfour\nfive\nsix\n")
	changed, err := changedLines(t.Context(), "HEAD", ".")
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range []bool{false, false, true, false, false, true, true} {
		if changed["a.go"][line] != want {
			t.Errorf("line %d changed: %t, want %t", line, !want, want)
		}
	}
}
