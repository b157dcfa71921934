package dev

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// unowned is a valid manifest that is warned of.
func unowned(name, version, title string) string {
	m, _, _ := strings.Cut(manifest(name, version, title), "owner:")
	return m
}

// findings are the packages and rules of findings, each once.
func findings(problems []index.Problem) (out []string) {
	for _, p := range problems {
		out = append(out, strings.TrimPrefix(strings.Trim(p.Package+"-"+p.Version, "-")+" "+string(p.Rule), " "))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestStates: all that a state says, one edit after the other.
func TestStates(t *testing.T) {
	b := unwatched(t, nil)
	const syntax, owner = " manifest-syntax", " owner-missing"
	broken := func(name, version string) {
		b.put("# broken\n", name, version, "docs", "README.md")
		b.put("name: [", name, version, "manifest.yml")
	}
	nothing := []string{}
	for _, c := range []struct {
		what                   string
		edit                   func()
		packages               int
		kept, missing, changed []string
		errors, warnings       []string
		shown                  map[string]string
	}{
		{"nothing at all", func() {}, 0, nothing, nothing, nothing, nil, nil, nil},
		{"the first", func() {
			b.write("web", "1.0.0", "one")
			b.write("web", "1.1.0", "two")
			b.put(unowned("db", "1.0.0", "three"), "db", "1.0.0", "manifest.yml")
			b.put("# db\n", "db", "1.0.0", "docs", "README.md")
		}, 3, nothing, nothing, []string{"db-1.0.0", "web-1.0.0", "web-1.1.0"}, nil, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "one", "web-1.1.0": "two", "db-1.0.0": "three"}},
		{"an edit", func() { b.write("web", "1.0.0", "edited") }, 3, nothing, nothing, []string{"web-1.0.0"}, nil, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "edited", "web-1.1.0": "two", "db-1.0.0": "three"}},
		{"no edit", func() {}, 3, nothing, nothing, nothing, nil, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "edited", "web-1.1.0": "two", "db-1.0.0": "three"}},
		{"four are broken", func() {
			for _, v := range []string{"1.1.0", "1.0.0"} {
				broken("web", v)
			}
			broken("mail", "1.0.0")
			broken("a", "1.0.0")
		}, 3, []string{"web-1.0.0", "web-1.1.0"}, []string{"a-1.0.0", "mail-1.0.0"}, nothing,
			[]string{"a-1.0.0" + syntax, "mail-1.0.0" + syntax, "web-1.0.0" + syntax, "web-1.1.0" + syntax}, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "edited", "web-1.1.0": "two", "db-1.0.0": "three"}},
		{"another is edited meanwhile", func() { b.put(unowned("db", "1.0.0", "four"), "db", "1.0.0", "manifest.yml") }, 3,
			[]string{"web-1.0.0", "web-1.1.0"}, []string{"a-1.0.0", "mail-1.0.0"}, []string{"db-1.0.0"},
			[]string{"a-1.0.0" + syntax, "mail-1.0.0" + syntax, "web-1.0.0" + syntax, "web-1.1.0" + syntax}, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "edited", "web-1.1.0": "two", "db-1.0.0": "four"}},
		{"one is mended", func() { b.write("web", "1.0.0", "mended") }, 3, []string{"web-1.1.0"}, []string{"a-1.0.0", "mail-1.0.0"}, []string{"web-1.0.0"},
			[]string{"a-1.0.0" + syntax, "mail-1.0.0" + syntax, "web-1.1.0" + syntax}, []string{"db-1.0.0" + owner},
			map[string]string{"web-1.0.0": "mended", "web-1.1.0": "two", "db-1.0.0": "four"}},
		{"most go", func() { b.removeAll(b.path("a"), b.path("mail"), b.path("db"), b.path("web", "1.1.0")) }, 1, nothing, nothing, []string{"db-1.0.0", "web-1.1.0"}, nil, nil,
			map[string]string{"web-1.0.0": "mended"}},
		{"two more", func() {
			b.write("web", "0.1.0", "old")
			b.write("db", "1.0.0", "back")
		}, 3, nothing, nothing, []string{"db-1.0.0", "web-0.1.0"}, nil, nil, map[string]string{"web-1.0.0": "mended", "web-0.1.0": "old", "db-1.0.0": "back"}},
		{"a name that none may have", func() { b.put("x", "Bad", "1.0.0", "manifest.yml") }, 3, nothing, nothing, nothing, []string{"package-name"}, nil,
			map[string]string{"web-1.0.0": "mended", "web-0.1.0": "old", "db-1.0.0": "back"}},
		{"two of a version", func() {
			b.removeAll(b.path("Bad"))
			b.put(get(b.handler, "/epr/db/db-1.0.0.zip").Body.String(), "db-1.0.0.zip")
		}, 3, nothing, nothing, nothing, []string{"db-1.0.0 package-duplicate"}, nil, map[string]string{"web-1.0.0": "mended", "web-0.1.0": "old", "db-1.0.0": "back"}},
		{"all go", func() { b.removeAll(b.path()) }, 0, nothing, nothing, []string{"db-1.0.0", "web-0.1.0", "web-1.0.0"}, nil, nil, nil},
		{"one is back", func() { b.write("web", "1.0.0", "mended") }, 1, nothing, nothing, []string{"web-1.0.0"}, nil, nil, map[string]string{"web-1.0.0": "mended"}},
	} {
		c.edit()
		before, _ := b.registry.now()
		s := b.built()
		now, _ := b.registry.now()
		if s.Generation != before.Generation+1 || now.Generation != s.Generation || s.Building != nil || s.Failure != "" || s.Seconds <= 0 || (s.Snapshot == "") != (c.packages == 0) {
			t.Errorf("%s: %+v", c.what, s)
		}
		sorted := slices.Clone(b.registry.source.branch.Entries)
		if index.SortEntries(sorted); !slices.Equal(b.registry.source.branch.Entries, sorted) {
			t.Errorf("%s: built are %v, want %v", c.what, b.registry.source.branch.Entries, sorted)
		}
		if s.Packages != c.packages || s.Own != c.packages {
			t.Errorf("%s: %d packages, %d own", c.what, s.Packages, s.Own)
		}
		for what, lists := range map[string][2][]string{
			"kept": {s.Kept, c.kept}, "missing": {s.Missing, c.missing}, "changed": {s.Changed, c.changed}, "errors": {findings(s.Errors), c.errors}, "warnings": {findings(s.Warnings), c.warnings},
		} {
			if !slices.Equal(lists[0], lists[1]) {
				t.Errorf("%s: %s %q, want %q", c.what, what, lists[0], lists[1])
			}
		}
		if s.Kept == nil || s.Missing == nil || s.Changed == nil || s.Errors == nil || s.Warnings == nil {
			t.Errorf("%s: a list is null", c.what)
		}
		if got := titles(t, b.handler); fmt.Sprint(got) != fmt.Sprint(c.shown) && len(c.shown)+len(got) > 0 {
			t.Errorf("%s: shown %v, want %v", c.what, got, c.shown)
		}
	}
}

