package dev

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/serve"
)

// Options say what to serve.
type Options struct {
	Work *git.WorkSource
	// Base fills the rest: packages of Work hide those of the same name and version.
	Base *Base
	// Fetch, if set, gets a base that takes time to get, with nothing in a bucket. Watch
	// begins with it.
	Fetch func(context.Context, func(build.Progress)) (*Base, error)
	// Environment has the settings of the registry; its branches are not looked at.
	Environment build.Environment
	// Regsnap is the version of this program.
	Regsnap string
	Limits  index.Limits
	// Progress, if set, is called as a build proceeds.
	Progress func(build.Progress)
	// Answering, if set, is called when a registry without an earlier state answers all
	// but the catalogue, with how many package versions, and how long that took.
	Answering func(versions int, took time.Duration)
}

// Registry is a live registry.
type Registry struct {
	o       Options
	store   *memory
	source  *source
	handler *serve.Handler // nil until something is live
	early   atomic.Pointer[early]

	building sync.Mutex // one update at a time; guards the fields below
	live     *build.Snapshot
	routes   *layout.Routes
	good     map[version]index.Entry
	warnings map[version]warned

	mu      sync.Mutex
	state   State
	changed chan struct{} // closed when state changes
	pace    build.Progress
}

// warned are the warnings about a content.
type warned struct {
	entry    index.Entry
	problems []index.Problem
}

// State is what a registry shows, and what is wrong with what it does not show.
type State struct {
	// Generation counts the states.
	Generation int `json:"generation"`
	// Snapshot is empty while there is nothing to show.
	Snapshot string `json:"snapshot"`
	// Packages is how many versions are shown, Own how many of them are edited here.
	Packages int `json:"packages"`
	Own      int `json:"own"`
	// Kept are broken packages that are shown as they were when they were good; Missing
	// are those that never were.
	Kept    []string `json:"kept"`
	Missing []string `json:"missing"`
	index.Findings
	// Building is how far the first build is, before which nothing is shown.
	Building *Building `json:"building,omitempty"`
	// Failure is why the registry could not be built again, beyond any package.
	Failure string `json:"failure,omitempty"`

	// Changed are the package versions that the last build found changed.
	Changed []string `json:"changed"`
	// Seconds is what it took.
	Seconds float64 `json:"seconds"`
}

// nothingFound are no findings, which are lists in JSON too.
func nothingFound() index.Findings {
	return index.Findings{Errors: []index.Problem{}, Warnings: []index.Problem{}}
}

// Building is how far a build is; Phase is empty while it looks for packages.
type Building struct {
	Phase string `json:"phase"`
	Done  int    `json:"done"`
	Total int    `json:"total"`
	// Answering: all but the catalogue is answered already.
	Answering bool `json:"answering"`
}

// New makes a registry, which shows nothing before Watch has built it.
func New(ctx context.Context, o Options) (*Registry, error) {
	r := &Registry{o: o, good: map[version]index.Entry{}, warnings: map[version]warned{}, changed: make(chan struct{})}
	r.source = &source{work: o.Work}
	r.o.Progress = func(p build.Progress) {
		r.mu.Lock()
		r.pace = p
		r.mu.Unlock()
		if o.Progress != nil {
			o.Progress(p)
		}
	}
	r.o.Environment.Branches = []string{git.WorkBranch}
	var under Reader
	if o.Base != nil {
		r.source.under, under = o.Base.Source, o.Base.Bucket
		r.o.Environment.Branches = append(r.o.Environment.Branches, o.Base.Branch)
	}
	r.store = newMemory(o.Environment.Name, under)
	var err error
	r.handler, err = serve.New(ctx, serve.Options{
		Bucket: r.store, Environments: []serve.Environment{{Name: o.Environment.Name}}, Default: o.Environment.Name, Poll: unpolled,
	})
	return r, err
}

// fetch gets the base.
func (r *Registry) fetch(ctx context.Context) error {
	if r.o.Fetch == nil {
		return nil
	}
	base, err := r.o.Fetch(ctx, r.o.Progress)
	if err != nil {
		return err
	}
	r.building.Lock()
	defer r.building.Unlock()
	r.source.under = base.Source
	r.o.Base, r.o.Fetch = base, nil
	r.o.Environment.Branches = append(r.o.Environment.Branches, base.Branch)
	return nil
}

