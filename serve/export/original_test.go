package export

import (
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// TestOneReads: of several that want the same content at once, one reads it. The others wait
// and link to it, or read it if that one could not.
func TestOneReads(t *testing.T) {
	for _, failure := range []error{nil, errors.New("connection refused")} {
		dir := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			w := &writer{dir: dir, slots: make(chan struct{}, 3), contents: map[string]*content{}, from: publish.In(nil)}
			var fetches atomic.Int64
			begun, end := make(chan struct{}), make(chan struct{})
			o := original{"key", 4, func(io.Reader) bool { return false }, func(to io.Writer) error {
				if fetches.Add(1) == 1 {
					close(begun)
					<-end
					if failure != nil {
						return failure
					}
				}
				_, err := io.WriteString(to, "text")
				return err
			}}
			results := make(chan error, 3)
			go func() { results <- w.original(t.Context(), "first", "sum", o) }()
			<-begun
			for _, name := range []string{"second", "third"} {
				go func() { results <- w.original(t.Context(), name, "sum", o) }()
			}
			synctest.Wait()
			if n := fetches.Load(); n != 1 {
				t.Errorf("%d read while the first does", n)
			}
			close(end)
			failed := 0
			for range 3 {
				if err := <-results; err != nil {
					failed++
				}
			}
			if n := fetches.Load(); failure == nil && (failed != 0 || n != 1 || w.written().Linked != 2) || failure != nil && (failed != 1 || n != 3) {
				t.Errorf("the first ends with %v: %d failed, %d reads, %+v", failure, failed, n, w.written())
			}
		})
	}
}

// TestCandidates: which files may hold an object.
func TestCandidates(t *testing.T) {
	memory, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	root := t.TempDir()
	files, err := store.Open(t.Context(), "file://"+filepath.ToSlash(root), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	const key = "packages/a/1.0.0/r/a-1.0.0.zip"
	own, before := filepath.Join(root, filepath.FromSlash(key)), filepath.FromSlash("/b/tree/x")
	for _, c := range []struct {
		from   store.Store
		link   bool
		before string
		want   []string
	}{{memory, true, "", nil}, {memory, true, "/b", []string{before}}, {files, true, "", []string{own}}, {files, true, "/b", []string{own, before}}, {files, false, "", nil}, {files, false, "/b", []string{before}}} {
		w := &writer{from: publish.In(c.from), link: c.link, before: filepath.FromSlash(c.before)}
		if got := w.candidates(key, "tree/x"); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %q", c, got)
		}
	}
	for parallel, want := range map[int]int{-1: publish.In(memory).Parallel(), 0: publish.In(memory).Parallel(), 1: 1, 7: 7} {
		if got := cap(newWriter(Options{From: publish.In(memory), Parallel: parallel}, "", &layout.Manifest{}).slots); got != want {
			t.Errorf("%d at once, where %d are asked for", got, parallel)
		}
	}
	bad := &layout.Routes{Constraints: []layout.Ranges{{Release: []layout.Interval{{From: "x"}}}}}
	if err := (&writer{dir: root}).pages(bad); err == nil || !strings.Contains(err.Error(), "constraint 0") {
		t.Errorf("routes that make no table: %v", err)
	}
}