// under is a source of which the branch fails, as often as the test wants.
type under struct {
	index.Source
	mu   sync.Mutex
	errs []error
}

// fails has the next calls fail, each with an error, or not where that is nil.
func (u *under) fails(errs ...error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.errs = errs
}

func (u *under) Branch(ctx context.Context, name string) (*index.Branch, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.errs) > 0 {
		err := u.errs[0]
		u.errs = u.errs[1:]
		if err != nil {
			return nil, err
		}
	}
	return u.Source.Branch(ctx, name)
}

// below is a base of one package, and its source.
func below(t *testing.T) (*bench, *under) {
	b := &bench{t: t, dir: t.TempDir(), shown: map[string]string{}}
	b.write("other", "3.0.0", "other")
	return b, &under{Source: git.OpenDirs(map[string]string{"main": b.dir})}
}

// TestFailures: why a registry could not be built is said, and what was shown stays.
func TestFailures(t *testing.T) {
	dir, u := below(t)
	b := unwatched(t, &Base{Source: u, Branch: "main"})
	b.write("web", "1.0.0", "one")
	broken := errors.New("the disk is broken")
	_, changed := b.registry.now()
	for _, c := range []struct {
		err     error
		failure string
		counts  bool // as a state
	}{
		{fs.ErrNotExist, "", false}, // a file that is gone: the first build is made again
		{git.ErrChanged, "", false},
		{broken, broken.Error(), true},
		{nil, "", true},
		{broken, broken.Error(), true},
		{fs.ErrNotExist, fs.ErrNotExist.Error(), true},
		{git.ErrChanged, git.ErrChanged.Error(), true},
		{nil, "", true},
	} {
		before, _ := b.registry.now()
		u.fails(c.err)
		s, err := b.registry.update(t.Context())
		now, next := b.registry.now()
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || !strings.HasSuffix(now.Failure, c.failure) || (now.Failure == "") != (c.failure == "") {
			t.Errorf("%v: %v, %+v", c.err, err, now)
		}
		if (now.Generation == before.Generation+1) != c.counts || (now.Generation == before.Generation) == c.counts || (next != changed) != c.counts || c.counts && s.Generation != now.Generation {
			t.Errorf("%v: generation %d after %d, %+v", c.err, now.Generation, before.Generation, s)
		}
		if c.err != nil && (now.Snapshot != before.Snapshot || now.Packages != before.Packages) || c.err == nil && (now.Packages != 2 || now.Own != 1) {
			t.Errorf("%v: %+v", c.err, now)
		}
		changed = next
	}
	before, changed := b.registry.now()
	ended := endedContext(t)
	if _, err := b.registry.update(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if now, next := b.registry.now(); now.Generation != before.Generation || next != changed || now.Failure != "" {
		t.Errorf("%+v", now)
	}
	// What is broken under it has no earlier state here.
	dir.put("name: [", "other", "3.0.0", "manifest.yml")
	u.Source = git.OpenDirs(map[string]string{"main": dir.dir})
	s, err := b.registry.update(t.Context())
	if !errors.Is(err, build.ErrInvalid) || s.Failure != err.Error() || !slices.Equal(findings(s.Errors), []string{"other-3.0.0 manifest-syntax"}) || s.Packages != 2 || len(s.Kept)+len(s.Missing) != 0 {
		t.Errorf("%v: %+v", err, s)
	}
	if _, err := New(t.Context(), Options{Work: b.registry.o.Work}); err == nil {
		t.Error("an environment without a name is served")
	}
}

// TestChoose: of what is broken the last good state is built, in the order of entries; that
// which cannot be read again is an error, and what was never good is missing.
func TestChoose(t *testing.T) {
	entry := func(name, version string, id byte) index.Entry {
		return index.Entry{Branch: git.WorkBranch, Name: name, Version: version, Tree: index.ID{id}}
	}
	good := map[version]index.Entry{}
	kept := map[version]*keptPackage{}
	broken := map[version]bool{{"never", "1.0.0"}: true, {"ever", "1.0.0"}: true}
	for _, name := range []string{"b", "d", "f", "h"} {
		e := entry(name, "1.0.0", 1)
		good[versionOf(e)], kept[versionOf(e)], broken[versionOf(e)] = e, &keptPackage{entry: e}, true
	}
	branch := &index.Branch{Entries: []index.Entry{entry("a", "1.0.0", 2), entry("b", "1.0.0", 2), entry("c", "1.0.0", 2), entry("g", "1.0.0", 2), entry("never", "1.0.0", 2)}}
	r := &Registry{source: &source{kept: kept}, good: good, live: &build.Snapshot{Manifest: &layout.Manifest{}}, store: newMemory("dev", failingReader{})}
	var s State
	if err := r.choose(t.Context(), branch, broken, &s); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range r.source.branch.Entries {
		got = append(got, fmt.Sprint(e.Name, e.Tree[0]))
	}
	if want := []string{"a2", "b1", "c2", "d1", "f1", "g2", "h1"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if !slices.Equal(s.Kept, []string{"b-1.0.0", "d-1.0.0", "f-1.0.0", "h-1.0.0"}) || !slices.Equal(s.Missing, []string{"ever-1.0.0", "never-1.0.0"}) || len(r.source.kept) != 4 {
		t.Errorf("kept %v, missing %v", s.Kept, s.Missing)
	}
	// What is kept is of a content that was good before that: it is read once more.
	good[version{"d", "1.0.0"}] = entry("d", "1.0.0", 3)
	if err := r.choose(t.Context(), branch, broken, &s); !errors.Is(err, errReader) || !strings.Contains(err.Error(), "d-1.0.0 as it was") {
		t.Errorf("%v", err)
	}
}

// TestTooDeep: a package that cannot be listed is shown as it was, like one that is broken,
// and that the objects of it cannot be read is why nothing is built.
func TestTooDeep(t *testing.T) {
	b := unwatched(t, nil)
	b.write("web", "1.0.0", "one")
	b.write("web", "1.1.0", "two")
	b.built()
	root, err := os.OpenRoot(b.path("web", "1.1.0"))
	for range 25 {
		b.check(err)
		defer root.Close()
		name := strings.Repeat("d", 200)
		b.check(root.Mkdir(name, 0o777))
		root, err = root.OpenRoot(name)
	}
	b.check(err)
	b.check(root.WriteFile("file", nil, 0o666))
	defer root.Close()
	s := b.built()
	if !slices.Equal(s.Kept, []string{"web-1.1.0"}) || !slices.Equal(findings(s.Errors), []string{"web-1.1.0 path-length"}) || s.Packages != 2 || s.Failure != "" {
		t.Errorf("%+v", s)
	}
	if got := titles(t, b.handler); fmt.Sprint(got) != "map[web-1.0.0:one web-1.1.0:two]" {
		t.Errorf("shown %v", got)
	}
	clear(b.registry.source.kept)
	b.registry.store = newMemory("dev", failingReader{})
	b.registry.o.Work.Changed()
	if s, err := b.registry.update(t.Context()); !errors.Is(err, errReader) || !strings.Contains(s.Failure, "web-1.1.0 as it was") {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestNote: a warning is said as long as the content is there that it was about, once.
func TestNote(t *testing.T) {
	entry := func(version string, id byte) index.Entry {
		return index.Entry{Branch: git.WorkBranch, Name: "web", Version: version, Tree: index.ID{id}}
	}
	warning := func(version, detail string) index.Problem {
		return index.Problem{Branch: git.WorkBranch, Package: "web", Version: version, File: detail, Detail: detail}
	}
	r := &Registry{source: &source{}}
	for _, c := range []struct {
		entries           []index.Entry
		fresh             []index.Problem
		changed, warnings string
	}{
		{[]index.Entry{entry("1.0.0", 1), entry("1.1.0", 1)}, []index.Problem{warning("1.0.0", "b"), warning("1.0.0", "a"), warning("1.1.0", "c"), warning("9.0.0", "not shown")}, "web-1.0.0 web-1.1.0", "a b c"},
		{[]index.Entry{entry("1.0.0", 1), entry("1.1.0", 1)}, nil, "", "a b c"},
		{[]index.Entry{entry("1.0.0", 1), entry("1.1.0", 1)}, []index.Problem{warning("1.0.0", "a"), {Branch: "base", Package: "web", Version: "1.0.0", Detail: "of another branch"}}, "", "a b c"},
		{[]index.Entry{entry("1.0.0", 2), entry("1.1.0", 1)}, []index.Problem{warning("1.0.0", "d")}, "web-1.0.0", "d c"},
		{[]index.Entry{entry("1.0.0", 2), entry("1.2.0", 1)}, []index.Problem{warning("1.0.0", "e")}, "web-1.1.0 web-1.2.0", "d e"},
		{[]index.Entry{entry("1.0.0", 1)}, nil, "web-1.0.0 web-1.2.0", ""},
	} {
		var s State
		r.source.branch = &index.Branch{Entries: c.entries}
		r.note(c.fresh, &s)
		var details []string
		for _, p := range s.Warnings {
			details = append(details, p.Detail)
		}
		if got := strings.Join(s.Changed, " "); got != c.changed || strings.Join(details, " ") != c.warnings {
			t.Errorf("%v: changed %s, want %s; warnings %q, want %s", c.entries, got, c.changed, details, c.warnings)
		}
		if len(r.good) != len(c.entries) {
			t.Errorf("%v", r.good)
		}
	}
}

// TestGoLive: the snapshot before the one that is live stays for who still asks it, the ones
// before do not; each vouches for its packages.
func TestGoLive(t *testing.T) {
	_, base := underneath(t)
	b := unwatched(t, &base)
	vouch := func(want ...*layout.Manifest) {
		t.Helper()
		var got []*layout.Manifest
		for _, l := range b.registry.vouching() {
			got = append(got, l.Manifest)
			if l.Routes == nil {
				t.Error("there are no routes")
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d vouch, want %d", len(got), len(want))
		}
	}
	vouch(base.Live.Manifest)
	var ids []string
	for i := range 3 {
		base.Source.(*snapshotSource).contents[index.ID{1}] = nil
		b.write("web", "1.0.0", fmt.Sprint(i))
		s := b.built()
		ids = append(ids, s.Snapshot)
		vouch(b.registry.live.Manifest, base.Live.Manifest)
		for at, id := range ids {
			_, there := b.registry.store.find(layout.ManifestKey("dev", id))
			if there != (at >= i-1) {
				t.Errorf("after build %d that of %d is there: %v", i, at, there)
			}
		}
		if n := len(base.Source.(*snapshotSource).contents); n != 0 {
			t.Errorf("%d contents of the base are held", n)
		}
		if p := b.registry.shown(version{"web", "1.0.0"}); s.Packages != 23 || s.Own != 1 || p.Branch != git.WorkBranch {
			t.Errorf("%+v %+v", s, p)
		}
	}
	if p := b.registry.shown(version{"web", "9.0.0"}); p.Name != "" {
		t.Errorf("%+v", p)
	}
	result := &build.Result{Snapshots: []build.Snapshot{{ID: "none", Manifest: b.registry.live.Manifest}}}
	if err := b.registry.goLive(t.Context(), nil, result, &State{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	other := unwatched(t, nil)
	other.registry.store.setLive("none")
	b.registry.handler = other.registry.handler
	result.Snapshots = []build.Snapshot{*b.registry.live}
	if err := b.registry.goLive(t.Context(), nil, result, &State{}); err == nil {
		t.Error("what does not go live counts as live")
	}
}

// TestFetchOnce: what was got is not got again.
func TestFetchOnce(t *testing.T) {
	_, u := below(t)
	work, err := git.OpenWork([]string{t.TempDir()}, parse.Identity)
	if err != nil {
		t.Fatal(err)
	}
	fetched, told := 0, 0
	r, err := New(t.Context(), Options{Work: work, Environment: environment(), Progress: func(build.Progress) { told++ }, Fetch: func(_ context.Context, progress func(build.Progress)) (*Base, error) {
		fetched++
		progress(build.Progress{})
		return &Base{Source: u, Branch: "main"}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for range 2 {
		if err := r.fetch(t.Context()); err != nil || fetched != 1 || told != 1 || !slices.Equal(r.o.Environment.Branches, []string{git.WorkBranch, "main"}) {
			t.Errorf("%v: %d times, told %d times, branches %v", err, fetched, told, r.o.Environment.Branches)
		}
	}
	// Nothing of the own ones has to be there.
	if s, err := r.update(t.Context()); err != nil || s.Packages != 1 || s.Own != 0 {
		t.Errorf("%v %+v", err, s)
	}
	cancelled, end := context.WithCancel(t.Context())
	r.o.Fetch = func(ctx context.Context, _ func(build.Progress)) (*Base, error) {
		end()
		return nil, ctx.Err()
	}
	if err := r.Watch(cancelled, time.Hour, nil, nil); err != nil {
		t.Errorf("it was to end: %v", err)
	}
}
