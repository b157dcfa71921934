package promote

import (
	"context"
	"fmt"
	"slices"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/lint"
)

// Options say what to move where.
type Options struct {
	// Repo is the path of a clone, bare or not.
	Repo string
	// From and To are branches with their rules. Where To is never overwritten,
	// packages only come by pull request: a branch is made for one, and From
	// keeps them until Clean.
	From, To lint.Branch
	Choice   Choice
	// RemoveOlder also removes lower versions of the same packages from From.
	RemoveOlder bool
	// Remote makes the change in a remote of the clone instead of the clone.
	Remote string
	DryRun bool
	// Regsnap is the version of this program, for the commits.
	Regsnap string
	Limits  index.Limits
	// Specification and Checker are those of lint.Options.
	Specification lint.Level
	Checker       lint.Checker
}

// Result says what was done, or with DryRun would be.
type Result struct {
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	// Moved are the packages that were asked for, Older those that went with them.
	Moved []index.Entry `json:"-"`
	Older []index.Entry `json:"-"`
	// Updates are the branches, each with one commit; that of To is first.
	Updates []Update `json:"updates"`
	// PullRequest is what remains to be opened and merged.
	PullRequest *PullRequest `json:"pull_request,omitempty"`
	// Kept are packages that Clean leaves where they are; see there.
	Kept []index.Entry `json:"-"`
	// Report is what lint says of the change to To.
	Report index.Findings `json:"-"`
	// Attempts is how often the change was made because others were faster.
	Attempts int `json:"attempts"`
}

// promotion is one run of Promote.
type promotion struct {
	Options
	repo   *repo
	source *git.GitSource
	result *Result
	origin index.ID // where From was
}

