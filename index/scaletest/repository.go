package scaletest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
)

// PushRef names the commit that adds one version of one package to the branch
// snapshot: what a push does.
const PushRef = "refs/pushes/snapshot"

// Repository makes a bare git repository at dir, which must not exist, with the
// branches of a storage. Its packages are as the options say; PushRef has one
// version more.
func Repository(ctx context.Context, dir string, o Options) error {
	if o.Statistics == nil {
		s, err := derived()
		if err != nil {
			return err
		}
		o.Statistics = s
	}
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("%s exists already", dir)
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o777); err != nil {
		return err
	}
	if err := runGit(ctx, nil, "init", "--quiet", "--bare", "--initial-branch="+branches[0], dir); err != nil {
		return err
	}
	// fast-import (git-fast-import(1)) writes one pack, without a process, a
	// file or an index for each object.
	in, out := io.Pipe()
	written := make(chan error, 1)
	go func() {
		w := &writer{Writer: bufio.NewWriterSize(out, 1<<20)}
		w.storage(o)
		err := w.Flush()
		out.CloseWithError(err)
		written <- err
	}()
	err := runGit(ctx, in, "-C", dir, "fast-import", "--quiet", "--done")
	in.CloseWithError(io.ErrClosedPipe) // ends a writer that nobody reads from
	return errors.Join(err, <-written)
}

// runGit runs git without the configuration of the user or the machine.
func runGit(ctx context.Context, stdin io.Reader, args ...string) error {
	c := exec.CommandContext(ctx, "git", args...)
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL="+os.DevNull, "GIT_CONFIG_SYSTEM="+os.DevNull)
	c.Stdin = stdin
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return fmt.Errorf("git %s: %w: %s", args[0], err, bytes.TrimSpace(stderr.Bytes()))
	}
	return nil
}

// writer writes the input of git fast-import. A failure stays in the Writer,
// and Flush returns it.
type writer struct {
	*bufio.Writer
	marks int
	// shared are the marks of contents of one package, which its versions share.
	shared map[string]int
}

// storage writes all packages, and then the branches.
func (w *writer) storage(o Options) {
	trees := map[string]*bytes.Buffer{}
	for _, b := range branches {
		trees[b] = new(bytes.Buffer)
	}
	var push bytes.Buffer
	counts := versionCounts(o)
	for i, n := range counts {
		w.shared = map[string]int{}
		p := newPack(o, i, n)
		for v := range n {
			w.version(trees[branchOf(p.rng, o, v, n)], p)
		}
		if i == len(counts)/2 {
			w.version(&push, p)
		}
	}
	const start = 1_700_000_000 // seconds since 1970: a round time
	for i, b := range branches {
		w.commit("refs/heads/"+b, start+60*i, "Fill "+b, "", trees[b].Bytes())
	}
	w.commit(PushRef, start+3600, "Add one version", "refs/heads/snapshot", push.Bytes())
	fmt.Fprintln(w, "done")
}

// version writes the contents of the next version of a package, and to tree
// where they lie.
func (w *writer) version(tree *bytes.Buffer, p *pack) {
	v := p.next()
	for _, f := range v.files {
		fmt.Fprintf(tree, "M 100644 :%d packages/%s/%s/%s\n", w.blob(f.content), p.name, v.version, f.path)
	}
}

func (w *writer) blob(content string) int {
	if mark := w.shared[content]; mark > 0 {
		return mark
	}
	w.marks++
	w.shared[content] = w.marks
	fmt.Fprintf(w, "blob\nmark :%d\ndata %d\n%s\n", w.marks, len(content), content)
	return w.marks
}

func (w *writer) commit(ref string, at int, subject, parent string, changes []byte) {
	fmt.Fprintf(w, "commit %s\ncommitter regsnap demo <demo@example.invalid> %d +0000\ndata %d\n%s\n", ref, at, len(subject), subject)
	if parent != "" {
		fmt.Fprintf(w, "from %s\n", parent)
	}
	w.Write(changes)
	fmt.Fprintln(w)
}

// versionCounts is how many versions each package has: at least one, as unlike
// as in a real storage, together as many as asked for.
func versionCounts(o Options) []int {
	rng := rand.New(rand.NewPCG(o.Seed, math.MaxUint64))
	weights := make([]float64, o.names())
	sum := 0.0
	for i := range weights {
		weights[i] = o.Statistics.Versions.at(rng.Float64())
		sum += weights[i]
	}
	counts := make([]int, len(weights))
	left := o.Versions - len(counts)
	share, given := 0.0, 0
	for i, w := range weights {
		share += w / sum * float64(left)
		n := int(math.Round(share)) - given
		given += n
		counts[i] = 1 + n
	}
	return counts
}

// branchOf says where the version number v of n lies: the newest are in the
// branches of little importance.
func branchOf(rng *rand.Rand, o Options, v, n int) string {
	total := 0
	for _, count := range o.Statistics.Branches {
		total += count
	}
	left := float64(n-v) - rng.Float64() // until the newest
	for i := len(branches) - 1; i > 0; i-- {
		here := float64(o.Statistics.Branches[branches[i]]) / float64(total) * float64(n)
		if left < here {
			return branches[i]
		}
		left -= here
	}
	return branches[0]
}
