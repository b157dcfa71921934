//go:build conformance

package lint_test

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

// realRepository is the package storage that REGSNAP_REAL names.
func realRepository(t *testing.T) string {
	t.Helper()
	return indextest.RealStorage(t)
}

// realGit runs git on the real repository, which may belong to someone else.
func realGit(t *testing.T, repo string, args ...string) string {
	t.Helper()
	return indextest.Git(t, ".", "", append([]string{"-c", "safe.directory=*", "--git-dir", repo}, args...)...)
}

// The branches of the real storage and their rules.
func realBranch(name string) lint.Branch {
	rules := []lint.Branch{{Name: "production", Overwrite: lint.Never}, {Name: "staging", Overwrite: lint.IfNeeded}, {Name: "snapshot", Overwrite: lint.Always}}
	at := slices.IndexFunc(rules, func(b lint.Branch) bool { return b.Name == name })
	b := rules[at]
	b.Above, b.Below = rules[:at], rules[at+1:]
	return b
}

var realBranches = []string{"production", "staging", "snapshot"}

// countedByLog finds the same as an audit from what "git log" prints: which
// files each commit added, changed and removed, put together to versions.
func countedByLog(t *testing.T, repo, branch string) map[string]int {
	t.Helper()
	found := map[string]int{}
	files := map[string]map[string]string{} // by version: file → blob
	gone := map[string]map[string]string{}
	out := realGit(t, repo, "log", "--first-parent", "--diff-merges=first-parent", "--root", "--reverse", "--raw", "--no-renames", "--no-abbrev", "--format=commit %H", branch, "--", "packages")
	for block := range strings.SplitSeq(strings.TrimPrefix(out, "commit "), "\ncommit ") {
		before := map[string]map[string]string{}
		for line := range strings.Lines(block) {
			fields := strings.Split(strings.TrimSpace(line), "\t")
			if len(fields) != 2 {
				continue
			}
			info, parts := strings.Fields(fields[0]), strings.SplitN(fields[1], "/", 4)
			if len(parts) != 4 {
				continue
			}
			v := parts[1] + "-" + parts[2]
			if _, noted := before[v]; !noted {
				before[v] = maps.Clone(files[v])
			}
			if files[v] == nil {
				files[v] = map[string]string{}
			}
			if info[4] == "D" {
				delete(files[v], parts[3])
			} else {
				files[v][parts[3]] = info[1] + info[3]
			}
		}
		for v, old := range before {
			switch now := files[v]; {
			case len(old) > 0 && len(now) == 0:
				found[lint.AuditRemoved]++
				gone[v] = old
			case len(old) > 0:
				found[lint.AuditChanged]++
			case gone[v] != nil && !maps.Equal(gone[v], now):
				found[lint.AuditReturned]++
			}
		}
	}
	return found
}

// TestConformanceAudit audits the real branches and counts the same with git log.
func TestConformanceAudit(t *testing.T) {
	repo := realRepository(t)
	s := open(t, repo)
	for _, branch := range realBranches {
		started := time.Now()
		a, err := lint.RunAudit(t.Context(), lint.AuditOptions{Source: s, Branch: branch})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(started)
		got := map[string]int{}
		for _, f := range a.Findings {
			got[f.Kind]++
			if len(f.Files) == 0 || f.Released == nil || f.Commit.Author == "" {
				t.Errorf("%s: incomplete: %+v", branch, f)
			}
		}
		want := countedByLog(t, repo, branch)
		if !maps.Equal(got, want) {
			t.Errorf("%s: audit finds %v, git log %v", branch, got, want)
		}
		if commits, _ := strconv.Atoi(realGit(t, repo, "rev-list", "--first-parent", "--count", branch)); a.Commits != commits {
			t.Errorf("%s: %d commits, git counts %d", branch, a.Commits, commits)
		}
		fmt.Printf("audit: %s: %d commits, %d versions released; changed %d, removed %d, returned %d, as git log counts; %.0f ms\n",
			branch, a.Commits, a.Versions, got[lint.AuditChanged], got[lint.AuditRemoved], got[lint.AuditReturned], took.Seconds()*1000)
	}
}

