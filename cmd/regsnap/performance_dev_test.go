//go:build bench

package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/child"
)

// edits is how many titles are saved and waited for.
const edits = 200

// TestPerformanceDev measures a live registry of the real production work tree, and of a
// folder of one of its packages, and writes the table into docs/performance.md.
func TestPerformanceDev(t *testing.T) {
	b := newBench(t)
	tree := filepath.Join(b.TempDir(), "tree")
	b.run(nil, "git", "clone", "--quiet", "--shared", "--branch", "production", b.real, tree)
	one := filepath.Join(b.TempDir(), "packages", "nginx")
	must(b.T, os.CopyFS(one, os.DirFS(filepath.Join(tree, "packages", "nginx"))))

	var w strings.Builder
	fmt.Fprintf(&w, "| `regsnap dev` of | package versions | clients are answered after | all is there after | saved, then shown: median | 99 of 100 | most | peak memory |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, c := range []struct{ name, dir string }{
		{"the work tree of production", tree},
		{"a folder of one package", one},
	} {
		d := b.develop(c.dir)
		fmt.Fprintf(&w, "| %s | %d | %.2f s | %.2f s | %d ms | %d ms | %d ms | %d MiB |\n", c.name, d.versions, d.first.Seconds(), d.whole.Seconds(),
			d.took[edits/2].Milliseconds(), d.took[edits*99/100].Milliseconds(), d.took[edits-1].Milliseconds(), d.peak>>20)
	}
	fmt.Fprintf(&w, "\nEach registry had %d edits: the title in a manifest, of a package version drawn at random.\n", edits)
	b.section("dev", 1, w.String())
}

// liveFigures is what was measured of a live registry.
type liveFigures struct {
	versions     int
	first, whole time.Duration
	took         []time.Duration // sorted
	peak         int64
}

// develop starts a live registry of a folder, and edits what is in it.
func (b *bench) develop(dir string) (d liveFigures) {
	b.Helper()
	address := child.Address(b.T)
	c := exec.CommandContext(b.Context(), b.program, "dev", "--listen", address, ".")
	c.Dir = dir
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	var stderr strings.Builder
	c.Stderr = &stderr
	started := time.Now()
	must(b.T, c.Start())
	url := "http://" + address
	until := func(path string, shown func(status int, body string) bool) {
		for {
			resp, err := http.Get(url + path)
			if err == nil {
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err == nil && shown(resp.StatusCode, string(body)) {
					return
				}
			} else if b.Context().Err() != nil {
				b.Fatalf("%s: %v\n%s", path, err, stderr.String())
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
	answered := func(status int, _ string) bool { return status == http.StatusOK }
	until("/search?prerelease=true", answered)
	d.first = time.Since(started)
	until("/catalog/", func(status int, body string) bool {
		return status == http.StatusOK && strings.Contains(body, "data-generation")
	})
	d.whole = time.Since(started)

	manifests, err := filepath.Glob(filepath.Join(dir, "packages", "*", "*", "manifest.yml"))
	must(b.T, err)
	if len(manifests) == 0 {
		manifests, err = filepath.Glob(filepath.Join(dir, "*", "manifest.yml"))
		must(b.T, err)
	}
	d.versions = len(manifests)
	title := regexp.MustCompile(`(?m)^title:.*$`)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range edits {
		file := manifests[rnd.IntN(len(manifests))]
		content, err := os.ReadFile(file)
		must(b.T, err)
		folder := filepath.Dir(file)
		path := "/package/" + filepath.Base(filepath.Dir(folder)) + "/" + filepath.Base(folder) + "/"
		saved := time.Now()
		must(b.T, os.WriteFile(file, title.ReplaceAllLiteral(content, fmt.Appendf(nil, "title: edit %d", i)), 0o666))
		until(path, func(_ int, body string) bool { return strings.Contains(body, fmt.Sprintf(`"title": "edit %d"`, i)) })
		d.took = append(d.took, time.Since(saved))
	}
	slices.Sort(d.took)
	must(b.T, c.Process.Signal(os.Interrupt))
	if err := c.Wait(); err != nil {
		b.Fatalf("regsnap dev: %v\n%s", err, stderr.String())
	}
	d.peak = c.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	return d
}