// unpolled is how often the handler looks by itself: Refresh follows every change.
const unpolled = 24 * time.Hour

// Close ends the handler.
func (r *Registry) Close() { r.handler.Close() }

// now is what the registry shows now. The channel is closed when that changes.
func (r *Registry) now() (State, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	if s.Generation == 0 {
		s.Building = &Building{r.pace.Phase, r.pace.Done, r.pace.Total, r.early.Load() != nil}
		s.Kept, s.Missing, s.Changed, s.Findings = []string{}, []string{}, []string{}, nothingFound()
	}
	return s, r.changed
}

// update builds what has changed. It reports in State what is wrong with packages;
// the error, in State.Failure too, is about all else. What was shown before stays then.
func (r *Registry) update(ctx context.Context) (State, error) {
	r.building.Lock()
	defer r.building.Unlock()
	started := time.Now()
	defer r.endEarly()
	s, err := r.rebuild(ctx, started)
	if ctx.Err() != nil {
		return s, ctx.Err()
	}
	if disturbed(err) && s.Generation == 0 {
		return s, err // it is still being built
	}
	if err != nil {
		s.Failure = err.Error()
	}
	s.Seconds = time.Since(started).Seconds()
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Generation = r.state.Generation + 1
	r.state = s
	close(r.changed)
	r.changed = make(chan struct{})
	return s, err
}

// rebuild builds what the work tree holds. started is when the work began, before the
// tree was read.
func (r *Registry) rebuild(ctx context.Context, started time.Time) (State, error) {
	old, _ := r.now()
	s := old
	s.Failure, s.Changed, s.Building = "", []string{}, nil
	branch, err := r.o.Work.Branch(ctx, git.WorkBranch)
	if err != nil {
		return s, err
	}
	s.Findings = nothingFound()
	s.Add(branch.Found)
	broken := map[version]bool{}
	for _, p := range branch.Found.Errors {
		if p.Version != "" && p.Rule != index.RulePackageDuplicate {
			broken[version{p.Package, p.Version}] = true
		}
	}
	for {
		if err := r.choose(ctx, branch, broken, &s); err != nil {
			return s, err
		}
		if len(r.source.branch.Entries) == 0 && r.source.under == nil {
			r.nothing(&s)
			return s, nil
		}
		result, err := build.Build(ctx, r.buildOptions(started))
		if errors.Is(err, build.ErrInvalid) {
			again := false
			for _, p := range result.Report.Errors {
				v := version{p.Package, p.Version}
				if p.Branch == git.WorkBranch && !broken[v] {
					broken[v], again = true, true
				}
			}
			s.Errors = append(s.Errors, result.Report.Errors...)
			if again {
				continue
			}
		}
		if err != nil {
			return s, err
		}
		return s, r.goLive(ctx, branch, result, &s)
	}
}

// buildOptions are those of the next build.
func (r *Registry) buildOptions(started time.Time) build.Options {
	o := build.Options{
		Source: r.source, Store: r.store, Environments: []build.Environment{r.o.Environment}, Regsnap: r.o.Regsnap,
		Budget: budget, Limits: r.o.Limits, Live: r.vouching(), Parallel: 1, Progress: r.o.Progress,
	}
	if s, _ := r.now(); s.Building != nil {
		urgent := make(chan layout.Revision, maxUrgent)
		o.Urgent = urgent
		o.Early = func(ctx context.Context, e build.Early) error { return r.answerEarly(ctx, started, e, urgent) }
	}
	return o
}

// budget renders nothing ahead: what nobody asks for is not made. The answers are the
// same, byte for byte.
var budget = layout.Budget{Responses: 0, Bytes: 1}