// push is one commit of one branch.
type push struct {
	branch, commit string
	at             int64
}

// TestConformanceLint replays every push of the real history through lint, with
// the other branches as they were then, and says which would have been stopped.
func TestConformanceLint(t *testing.T) {
	repo := realRepository(t)
	s := open(t, repo)
	var pushes []push
	for _, b := range realBranches {
		for line := range strings.Lines(realGit(t, repo, "log", "--first-parent", "--reverse", "--format=%H %ct", b)) {
			commit, at, _ := strings.Cut(strings.TrimSpace(line), " ")
			seconds, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			pushes = append(pushes, push{b, commit, seconds})
		}
	}
	slices.SortStableFunc(pushes, func(a, b push) int { return int(a.at - b.at) })
	tips := map[string]index.ID{"production": {}, "staging": {}, "snapshot": {}}
	rules := map[string]int{}
	replayed, stopped, one := 0, 0, 0
	var slowest, all time.Duration
	for _, p := range pushes {
		id, err := index.ParseID(p.commit)
		if err != nil {
			t.Fatal(err)
		}
		base := tips[p.branch]
		tips[p.branch] = id
		if base.IsZero() {
			continue // the first commit of a branch changes nothing
		}
		started := time.Now()
		r, err := lint.Lint(t.Context(), lint.Options{Source: s, Branch: realBranch(p.branch), Base: base, Head: id, Tips: tips})
		if err != nil {
			t.Fatal(err)
		}
		took := time.Since(started)
		replayed++
		if len(r.Changes) == 1 {
			one++
			all += took
			slowest = max(slowest, took)
		}
		if len(r.Changes) == 0 {
			t.Errorf("%s %.8s: no package changed", p.branch, p.commit)
		}
		for _, w := range r.Report.Warnings {
			rules[string(w.Rule)]++
		}
		if len(r.Report.Errors) > 0 {
			stopped++
			fmt.Printf("lint: stopped: %s %.8s %s\n", p.branch, p.commit, r.Head.Subject)
			for _, e := range r.Report.Errors {
				fmt.Printf("      %s\n", e)
			}
		}
		// The storage was served as it was, so that a build accepted all of it:
		// what may stop a push here is the overwrite rule alone.
		for _, e := range r.Report.Errors {
			if e.Rule != index.RuleVersionOverwritten && e.Rule != index.RuleVersionRemoved {
				t.Errorf("%s %.8s: %s", p.branch, p.commit, e)
			}
		}
	}
	for _, rule := range slices.Sorted(maps.Keys(rules)) {
		fmt.Printf("lint: warned %d times: %s\n", rules[rule], rule)
	}
	fmt.Printf("lint: %d pushes replayed, %d would have been stopped; of one package: %d, %.0f ms on average, %.0f ms at most\n",
		replayed, stopped, one, all.Seconds()*1000/float64(max(one, 1)), slowest.Seconds()*1000)
}

// TestConformanceLintOnePackage lints a push of one package as a command would:
// from opening the repository on.
func TestConformanceLintOnePackage(t *testing.T) {
	repo := realRepository(t)
	head := strings.Fields(realGit(t, repo, "log", "--first-parent", "--format=%H", "--diff-filter=A", "-n1", "--grep=Update", "snapshot"))[0]
	started := time.Now()
	s := open(t, repo)
	r, err := lint.FindRange(t.Context(), s, "snapshot", head+"^", head)
	if err != nil {
		t.Fatal(err)
	}
	result, err := lint.Lint(t.Context(), lint.Options{Source: s, Branch: realBranch("snapshot"), Base: r.Base, Head: r.Head, Proposed: r.Proposed})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Printf("lint: one package (%s): %.0f ms; %d blobs and %d YAML files read of %s files\n", result.Head.Subject, time.Since(started).Seconds()*1000,
		result.Read.Blobs, result.Read.YAML, realGit(t, repo, "rev-list", "--objects", "--no-object-names", "--count", head, "--not", head+"^"))
	if result.Read.Packages > 1 || result.Read.Blobs > 200 {
		t.Errorf("read %+v for one package", result.Read)
	}
}
