package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
)

// clocked is a registry in made-up time that notes when it was built, and how. All that is
// told of its files the test tells.
type clocked struct {
	*bench
	under *under
	began time.Time

	mu   sync.Mutex
	done []string // after how long a state came, and the title of web-1.0.0 in it
}

func newClocked(t *testing.T) *clocked {
	_, u := below(t)
	c := &clocked{bench: unwatched(t, &Base{Source: u, Branch: "main"}), under: u, began: time.Now()}
	c.write("web", "1.0.0", "first")
	return c
}

func (c *clocked) note(State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = append(c.done, fmt.Sprint(time.Since(c.began), " ", titles(c.t, c.handler)["web-1.0.0"]))
}

// noted holds what was noted to what is wanted, and forgets it.
func (c *clocked) noted(want ...string) {
	c.t.Helper()
	synctest.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if fmt.Sprintf("%q", c.done) != fmt.Sprintf("%q", want) {
		c.t.Errorf("noted %q, want %q", c.done, want)
	}
	c.done = nil
}

// at waits for a moment since the test began.
func (c *clocked) at(d time.Duration) {
	time.Sleep(time.Until(c.began.Add(d)))
	synctest.Wait()
}

const ms = time.Millisecond

// TestSettle: a build that files changed under is made again every 50 ms, with what has
// changed since; every fifth time everything is read again.
func TestSettle(t *testing.T) {
	for _, c := range []struct {
		tries int
		want  string
	}{{0, "0s first"}, {1, "50ms first"}, {4, "200ms first"}, {5, "250ms second"}, {6, "300ms second"}} {
		synctest.Test(t, func(t *testing.T) {
			r := newClocked(t)
			defer r.registry.Close()
			r.built()
			r.write("web", "1.0.0", "second") // of which nobody tells
			var errs []error
			for i := range c.tries {
				errs = append(errs, []error{fs.ErrNotExist, git.ErrChanged}[i%2])
			}
			r.under.fails(errs...)
			looked := 0
			r.registry.settle(t.Context(), func() { looked++ }, r.note)
			r.noted(c.want)
			if looked != c.tries {
				t.Errorf("looked %d times, want %d", looked, c.tries)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := newClocked(t)
		defer r.registry.Close()
		r.under.fails(errors.New("the disk is broken")) // which no other try mends
		r.registry.settle(t.Context(), func() { t.Error("it is tried again") }, r.note)
		r.noted("0s ")
		r.registry.settle(endedContext(t), func() { t.Error("it is tried again") }, r.note)
		r.noted()
		r.under.fails(fs.ErrNotExist)
		ctx, end := context.WithTimeout(t.Context(), 49*ms)
		defer end()
		r.registry.settle(ctx, func() { t.Error("it is tried again") }, r.note)
		r.noted()
		if time.Since(r.began) != 49*ms {
			t.Errorf("it took %v to end", time.Since(r.began))
		}
	})
}

// TestGathers: what was changed is looked at once nothing else has happened for 15 ms, or
// after 150 ms.
func TestGathers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newClocked(t)
		defer r.registry.Close()
		w := &watcher{work: r.registry.o.Work, signal: make(chan struct{}, 1), roots: map[git.Watched]bool{}}
		for _, d := range w.work.Watched() {
			w.roots[d] = true // all is watched: nothing is asked of the system
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.registry.watch(ctx, w, r.note) }()
		r.noted("0s first")
		edit := func(at time.Duration, title string) {
			r.at(at)
			r.write("web", "1.0.0", title)
			w.work.Changed(r.path("web"))
			select {
			case w.signal <- struct{}{}:
			default:
			}
		}
		edit(1000*ms, "alone")
		r.at(1014 * ms)
		r.noted()
		r.at(1015 * ms)
		r.noted("1.015s alone")
		edit(2000*ms, "one")
		edit(2014*ms, "two")
		edit(2029*ms, "three")
		r.at(2060 * ms)
		r.noted("2.045s three")
		for at := 3000 * ms; at < 3150*ms; at += 10 * ms {
			edit(at, at.String())
		}
		r.at(3149 * ms)
		r.noted()
		r.at(3150 * ms)
		r.noted("3.15s 3.14s")
		edit(4000*ms, "late")
		r.at(4010 * ms)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		r.noted()
		ended <- r.registry.watch(ctx, w, r.note) // it ends at once
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestLooks: where the system does not tell, files are looked at as often as is asked for,
// or every second.
func TestLooks(t *testing.T) {
	for _, c := range []struct {
		every, want time.Duration
		told        int // of what the system cannot do
	}{{time.Minute, time.Minute, 0}, {0, time.Second, 1}} {
		synctest.Test(t, func(t *testing.T) {
			r := newClocked(t)
			defer r.registry.Close()
			if c.told > 0 {
				// A file is where a folder was when the work tree was opened.
				folder := filepath.Join(r.dir, "folder")
				r.check(os.MkdirAll(filepath.Join(folder, "below"), 0o777))
				work, err := git.OpenWork([]string{r.dir, filepath.Join(folder, "below")}, parse.Identity)
				r.check(err)
				r.check(os.RemoveAll(folder))
				r.check(os.WriteFile(folder, nil, 0o666))
				r.registry.o.Work, r.registry.source.work = work, work
			}
			ctx, stop := context.WithCancel(t.Context())
			ended, told := make(chan error, 1), 0
			go func() {
				ended <- r.registry.Watch(ctx, c.every, func(err error) {
					if told++; !errors.Is(err, syscall.ENOTDIR) {
						t.Error(err)
					}
				}, r.note)
			}()
			r.noted("0s first")
			r.at(c.want / 2)
			r.write("web", "1.0.0", "second one")
			r.at(c.want - 1)
			r.noted()
			r.at(c.want)
			r.noted(fmt.Sprint(c.want, " second one"))
			r.at(5 * c.want)
			r.noted() // nothing has changed
			r.write("web", "1.0.0", "third")
			r.under.fails(git.ErrChanged) // and what changes meanwhile is seen before the next try
			r.at(6 * c.want)
			r.write("web", "1.0.0", "the fourth")
			r.at(7*c.want - 1)
			r.noted(fmt.Sprint(6*c.want+50*ms, " the fourth"))
			stop()
			if err := <-ended; err != nil || told != c.told {
				t.Errorf("%v, told %d times", err, told)
			}
		})
	}
}

// TestLooksNoMoreOften: what changes while a state is shown is not looked for before its time.
func TestLooksNoMoreOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newClocked(t)
		defer r.registry.Close()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- r.registry.Watch(ctx, time.Minute, func(err error) { t.Error(err) }, func(s State) {
				r.note(s)
				if time.Since(r.began) == 0 {
					r.write("web", "1.0.0", "the second one")
				}
			})
		}()
		r.noted("0s first")
		r.at(time.Minute - 1)
		r.noted()
		r.at(time.Minute)
		r.noted("1m0s the second one")
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestWatchTells: by default the system tells of changes, and what it can no longer watch is
// an error.
func TestWatchTells(t *testing.T) {
	r := newClocked(t)
	w, err := newWatcher(r.registry.o.Work)
	r.check(err)
	r.check(w.close())
	w.named[r.path("web")] = true
	w.signal <- struct{}{}
	if err := r.registry.watch(t.Context(), w, func(State) {}); err == nil {
		t.Error("what cannot be watched is no error")
	}
}

// TestPoller: which changes it sees, and has read again.
func TestPoller(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: filepath.Join(dir, "root"), shown: map[string]string{}}
	b.write("web", "1.0.0", "first")
	gone := filepath.Join(dir, "gone")
	b.check(os.MkdirAll(gone, 0o777))
	work, err := git.OpenWork([]string{gone, b.dir}, parse.Identity)
	b.check(err)
	b.check(os.Remove(gone)) // what is not there keeps nothing else from being seen
	p := &poller{work: work}
	p.look()
	readme := b.path("web", "1.0.0", "docs", "README.md")
	moment := time.Unix(1_700_000_000, 0)
	write := func(content string, elements ...string) func() {
		return func() {
			name := filepath.Join(append([]string{dir}, elements...)...)
			b.check(os.MkdirAll(filepath.Dir(name), 0o777))
			b.check(os.WriteFile(name, []byte(content), 0o666))
		}
	}
	file := func(content string, modified time.Time) func() {
		return func() {
			b.put(content, "web", "1.0.0", "docs", "README.md")
			b.check(os.Chtimes(readme, modified, modified))
		}
	}
	for _, c := range []struct {
		what string
		do   func()
		seen bool
	}{
		{"nothing", func() {}, false},
		{"a content", file("# other\n", moment), true},
		{"the same, again", file("# other\n", moment), false},
		{"a size", file("# others\n", moment), true},
		{"a time", file("# others\n", moment.Add(1)), true},
		{"a mode", func() { b.check(os.Chmod(readme, 0o755)) }, true},
		{"a folder's time", func() { b.check(os.Chtimes(filepath.Dir(readme), moment, moment)) }, false},
		{"a folder's mode", func() { b.check(os.Chmod(filepath.Dir(readme), 0o700)) }, true},
		{"a new file", func() { b.put("x", "web", "1.0.0", "new") }, true},
		{"one that goes", func() { b.removeAll(b.path("web", "1.0.0", "new")) }, true},
		{"a new folder", func() { b.check(os.MkdirAll(b.path("db"), 0o777)) }, true},
		{"one that goes", func() { b.removeAll(b.path("db")) }, true},
		{"a repository's inside", write("x", "root", "packages", ".git", "index"), false},
		{"a file called .git", write("x", "root", "packages", "web", ".git"), true},
		{"beside the packages", write("x", "root", "file"), true},
		{"a folder beside them", write("x", "root", "folder", "file"), false},
		{"beside the root", write("x", "file"), true},
		{"what was gone", func() { b.check(os.MkdirAll(gone, 0o777)) }, true},
		{"below it", write("x", "gone", "a", "b"), true},
		{"it goes again", func() { b.check(os.RemoveAll(gone)) }, true},
	} {
		c.do()
		if seen := p.look(); seen != c.seen {
			t.Errorf("%s: seen %v, want %v", c.what, seen, c.seen)
		}
		if p.look() {
			t.Errorf("%s is seen twice", c.what)
		}
	}
	title := func(want string) {
		t.Helper()
		branch, err := work.Branch(t.Context(), git.WorkBranch)
		if err != nil || len(branch.Entries) != 1 {
			t.Fatalf("%v %+v", err, branch)
		}
		files, err := work.List(t.Context(), branch.Entries[0])
		b.check(err)
		if !strings.Contains(fmt.Sprint(listed(files)), blob(manifest("web", "1.0.0", want)).String()) {
			t.Errorf("%s is not read", want)
		}
	}
	title("first")
	b.put(manifest("web", "1.0.0", "second"), "web", "1.0.0", "manifest.yml")
	title("first")
	p.look()
	title("second")
	b.removeAll(b.path("web", "1.0.0", "manifest.yml"))
	p.look()
	branch, err := work.Branch(t.Context(), git.WorkBranch)
	b.check(err)
	if files, err := work.List(t.Context(), branch.Entries[0]); err != nil || len(files) != 1 {
		t.Errorf("%v %v", files, err)
	}
}
