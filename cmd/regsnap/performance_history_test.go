//go:build bench

package main

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// yearPush is a push of one commit to a branch. complete is false until all three branches
// have one.
type yearPush struct {
	at             int64
	branch, commit string
	complete       bool
}

// history is a repository without branches that borrows the real objects, and every
// commit of the real branches.
func (b *bench) history() (repo string, pushes []yearPush) {
	repo = filepath.Join(b.TempDir(), "year.git")
	b.run(nil, "git", "init", "-q", "--bare", repo)
	must(b.T, os.WriteFile(filepath.Join(repo, "objects/info/alternates"), []byte(filepath.Join(b.real, "objects")+"\n"), 0o644))
	for _, branch := range []string{"production", "staging", "snapshot"} {
		_, out := b.run(nil, "git", "-C", b.real, "log", "--first-parent", "--format=%ct %H", branch)
		for line := range strings.Lines(string(out)) {
			at, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
			seconds, err := strconv.ParseInt(at, 10, 64)
			must(b.T, err)
			pushes = append(pushes, yearPush{at: seconds, branch: branch, commit: hash})
		}
	}
	slices.SortStableFunc(pushes, func(a, b yearPush) int { return cmp.Compare(a.at, b.at) })
	seen := map[string]bool{}
	for i := range pushes {
		seen[pushes[i].branch] = true
		pushes[i].complete = len(seen) == 3
	}
	return repo, pushes
}

// drawn is the seed of what the generated pushes change.
const drawn = 20221216

// draft is a version of a package that a generated commit adds or changes: the files of a
// real one, with another manifest.
type draft struct {
	name, version string
	tree          string // of the real version
	manifest      []byte
	staged        bool
}

// generated are n more pushes after those of the real branches, as these would go on: of
// a hundred, 52 go to snapshot and 24 to each of the others. One to snapshot adds the next
// version of a package, or changes one that was added; one to the others promotes it.
func (b *bench) generated(repo string, after []yearPush, n int) []yearPush {
	random := rand.New(rand.NewPCG(drawn, 0))
	b.Logf("seed %d", drawn)
	heads := map[string]string{}
	for _, p := range after {
		heads[p.branch] = p.commit
	}
	newest := b.newest(repo, heads)
	names := slices.Sorted(maps.Keys(newest))
	var waiting []draft // not in production yet
	next := func(branch string, change int) draft {
		unstaged := slices.IndexFunc(waiting, func(d draft) bool { return !d.staged })
		switch {
		case branch == "production" && len(waiting) > 0:
			d := waiting[0]
			waiting = waiting[1:]
			return d
		case branch == "staging" && unstaged >= 0:
			waiting[unstaged].staged = true
			return waiting[unstaged]
		case branch == "snapshot" && unstaged >= 0 && random.IntN(2) == 0:
			waiting[unstaged].manifest = fmt.Appendf(slices.Clone(waiting[unstaged].manifest), "# change %d\n", change)
			return waiting[unstaged]
		}
		name := names[random.IntN(len(names))]
		d := b.bumped(repo, newest[name])
		newest[name] = d
		if d.staged = branch == "staging"; branch != "production" {
			waiting = append(waiting, d)
		}
		return d
	}
	at := after[len(after)-1].at
	var stream bytes.Buffer
	var pushes []yearPush
	for i := range n {
		branch := "snapshot"
		if draw := random.IntN(100); draw >= 76 {
			branch = "production"
		} else if draw >= 52 {
			branch = "staging"
		}
		d := next(branch, i)
		at += 3600
		path := "packages/" + d.name + "/" + d.version
		fmt.Fprintf(&stream, "commit refs/year/%s\nmark :%d\ncommitter a bot <bot@example.com> %d +0000\ndata 0\n", branch, i+1, at)
		if heads[branch] != "" {
			fmt.Fprintf(&stream, "from %s\n", heads[branch])
			heads[branch] = "" // git fast-import knows it from now on
		}
		fmt.Fprintf(&stream, "M 040000 %s %s\nM 100644 inline %s/manifest.yml\ndata %d\n%s\n", d.tree, path, path, len(d.manifest), d.manifest)
		pushes = append(pushes, yearPush{at: at, branch: branch, complete: true})
	}
	for i, commit := range b.imported(repo, &stream) {
		pushes[i].commit = commit
	}
	return pushes
}

// newest are the newest versions of all packages of some commits.
func (b *bench) newest(repo string, commits map[string]string) map[string]draft {
	found := map[string]draft{}
	for _, branch := range slices.Sorted(maps.Keys(commits)) {
		_, out := b.run(nil, "git", "-C", repo, "ls-tree", "-r", "-d", "--full-tree", commits[branch], "packages/")
		for line := range strings.Lines(string(out)) {
			info, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
			parts := strings.Split(path, "/")
			if len(parts) != 3 || !threeNumbers.MatchString(parts[2]) {
				continue
			}
			d := draft{name: parts[1], version: parts[2], tree: strings.Fields(info)[2]}
			if have, ok := found[d.name]; !ok || olderVersion(have.version, d.version) {
				found[d.name] = d
			}
		}
	}
	return found
}

// imported are the commits of a stream for git fast-import, in the order of their marks.
func (b *bench) imported(repo string, stream io.Reader) []string {
	file := filepath.Join(b.TempDir(), "marks")
	load := exec.Command("git", "-C", repo, "fast-import", "--quiet", "--export-marks="+file)
	load.Stdin = stream
	if out, err := load.CombinedOutput(); err != nil {
		b.Fatalf("git fast-import: %v: %s", err, out)
	}
	text, err := os.ReadFile(file)
	must(b.T, err)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	commits := make([]string, len(lines))
	for _, line := range lines {
		mark, commit, _ := strings.Cut(line, " ")
		i, err := strconv.Atoi(strings.TrimPrefix(mark, ":"))
		must(b.T, err)
		commits[i-1] = commit
	}
	return commits
}

var (
	threeNumbers = regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	versionLine  = regexp.MustCompile(`(?m)^version: .*$`)
)

// bumped is the next patch of a version.
func (b *bench) bumped(repo string, d draft) draft {
	if d.manifest == nil {
		_, d.manifest = b.run(nil, "git", "-C", repo, "cat-file", "blob", d.tree+":manifest.yml")
	}
	v := numbers(d.version)
	d.version = fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]+1)
	d.manifest = versionLine.ReplaceAll(d.manifest, []byte("version: "+d.version))
	return d
}

func olderVersion(a, b string) bool { return slices.Compare(numbers(a), numbers(b)) < 0 }

func numbers(version string) (n []int) {
	for part := range strings.SplitSeq(version, ".") {
		i, _ := strconv.Atoi(part) // the pattern has digits only
		n = append(n, i)
	}
	return n
}