// Promote moves packages. With ErrRefused the result carries the report.
func Promote(ctx context.Context, o Options) (*Result, error) {
	p := &promotion{Options: o, result: &Result{From: o.From.Name, To: o.To.Name}}
	if err := o.Choice.Validate(); err != nil {
		return nil, err
	}
	done, err := p.open(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	branches := []string{o.From.Name, o.To.Name}
	if o.Choice.AllNewer {
		for _, above := range o.To.Above {
			branches = append(branches, above.Name)
		}
	}
	p.result.Attempts, err = retry(ctx, p.target(), branches, func(tips map[string]index.ID) ([]Update, error) {
		if err := p.plan(ctx, tips); err != nil || o.DryRun {
			return nil, err
		}
		if p.result.PullRequest != nil {
			if there, err := p.branchThere(ctx); err != nil || there {
				return nil, err
			}
		}
		return p.result.Updates, nil
	})
	return p.result, err
}

// open opens the repository to read and to write. What it returns closes it.
func (p *promotion) open(ctx context.Context) (func(), error) {
	var err error
	if p.source, err = git.OpenGit(ctx, p.Repo); err != nil {
		return nil, err
	}
	if p.repo, err = openRepo(ctx, p.Repo); err != nil {
		p.source.Close()
		return nil, err
	}
	return func() { p.source.Close() }, nil
}

func (p *promotion) target() target {
	if p.Remote != "" {
		return remote{p.repo, p.Remote}
	}
	return local{p.repo, p.source}
}

// state reads a branch at a commit.
func (p *promotion) state(ctx context.Context, branch string, id index.ID) (*state, error) {
	b, err := p.source.BranchPart(ctx, branch, id, nil)
	return &state{id, b}, err
}

// begin forgets what an attempt before found and made: the last one counts.
func (p *promotion) begin() { *p.result = Result{From: p.result.From, To: p.result.To} }

// plan makes the commits, and has lint judge them. No branch knows them yet.
func (p *promotion) plan(ctx context.Context, tips map[string]index.ID) error {
	p.begin()
	from, err := p.state(ctx, p.From.Name, tips[p.From.Name])
	if err != nil {
		return err
	}
	p.origin = from.id
	to, err := p.state(ctx, p.To.Name, tips[p.To.Name])
	if err != nil {
		return err
	}
	shown := slices.Clone(to.branch.Entries)
	if p.Choice.AllNewer {
		for _, above := range p.To.Above {
			s, err := p.state(ctx, above.Name, tips[above.Name])
			if err != nil {
				return err
			}
			shown = append(shown, s.branch.Entries...)
		}
	}
	moved, err := p.Choice.of(p.From.Name, from.branch.Entries, shown)
	if err != nil {
		return p.explain(ctx, err, to)
	}
	p.result.Moved = moved
	if len(moved) == 0 {
		return nil
	}
	if p.RemoveOlder {
		p.result.Older = olderThan(from.branch.Entries, moved)
	}
	if p.To.Overwrite == lint.Never {
		return p.propose(ctx, from, to, moved)
	}
	added, err := p.add(ctx, from, to, moved)
	if err != nil {
		return err
	}
	removed, err := p.remove(ctx, from, moved, p.result.Older, added.New)
	if err != nil {
		return err
	}
	p.result.Updates = []Update{*added, *removed}
	if err := p.judge(ctx, p.To, to.id, added.New, map[string]index.ID{p.From.Name: removed.New}); err != nil {
		return err
	}
	return p.judge(ctx, p.From, from.id, removed.New, map[string]index.ID{p.To.Name: added.New})
}

// explain adds to a package that is not where it should be whether it has
// arrived already: another promotion may have been faster.
func (p *promotion) explain(ctx context.Context, err error, to *state) error {
	there, _ := named(to.branch.Name, to.branch.Entries, p.Choice.Packages)
	if len(there) == 0 || len(p.Choice.Packages) != len(there) {
		return err
	}
	return fmt.Errorf("%w; %s holds it already", err, to.branch.Name)
}

// add makes the commit that puts packages into To.
func (p *promotion) add(ctx context.Context, from, to *state, moved []index.Entry) (*Update, error) {
	message := addMessage(moved, from, p.To.Name, p.Regsnap)
	return p.update(ctx, to, moved, nil, message)
}

// remove makes the commit that removes packages from a branch.
func (p *promotion) remove(ctx context.Context, from *state, moved, older []index.Entry, to index.ID) (*Update, error) {
	message := removeMessage(moved, older, p.result.To, to, p.Regsnap)
	return p.update(ctx, from, nil, slices.Concat(moved, older), message)
}

// update makes a commit.
func (p *promotion) update(ctx context.Context, tip *state, put, remove []index.Entry, message string) (*Update, error) {
	id, err := p.repo.change(ctx, tip, put, remove, message)
	if err != nil {
		return nil, err
	}
	after, err := p.state(ctx, tip.branch.Name, id)
	if err != nil {
		return nil, err
	}
	return &Update{
		Branch: tip.branch.Name, Old: tip.id, New: id, Commit: id.String(), Subject: after.branch.Commit.Subject,
		Changes: index.Changes(tip.branch, after.branch),
	}, nil
}

// judge has lint look at a commit, as if the other branches were changed too.
func (p *promotion) judge(ctx context.Context, b lint.Branch, base, head index.ID, tips map[string]index.ID) error {
	r, err := lint.Lint(ctx, lint.Options{
		Source: p.source, Branch: b, Base: base, Head: head, Tips: tips, Limits: p.Limits,
		Specification: p.Specification, Checker: p.Checker,
	})
	if err != nil {
		return err
	}
	p.blame(ctx, head, r.Report.Errors)
	p.blame(ctx, head, r.Report.Warnings)
	p.result.Report.Add(r.Report)
	if len(r.Report.Errors) > 0 {
		return fmt.Errorf("%s: %w", b.Name, ErrRefused)
	}
	return nil
}

// blame names who changed a package last where it comes from, in place of the
// commit that would promote it.
func (p *promotion) blame(ctx context.Context, head index.ID, problems []index.Problem) {
	for i := range problems {
		q := &problems[i]
		if q.Commit == nil || q.Commit.ID != head {
			continue
		}
		q.Commit = nil
		if q.Version != "" {
			// Not to know it must not hide the finding.
			q.Commit, _ = p.source.LastChangeFrom(ctx, p.origin, "packages/"+q.Package+"/"+q.Version)
		}
	}
}
