//go:build conformance

package promote_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

// TestConformanceRace is TestRace 15 times over.
func TestConformanceRace(t *testing.T) {
	const runs = 15
	again := 0
	for run := range runs {
		again += race(t, run)
	}
	fmt.Printf("race: %d runs of two promotions and a push at once, %d in the repository itself and %d by pushes from clones: none lost, never one branch alone; %d attempts were made again\n",
		runs, runs/2, runs/2, again)
	if again == 0 {
		t.Error("nobody ever was faster: the promotions did not race")
	}
}

// history is the real package storage, in a repository whose branches can be moved.
type history struct {
	t    *testing.T
	repo string
	s    *git.GitSource
	// steps are the commits of each branch, the oldest first.
	steps map[string][]git.Step
}

var rules = map[string]lint.Branch{"production": production, "staging": staging, "snapshot": snapshot}

func openHistory(t *testing.T) *history {
	t.Helper()
	real := indextest.RealStorage(t)
	repo := indextest.NewRepo(t)
	identify(t, repo.Dir)
	if err := os.WriteFile(filepath.Join(repo.Dir, "objects/info/alternates"), []byte(real+"/objects\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	h := &history{t: t, repo: repo.Dir, steps: map[string][]git.Step{}}
	for name := range rules {
		h.set(name, indextest.Git(t, ".", "", "-c", "safe.directory=*", "--git-dir", real, "rev-parse", "refs/heads/"+name))
	}
	s, err := git.OpenGit(t.Context(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h.s = s
	for name := range rules {
		if _, err := s.History(t.Context(), name, func(step git.Step) error {
			h.steps[name] = append(h.steps[name], step)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// set moves a branch.
func (h *history) set(branch, commit string) {
	h.t.Helper()
	indextest.Git(h.t, h.repo, "", "update-ref", "refs/heads/"+branch, commit)
}

// tree is the whole content of a commit.
func (h *history) tree(rev string) string {
	h.t.Helper()
	return indextest.Git(h.t, h.repo, "", "rev-parse", rev+"^{tree}")
}

// copied finds in a subject which branch packages came from.
var copied = regexp.MustCompile(`^(?:Copy .*packages from (\w+) to \w+|\[\w+\] Promote packages from (\w+))\b`)

// names are the versions of changes, as the command takes them.
func names(changes []index.Change) []string {
	var out []string
	for _, c := range changes {
		out = append(out, c.Entry().Name+"-"+c.Entry().Version)
	}
	return out
}

// removal finds the commit nearest in time that removed the versions from a
// branch, with nothing but their elders, and the one before it. One that removed
// newer versions as well belongs to the promotion of those.
func (h *history) removal(branch string, at git.Step) (before, removed *git.Step) {
	var best int64
	steps := h.steps[branch]
	for i := 1; i < len(steps); i++ {
		all := !slices.ContainsFunc(names(at.Changes), func(n string) bool { return !slices.Contains(names(steps[i].Changes), n) }) &&
			!slices.ContainsFunc(steps[i].Changes, func(c index.Change) bool { return !c.Removed() || !elder(c.Old, at.Changes) })
		away := steps[i].Commit.Time.Unix() - at.Commit.Time.Unix()
		if away = max(away, -away); all && (removed == nil || away < best) {
			before, removed, best = &steps[i-1], &steps[i], away
		}
	}
	return before, removed
}

// elder reports whether a version is one of those promoted, or lower than one.
func elder(e index.Entry, promoted []index.Change) bool {
	return slices.ContainsFunc(promoted, func(c index.Change) bool {
		return c.New.Name == e.Name && !semver.MustParse(e.Version).GreaterThan(semver.MustParse(c.New.Version))
	})
}

// outcome counts what could be compared.
type outcome struct {
	target, source, promotions int
	why                        map[string][]string
}

func (o *outcome) not(reason, what string) { o.why[reason] = append(o.why[reason], what) }

// TestConformancePromote replays each real "Copy packages from … to …": both
// branches are set to where they were, the same packages are promoted, and the
// whole trees compared with the real ones.
func TestConformancePromote(t *testing.T) {
	h := openHistory(t)
	o := &outcome{why: map[string][]string{}}
	for _, to := range []string{"staging", "production"} {
		for i, step := range h.steps[to] {
			m := copied.FindStringSubmatch(step.Commit.Subject)
			if m == nil || i == 0 {
				continue
			}
			o.promotions++
			h.replay(o, step, h.steps[to][i-1], m[1]+m[2], to)
		}
	}
	reasons := 0
	for why, list := range o.why {
		reasons += len(list)
		fmt.Printf("promote: source not compared for %d: %s: %s\n", len(list), why, strings.Join(list[:min(len(list), 5)], "; "))
	}
	fmt.Printf("promote: %d real promotions replayed: the tree of the target is the real one for %d, that of the source for %d of %d that could be compared\n",
		o.promotions, o.target, o.source, o.promotions-reasons)
	if o.target != o.promotions || o.source != o.promotions-reasons || o.source == 0 {
		t.Error("not all trees are the real ones")
	}
}

// replay promotes what one commit added to a branch.
func (h *history) replay(o *outcome, step, before git.Step, from, to string) {
	t := h.t
	what := fmt.Sprintf("%s %.8s (%s)", to, step.Commit.Hash, step.Commit.Subject)
	wanted := names(step.Changes)
	parent, removed := h.removal(from, step)
	oldest := h.steps[from][0].Commit
	start := ""
	switch {
	case removed != nil:
		start = parent.Commit.Hash
	case step.Commit.Time.Before(oldest.Time):
		o.not(fmt.Sprintf("the record of %s begins on %s, after it", from, oldest.Time.Format("2006-01-02")), what)
	default:
		o.not("no commit of its own removed the packages from "+from, what)
	}
	if start == "" {
		start = step.Commit.Hash // holds them, which is all that the target needs
	}
	h.set(from, start)
	h.set(to, before.Commit.Hash)
	if to == "staging" {
		h.set("production", h.steps["production"][0].Commit.Hash)
	}
	older := removed != nil && len(names(removed.Changes)) > len(wanted)
	opts := promote.Options{
		Repo: h.repo, From: rules[from], To: rules[to], Choice: promote.Choice{Packages: wanted}, Regsnap: "main",
		RemoveOlder: older && to != "production",
	}
	r, err := promote.Promote(t.Context(), opts)
	if err != nil {
		t.Errorf("%s: %v: %v", what, err, r.Report.Errors)
		return
	}
	if r.PullRequest != nil { // merged, and the source cleaned
		h.set(to, r.Updates[0].Commit)
		indextest.Git(t, h.repo, "", "update-ref", "-d", "refs/heads/"+r.PullRequest.Branch)
		if removed != nil {
			opts.RemoveOlder = older
			if _, err := promote.Clean(t.Context(), promote.CleanOptions{Options: opts, Branches: []lint.Branch{rules[from]}}); err != nil {
				t.Errorf("%s: clean: %v", what, err)
				return
			}
		}
	}
	if got, want := h.tree(to), h.tree(step.Commit.Hash); got == want {
		o.target++
	} else {
		t.Errorf("%s: the tree of %s is %s, was %s", what, to, got, want)
	}
	if removed == nil {
		return
	}
	if got, want := h.tree(from), h.tree(removed.Commit.Hash); got == want {
		o.source++
	} else {
		t.Errorf("%s: the tree of %s is %s, was %s after %.8s (%s)\n%s", what, from, got, want, removed.Commit.Hash, removed.Commit.Subject,
			indextest.Git(t, h.repo, "", "diff-tree", "-r", "--shortstat", want, got))
	}
}