// choose finds what to build: of what is broken the last good state.
func (r *Registry) choose(ctx context.Context, branch *index.Branch, broken map[version]bool, s *State) error {
	chosen := &index.Branch{Name: git.WorkBranch}
	kept := map[version]*keptPackage{}
	s.Kept, s.Missing = []string{}, []string{}
	for _, e := range branch.Entries {
		if !broken[versionOf(e)] {
			chosen.Entries = append(chosen.Entries, e)
		}
	}
	for v := range broken {
		good, was := r.good[v]
		if !was {
			s.Missing = append(s.Missing, v.name+"-"+v.version)
			continue
		}
		k := r.source.kept[v]
		if k == nil || !k.entry.SameContent(good) {
			var err error
			if k, err = keep(ctx, good, r.shown(v), r.store); err != nil {
				return fmt.Errorf("%s-%s as it was: %w", v.name, v.version, err)
			}
		}
		kept[v] = k
		s.Kept = append(s.Kept, v.name+"-"+v.version)
		chosen.Entries = append(chosen.Entries, good)
	}
	slices.Sort(s.Kept)
	slices.Sort(s.Missing)
	index.SortEntries(chosen.Entries)
	r.source.branch, r.source.kept = chosen, kept
	return nil
}

// shown is what the live snapshot says of a package version.
func (r *Registry) shown(v version) layout.ManifestPackage {
	for _, p := range r.live.Manifest.Packages {
		if p.Name == v.name && p.Version == v.version {
			return p
		}
	}
	return layout.ManifestPackage{}
}

// vouching are the snapshots whose packages need not be read.
func (r *Registry) vouching() []build.Live {
	var out []build.Live
	if r.live != nil {
		out = append(out, build.Live{Manifest: r.live.Manifest, Routes: r.routes})
	}
	if r.o.Base != nil && r.o.Base.Live != nil {
		out = append(out, *r.o.Base.Live)
	}
	return out
}

// nothing shows that there is nothing to show.
func (r *Registry) nothing(s *State) {
	for v := range r.good {
		s.Changed = append(s.Changed, v.name+"-"+v.version)
	}
	slices.Sort(s.Changed)
	r.good, r.warnings = map[version]index.Entry{}, map[version]warned{}
	s.Snapshot, s.Packages, s.Own = "", 0, 0
}

// goLive shows what was built.
func (r *Registry) goLive(ctx context.Context, branch *index.Branch, result *build.Result, s *State) error {
	built := result.Snapshots[0]
	routes, err := r.store.Routes(ctx, built.Manifest.Environment, built.ID)
	if err != nil {
		return err
	}
	var before *layout.Manifest
	if r.live != nil {
		before = r.live.Manifest
	}
	r.live, r.routes = &built, routes
	r.store.setLive(built.ID)
	if err := r.handler.Refresh(ctx); err != nil {
		return err
	}
	// A request may still be answered from the one before.
	r.store.keep(slices.DeleteFunc([]*layout.Manifest{built.Manifest, before}, func(m *layout.Manifest) bool { return m == nil })...)
	if f, ok := r.source.under.(*snapshotSource); ok {
		f.forget()
	}
	s.Snapshot, s.Packages, s.Own = built.ID, len(built.Manifest.Packages), len(r.source.branch.Entries)
	r.note(result.Report.Warnings, s)
	return nil
}

// note remembers what is shown, and what was said about it when it was read.
func (r *Registry) note(fresh []index.Problem, s *State) {
	good, warnings := map[version]index.Entry{}, map[version]warned{}
	for _, e := range r.source.branch.Entries {
		v := versionOf(e)
		if old, was := r.good[v]; !was || !old.SameContent(e) {
			s.Changed = append(s.Changed, v.name+"-"+v.version)
		}
		good[v] = e
		if w, was := r.warnings[v]; was && w.entry.SameContent(e) {
			warnings[v] = w
		}
	}
	for v := range r.good {
		if _, still := good[v]; !still {
			s.Changed = append(s.Changed, v.name+"-"+v.version)
		}
	}
	for _, p := range fresh {
		v := version{p.Package, p.Version}
		e, shown := good[v]
		if !shown || p.Branch != git.WorkBranch {
			continue
		}
		w := warnings[v]
		if !slices.ContainsFunc(w.problems, func(q index.Problem) bool { return q.String() == p.String() }) {
			warnings[v] = warned{e, append(slices.Clone(w.problems), p)}
		}
	}
	r.good, r.warnings = good, warnings
	slices.Sort(s.Changed)
	for _, w := range warnings {
		s.Warnings = append(s.Warnings, w.problems...)
	}
	s.Sort()
}
