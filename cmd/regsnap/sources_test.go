package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/publish/find"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
)

// fixedSource has branches whose commits a test says.
type fixedSource struct {
	source
	commits map[string]string // by branch; one that is its own name is a commit
	fails   error
	counts  int // of CommitsSince; -1 where the commit is not there
}

func (s fixedSource) Branch(_ context.Context, name string) (*index.Branch, error) {
	commit, there := s.commits[name]
	switch {
	case s.fails != nil:
		return nil, s.fails
	case !there:
		return nil, fmt.Errorf("%s: %w", name, index.ErrNoBranch)
	case commit == "":
		return &index.Branch{Name: name}, nil
	}
	return &index.Branch{Name: name, Commit: &index.Commit{Hash: commit}, Entries: []index.Entry{{Branch: name, Name: "a"}}}, nil
}

func (s fixedSource) CommitsSince(context.Context, string, string) (int, error) {
	switch s.counts {
	case -1:
		return 0, index.ErrNoObject
	case -2:
		return 0, errors.New("git failed")
	}
	return s.counts, nil
}

// TestBehind: how far the live snapshot is behind its branches, or why that is not known.
func TestBehind(t *testing.T) {
	const none = "the source has no such branch, or nothing in it"
	for name, c := range map[string]struct {
		src  fixedSource
		live string
		want branchBehind
		err  bool
	}{
		"at it":           {fixedSource{commits: map[string]string{"b": "c1"}}, "c1", branchBehind{Branch: "b", Head: "c1"}, false},
		"behind it":       {fixedSource{commits: map[string]string{"b": "c2"}, counts: 3}, "c1", branchBehind{Branch: "b", Head: "c2", Commits: 3}, false},
		"not in it":       {fixedSource{commits: map[string]string{"b": "c2"}, counts: -1}, "c1", branchBehind{Branch: "b", Head: "c2", Commits: -1, Why: "the live commit is not in the source"}, false},
		"git fails":       {fixedSource{commits: map[string]string{"b": "c2"}, counts: -2}, "c1", branchBehind{}, true},
		"no branch":       {fixedSource{}, "c1", branchBehind{Branch: "b", Commits: -1, Why: none}, false},
		"empty":           {fixedSource{fails: index.ErrEmptyBranch}, "c1", branchBehind{Branch: "b", Commits: -1, Why: none}, false},
		"it fails":        {fixedSource{fails: errors.New("disk")}, "c1", branchBehind{}, true},
		"of a folder":     {fixedSource{commits: map[string]string{"b": "c2"}}, "", branchBehind{Branch: "b", Commits: -1, Why: "it was built from, or is now, no commit"}, false},
		"a folder by now": {fixedSource{commits: map[string]string{"b": ""}}, "c1", branchBehind{Branch: "b", Commits: -1, Why: "it was built from, or is now, no commit"}, false},
	} {
		got, err := behind(t.Context(), c.src, &publish.Status{Branches: []publish.Branch{{Name: "b", Commit: c.live}}})
		if (err != nil) != c.err || err == nil && (len(got) != 1 || got[0] != c.want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// TestAtCommits: a branch is where it was, under its name, as far as the source has that.
func TestAtCommits(t *testing.T) {
	src := fixedSource{commits: map[string]string{"b": "c2", "c1": "c1", "x": "c9"}}
	at := atCommits{src, []layout.ManifestBranch{{Name: "b", Commit: "c1"}, {Name: "x", Commit: "gone"}}}
	for name, want := range map[string]string{"b": "c1", "x": "c9"} {
		b, err := at.Branch(t.Context(), name)
		if err != nil || b.Name != name || b.Commit.Hash != want || b.Entries[0].Branch != name {
			t.Errorf("%s: %+v, %v", name, b, err)
		}
	}
	if _, err := at.Branch(t.Context(), "none"); !errors.Is(err, index.ErrNoBranch) {
		t.Error(err)
	}
	failing := atCommits{fixedSource{fails: errors.New("disk")}, at.branches}
	if _, err := failing.Branch(t.Context(), "b"); err == nil || errors.Is(err, index.ErrNoBranch) {
		t.Error(err)
	}
	only := onlyCommits{at}
	if b, err := only.Branch(t.Context(), "b"); err != nil || b.Commit.Hash != "c1" {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := only.Branch(t.Context(), "x"); err == nil || !strings.Contains(err.Error(), "does not have commit gone of x") {
		t.Errorf("a commit that is gone: %v", err)
	}
	if _, err := only.Branch(t.Context(), "none"); !errors.Is(err, index.ErrNoBranch) {
		t.Error(err)
	}
	folder := onlyCommits{atCommits{fixedSource{commits: map[string]string{"f": ""}}, []layout.ManifestBranch{{Name: "f"}}}}
	if b, err := folder.Branch(t.Context(), "f"); err != nil || b.Commit != nil {
		t.Errorf("a folder: %+v, %v", b, err)
	}
}

// TestComparison: what a build would put is compared with what the bucket has.
func TestComparison(t *testing.T) {
	under, err := store.Open(t.Context(), "mem://", store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	b := publish.In(under)
	defer b.Close()
	put := func(key, body string) layout.Object {
		o := layout.Object{Key: key, Body: []byte(body), ContentType: "text/plain"}
		if err := under.Put(t.Context(), o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	s := &comparison{bucket: b}
	same, other := put("packages/a/1/r/x", "12345"), put("responses/y", "12345")
	other.Body = []byte("12346")
	for _, o := range []layout.Object{same, other, {Key: "responses/z", Body: []byte("1")}, {Key: "snapshots/e/id/manifest.json", Body: []byte("1")}} {
		if err := s.Put(t.Context(), o); err != nil {
			t.Errorf("%s: %v", o.Key, err)
		}
	}
	if s.same != (compared{1, 5}) || len(s.faults) != 2 || s.faults[0] != (publish.Fault{Key: "responses/y", Detail: "is not what the source gives"}) || s.faults[1] != (publish.Fault{Key: "responses/z", Missing: true, Detail: "missing"}) {
		t.Errorf("%+v, %+v", s.same, s.faults)
	}
	if _, err := s.Read(t.Context(), same.Key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a package is found: %v", err)
	}
	if body, err := s.Read(t.Context(), other.Key); err != nil || string(body) != "12345" {
		t.Errorf("%q, %v", body, err)
	}
	if sizes, err := s.Sizes(t.Context(), layout.Revision{}); sizes != nil || err != nil {
		t.Errorf("%v, %v", sizes, err)
	}
	storetest.EachCall(t, func(t *testing.T, fill func(store.Store) *storetest.Failing) {
		f := fill(under)
		s := &comparison{bucket: publish.In(f)}
		if err := s.Put(t.Context(), same); (err == nil) != (f.Failed() == "") || err != nil && !errors.Is(err, storetest.ErrFailed) || err != nil && (s.same.Objects != 0 || len(s.faults) != 0) {
			t.Errorf("%s: %v, %+v %v", f.Failed(), err, s.same, s.faults)
		}
	})
}

// TestDryStore: a build that writes nothing reads back what it would have written, up to
// 64 KiB each.
func TestDryStore(t *testing.T) {
	b, err := openForDryRun(t.Context(), "file://"+t.TempDir()+"/none")
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	s := newDryStore(b, nil)
	for size, kept := range map[int]bool{0: true, 64<<10 - 1: true, 64 << 10: true, 64<<10 + 1: false} {
		for _, key := range []string{fmt.Sprint("packages/a/1/r/", size), fmt.Sprint("responses/", size)} {
			if err := s.Put(t.Context(), layout.Object{Key: key, Body: make([]byte, size)}); err != nil {
				t.Error(err)
			}
			body, err := s.Read(t.Context(), key)
			if (err == nil) != kept || kept && len(body) != size {
				t.Errorf("%s: %d bytes, %v", key, len(body), err)
			}
		}
	}
}

// finder knows which commit made a path.
type finder map[string]string

func (f finder) LastChangeFrom(_ context.Context, _ index.ID, path string) (*index.Commit, error) {
	switch commit, there := f[path]; {
	case !there:
		return nil, index.ErrNoObject
	case commit == "fails":
		return nil, errors.New("git failed")
	case commit == "":
		return nil, nil
	default:
		return &index.Commit{Hash: commit}, nil
	}
}

// TestAddChanges: which commit made what was found, as a folder or as an archive.
func TestAddChanges(t *testing.T) {
	origin := func(commit string) []find.Period {
		return []find.Period{{Origin: &publish.Branch{Commit: commit}}}
	}
	hash := strings.Repeat("1", 40)
	for name, c := range map[string]struct {
		src     finder
		periods []find.Period
		want    string
		err     bool
	}{
		"a folder":   {finder{"packages/a/1.0.0": "c1", "packages/a/1.0.0.zip": "c2"}, origin(hash), "c1", false},
		"an archive": {finder{"packages/a/1.0.0": "", "packages/a/1.0.0.zip": "c2"}, origin(hash), "c2", false},
		"neither":    {finder{}, origin(hash), "", false},
		"no commit":  {finder{"packages/a/1.0.0": "c1"}, origin(""), "", false},
		"no id":      {finder{"packages/a/1.0.0": "c1"}, origin("x"), "", false},
		"no origin":  {finder{"packages/a/1.0.0": "c1"}, []find.Period{{}}, "", false},
		"git fails":  {finder{"packages/a/1.0.0": "fails"}, origin(hash), "", true},
	} {
		found := []find.Found{{Name: "a", Version: "1.0.0", Periods: c.periods}}
		err := addChanges(t.Context(), c.src, found)
		got := ""
		if change := found[0].Periods[0].Change; change != nil {
			got = change.Hash
		}
		if (err != nil) != c.err || got != c.want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// TestMirrorIsTold: what the readers of the target get, or would.
func TestMirrorIsTold(t *testing.T) {
	pin := &layout.Pin{By: "Ada", At: noon}
	for _, c := range []struct {
		m           *publish.Moved
		done, would string
	}{
		{nil, "is stored, not live", "would not go live"},
		{&publish.Moved{Environment: "e", Held: true, Pin: pin}, "is stored, not live: e is pinned by Ada at 2024-05-06 12:00 UTC", "would not go live: e is pinned by Ada at 2024-05-06 12:00 UTC"},
		{&publish.Moved{}, "was live already", "is live already"}, {&publish.Moved{Changed: true}, "is live", "would be live"}, {&publish.Moved{Changed: true, Previous: oneID}, "is live (was " + oneID + ")", "would be live (is " + oneID + ")"},
	} {
		if done, would := mirrorState(&carry.Result{Environment: "e", Moved: c.m}), wouldBe(c.m); done != c.done || would != c.would {
			t.Errorf("%s\n%s", done, would)
		}
	}
	stopped := fmt.Errorf("read: %w", context.Canceled)
	if err := inEnvironment("e", stopped); err != stopped {
		t.Error(err)
	}
	var out strings.Builder
	printRead(&out, []readBranch{{Branch: "a", Commit: strings.Repeat("1", 40)}, {Branch: "b\n", Ref: "refs/x", Commit: "12", Behind: []string{"y", "z"}}})
	if want := "read a at 111111111111\nread b\uFFFD from refs/x at 12, which contains the older y, z\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	commits := func(list ...string) *layout.Manifest {
		m := &layout.Manifest{Environment: "e", Render: 3, Regsnap: "v1.0.0"}
		for _, c := range list {
			name, commit, _ := strings.Cut(c, " ")
			m.Branches = append(m.Branches, layout.ManifestBranch{Name: name, Commit: commit})
		}
		return m
	}
	for _, c := range []struct {
		a, b string
		same bool
	}{{"a 1", "a 1", true}, {"a 1", "a 2", false}, {"a 1", "b 1", false}, {"a ", "a ", false}, {"a 1", "a 1,b 2", false}, {"a 1,b 2", "b 2,a 1", false}} {
		if got := sameCommits(commits(strings.Split(c.a, ",")...), commits(strings.Split(c.b, ",")...)); got != c.same {
			t.Errorf("%s and %s: %t", c.a, c.b, got)
		}
	}
	sum := sha256.Sum256(nil)
	routes := layout.ObjectDigest{SHA256: fmt.Sprintf("%x", sum)}
	live, now := commits("a 1"), commits("a 1")
	live.Routes, now.Routes = routes, routes
	if !isLive([]build.Live{{Manifest: live}}, now) {
		t.Error("the same is live")
	}
	for what, change := range map[string]func(*layout.Manifest){"environment": func(m *layout.Manifest) { m.Environment = "f" }, "routes": func(m *layout.Manifest) { m.Routes.Size++ }, "branches": func(m *layout.Manifest) { m.Branches[0].Commit = "2" }} {
		other := commits("a 1")
		other.Routes = routes
		if change(other); isLive([]build.Live{{Manifest: live}}, other) {
			t.Errorf("another %s is live", what)
		}
	}
}
