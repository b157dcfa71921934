package build_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/layout"
)

// readIDs notes which contents are read, and how often.
type readIDs struct {
	index.Source
	mu  sync.Mutex
	ids []index.ID
}

func (s *readIDs) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	s.mu.Lock()
	s.ids = append(s.ids, ids...)
	s.mu.Unlock()
	return s.Source.Read(ctx, ids, fn)
}

// TestResult: what a build says of itself is what it did.
func TestResult(t *testing.T) {
	t.Parallel()
	source := &readIDs{Source: sealed(t, aPackage("a", "1.0.0", "")+aPackage("b", "1.0.0", "")+"-- production/junk/x --\n")}
	s := newStore(t)
	var mu sync.Mutex
	phases := map[string][]int{}
	totals := map[string]int{}
	var bytes []int64
	documents := map[layout.Digest]string{}
	r, err := buildIn(t.Context(), s, source, nil, func(o *build.Options) {
		o.Parallel = 0 // as many as there are processors
		o.Progress = func(p build.Progress) {
			mu.Lock()
			defer mu.Unlock()
			phases[p.Phase] = append(phases[p.Phase], p.Done)
			totals[p.Phase] = p.Total
			bytes = append(bytes, p.Bytes)
		}
		o.Document = func(d layout.Digest, body []byte) {
			mu.Lock()
			defer mu.Unlock()
			documents[d] += string(body)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	m := r.Snapshots[0].Manifest
	want := build.Stats{
		Packages: 3, RevisionsWritten: 3, ResponsesWritten: len(m.Responses), Objects: int64(len(s.objects)), BlobsRead: len(source.ids),
		YAMLParsed: 3 + 1 + 1, // manifests, and the data stream and the fields that two have
	}
	for _, body := range s.objects {
		want.Bytes += int64(len(body))
	}
	if r.Stats != want {
		t.Errorf("%+v, want %+v", r.Stats, want)
	}
	if distinct := len(slices.Compact(slices.SortedFunc(slices.Values(source.ids), func(a, b index.ID) int { return slices.Compare(a[:], b[:]) }))); len(source.ids) > distinct+2 {
		t.Errorf("%d contents are read for %d: only the archive and its signature are read again", len(source.ids), distinct) // once to check them, once to store them
	}
	for phase, total := range map[string]int{"read packages": 3, "write packages": 3, "render production": totals["render production"]} {
		done := slices.Sorted(slices.Values(phases[phase]))
		all := make([]int, total)
		for i := range all {
			all[i] = i + 1
		}
		if !slices.Equal(done, all) || totals[phase] != total || total < 3 {
			t.Errorf("%s: %v of %d", phase, done, total)
		}
	}
	if len(phases) != 3 || slices.Max(bytes) == 0 || slices.Max(bytes) > want.Bytes {
		t.Errorf("%v, %d of %d bytes", slices.Sorted(maps.Keys(phases)), slices.Max(bytes), want.Bytes)
	}
	for _, p := range m.Packages {
		if body := documents[p.Document]; body != string(s.objects[layout.ResponseKey(p.Document)]) || body == "" {
			t.Errorf("the document of %s is said to be %q", p.Name, body)
		}
	}
	if len(documents) != len(m.Packages) {
		t.Errorf("%d documents of %d packages", len(documents), len(m.Packages))
	}
	if len(r.Report.Warnings) == 0 || len(r.Report.Errors) > 0 {
		t.Errorf("%+v: want that the folder is no commit", r.Report)
	}
}

// TestFoundIsNotRead: of what an earlier build has stored no more is read than what
// checking it takes.
func TestFoundIsNotRead(t *testing.T) {
	t.Parallel()
	source := &readIDs{Source: sealed(t, aPackage("a", "1.0.0", ""))}
	s := newStore(t)
	for i, want := range []build.Stats{{RevisionsWritten: 2}, {RevisionsFound: 2}} {
		source.ids = nil
		r, err := buildIn(t.Context(), s, source, nil, func(o *build.Options) { o.Environments[0].Catalogue = false })
		if err != nil || r.Stats.RevisionsWritten != want.RevisionsWritten || r.Stats.RevisionsFound != want.RevisionsFound {
			t.Fatalf("build %d: %v, %+v", i, err, r.Stats)
		}
		if readme := git.ObjectID(git.BlobObject, []byte("# a 1.0.0\n")); slices.Contains(source.ids, readme) != (i == 0) {
			t.Errorf("build %d reads %d contents, or the readme among them", i, len(source.ids))
		}
	}
}

// TestSigned: an archive that comes with a signature keeps it; the others get one, and
// the manifest says whose.
func TestSigned(t *testing.T) {
	t.Parallel()
	sig, err := os.ReadFile(filepath.Join("..", "testdata", "storage", "production", "packages", "sealed", "sealed-1.0.0.zip.sig"))
	if err != nil {
		t.Fatal(err)
	}
	source := sealed(t, aPackage("a", "1.0.0", ""))
	for _, signer := range []build.Signer{&brokenSigner{}, nil} {
		s := newStore(t)
		var live []build.Live
		for range 2 { // from nothing, and over what is live
			r, err := buildIn(t.Context(), s, source, signer, func(o *build.Options) { o.Live, o.Regsnap = live, fmt.Sprint("v", len(live)) })
			if err != nil {
				t.Fatal(err)
			}
			for _, p := range r.Snapshots[0].Manifest.Packages {
				want, by := "", ""
				switch {
				case p.Name == "sealed":
					want = string(sig)
				case signer != nil:
					want, by = "signature", "KEY"
				}
				body := s.objects[layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.SignatureKey()]
				if string(body) != want || p.SignedBy != by || (p.Signature != "") != (p.Name == "sealed") {
					t.Errorf("%s: %q, signed by %q, signature %q", p.Name, body, p.SignedBy, p.Signature)
				}
			}
			live = []build.Live{liveIn(t, s, r.Snapshots[0])}
		}
	}
}

// TestDefaults: what is not said is recorded as what holds then.
func TestDefaults(t *testing.T) {
	t.Parallel()
	r, err := buildIn(t.Context(), newStore(t), sealed(t, aPackage("a", "1.0.0", "")), nil, func(o *build.Options) { o.Budget = layout.Budget{} })
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Snapshots[0].Manifest; m.Budget != (layout.Budget{Responses: 2000, Bytes: 256 << 20}) || m.Render != build.RenderVersion || m.Regsnap != "main" {
		t.Errorf("budget %+v, render %d, regsnap %s", m.Budget, m.Render, m.Regsnap)
	}
}

// stub is a source whose branches are given.
type stub struct {
	index.Source
	branches map[string]*index.Branch
}

func (s stub) Branch(_ context.Context, name string) (*index.Branch, error) {
	if b := s.branches[name]; b != nil {
		return b, nil
	}
	return nil, fmt.Errorf("%s: %w", name, index.ErrNoBranch)
}

// LastChange says whom it was asked for.
func (stub) LastChange(_ context.Context, branch, path string) (*index.Commit, error) {
	return &index.Commit{Subject: branch + " " + path}, nil
}

// TestBranches: every branch that is missing is named, with the environment that wants
// it; one that is invalid has its report, one that is empty is an error.
func TestBranches(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	broken := index.Findings{Errors: []index.Problem{{Branch: "broken", File: "z", Detail: "m"}, {Branch: "broken", File: "b", Detail: "m"}}}
	source := stub{sealed(t, ""), map[string]*index.Branch{"empty": {Name: "empty"}, "broken": {Name: "broken", Found: broken}}}
	run := func(ctx context.Context, branches ...string) (*build.Result, error) {
		var envs []build.Environment
		for i, b := range branches {
			envs = append(envs, build.Environment{Name: fmt.Sprint("env-", i), Branches: strings.Fields(b)})
		}
		return build.Build(ctx, build.Options{Source: source, Store: newStore(t), Environments: envs})
	}
	r, err := run(t.Context(), "none gone", "gone lost")
	if !errors.Is(err, index.ErrNoBranch) || len(r.Snapshots) > 0 {
		t.Errorf("branches that are not there: %v", err)
	}
	for _, want := range []string{"environment env-0: none:", "environment env-0: gone:", "environment env-1: gone:", "environment env-1: lost:"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
	if _, err := run(ctx, "none", "gone"); err != context.Canceled {
		t.Errorf("a build that is stopped says %v", err)
	}
	if _, err := run(t.Context(), "empty"); !errors.Is(err, index.ErrEmptyBranch) || !strings.Contains(err.Error(), "environment env-0") {
		t.Errorf("without packages: %v", err)
	}
	r, err = run(t.Context(), "empty broken")
	if !errors.Is(err, build.ErrInvalid) || len(r.Report.Errors) != 2 || r.Report.Errors[0].File != "b" ||
		r.Report.Errors[0].Commit.Subject != "broken b" || r.Report.Errors[1].Commit.Subject != "broken z" {
		t.Errorf("a broken branch: %v, %+v", err, r.Report)
	}
}

// TestOddVersion: what a source calls a version must be one: else it is an error, not a page.
func TestOddVersion(t *testing.T) {
	t.Parallel()
	source := stub{sealed(t, ""), map[string]*index.Branch{"production": {Name: "production", Entries: []index.Entry{{Branch: "production", Name: "a", Version: "x", Tree: index.ID{1}}}}}}
	r, err := buildIn(t.Context(), newStore(t), source, nil, nil)
	if err == nil || errors.Is(err, build.ErrInvalid) || r.Stats.Packages != 0 {
		t.Errorf("%v, %+v", err, r.Stats)
	}
}

// TestManifestBranches: a manifest tells of each branch what its commit says, and how
// many of its packages a branch before it hides.
func TestManifestBranches(t *testing.T) {
	t.Parallel()
	repo := indextest.NewRepoFrom(t, aPackage("a", "1.0.0", "")+aPackage("b", "1.0.0", "")+packageOf("staging", "a", "1.0.0", "")+packageOf("staging", "c", "1.0.0", ""))
	source, err := git.OpenGit(t.Context(), repo.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	r, err := buildIn(t.Context(), newStore(t), source, nil, func(o *build.Options) { o.Environments[0].Branches = []string{"production", "staging"} })
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"production", "staging"} {
		got := r.Snapshots[0].Manifest.Branches[i]
		want := strings.Split(repo.Git("", "log", "-1", "--format=%H%n%cI%n%an%n%s", name), "\n")
		at, err := time.Parse(time.RFC3339, want[1])
		if err != nil {
			t.Fatal(err)
		}
		if !got.Equal(layout.ManifestBranch{Name: name, Commit: want[0], Time: at, Author: want[2], Subject: want[3], Packages: 2, Hidden: i}) || got.Time.Location() != time.UTC {
			t.Errorf("%+v, want %q", got, want)
		}
	}
}

// TestInvalid: all faults of broken packages are reported, in order, and nothing is stored.
func TestInvalid(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	broken := strings.ReplaceAll(aPackage("b", "1.0.0", "")+aPackage("a", "1.0.0", ""), "version: 1.0.0", "version: 2.0.0")
	r, err := buildIn(t.Context(), s, sealed(t, broken+aPackage("c", "1.0.0", "")), nil, nil)
	if !errors.Is(err, build.ErrInvalid) || len(r.Report.Errors) < 2 || r.Report.Errors[0].Package != "a" || r.Report.Errors[len(r.Report.Errors)-1].Package != "b" {
		t.Errorf("%v, %+v", err, r.Report.Errors)
	}
	if len(s.objects) > 0 || r.Stats.Objects != 0 {
		t.Errorf("%d objects are stored", len(s.objects))
	}
}

// TestNothingChanged: over the snapshot that it would make a build does nothing; with one
// thing other than that it makes the one that it makes from nothing.
func TestNothingChanged(t *testing.T) {
	t.Parallel()
	in := func(branch, name, more string) string { return packageOf(branch, name, "1.0.0", more) }
	// Folders have no commits: only their packages tell them apart.
	storage := in("production", "a", "") + in("production", "b", "") + in("staging", "a", "") + in("staging", "c", "") + in("snapshot", "b", "") + in("snapshot", "d", "")
	base := func(o *build.Options) {
		o.Environments[0].Branches = []string{"production", "staging", "snapshot"}
		o.Environments[0].Cache = layout.CachePolicy{Index: 10, Content: 600}
	}
	const emptyBranch = "-- snapshot/packages/.gitkeep --\n"
	for what, c := range map[string]struct {
		change  func(*build.Options)
		storage string
		same    bool
	}{
		"nothing":              {same: true},
		"the environment":      {change: func(o *build.Options) { o.Environments[0].Name = "other" }},
		"the version":          {change: func(o *build.Options) { o.Regsnap = "next" }},
		"the render":           {change: func(o *build.Options) { o.Render = 3 }},
		"the responses":        {change: func(o *build.Options) { o.Budget.Responses++ }},
		"the bytes":            {change: func(o *build.Options) { o.Budget.Bytes++ }},
		"the service":          {change: func(o *build.Options) { o.Environments[0].ServiceVersion = "2.0.0" }},
		"the index cache":      {change: func(o *build.Options) { o.Environments[0].Cache.Index++ }},
		"the other cache":      {change: func(o *build.Options) { o.Environments[0].Cache.Content++ }},
		"the catalogue":        {change: func(o *build.Options) { o.Environments[0].Catalogue = false }},
		"fewer branches":       {change: func(o *build.Options) { o.Environments[0].Branches = o.Environments[0].Branches[:2] }},
		"an empty branch less": {change: func(o *build.Options) { o.Environments[0].Branches = o.Environments[0].Branches[:2] }},
		"the order":            {change: func(o *build.Options) { slices.Reverse(o.Environments[0].Branches) }},
		"a package more":       {storage: storage + in("staging", "e", "")},
		"another content":      {storage: strings.Replace(storage, "# a", "# another", 2)},
		"what is hidden":       {storage: in("production", "a", "") + in("production", "b", "") + in("staging", "b", "") + in("staging", "c", "") + in("snapshot", "a", "") + in("snapshot", "d", "")},
		"hidden twice":         {storage: in("production", "a", "") + in("production", "b", "") + in("staging", "a", "") + in("staging", "c", "") + in("snapshot", "a", "") + in("snapshot", "d", "")},
		"whose package is":     {storage: in("production", "a", "") + in("production", "b", "") + in("staging", "a", "") + in("staging", "d", "") + in("snapshot", "b", "") + in("snapshot", "c", "")},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			s := newStore(t)
			storage := storage
			if what == "an empty branch less" {
				storage = in("production", "a", "") + in("staging", "c", "") + emptyBranch
			}
			live, err := buildIn(t.Context(), s, sealed(t, storage), nil, base)
			if err != nil {
				t.Fatal(err, live.Report)
			}
			source := sealed(t, storage)
			if c.storage != "" {
				source = sealed(t, c.storage)
			}
			run := func(s *fragileStore, live ...build.Live) *build.Result {
				t.Helper()
				r, err := buildIn(t.Context(), s, source, nil, func(o *build.Options) {
					base(o)
					if o.Live = live; c.change != nil {
						c.change(o)
					}
				})
				if err != nil {
					t.Fatal(err, r.Report)
				}
				return r
			}
			got, want := run(s, liveIn(t, s, live.Snapshots[0])), run(newStore(t))
			if got.Snapshots[0].ID != want.Snapshots[0].ID || (want.Snapshots[0].ID == live.Snapshots[0].ID) != c.same || (got.Stats.Objects == 0) != c.same {
				t.Errorf("%s, from nothing %s, live is %s; %d objects", got.Snapshots[0].ID, want.Snapshots[0].ID, live.Snapshots[0].ID, got.Stats.Objects)
			}
			if c.same && (!reflect.DeepEqual(got.Stats, build.Stats{}) || !reflect.DeepEqual(got.Snapshots[0].Manifest, live.Snapshots[0].Manifest)) {
				t.Errorf("it did %+v", got.Stats)
			}
		})
	}
}
