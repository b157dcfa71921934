package promote

import (
	"context"
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// PullRequest is a change that is to be reviewed before it is made.
type PullRequest struct {
	// Branch holds it, Base is the branch that it is for.
	Branch string `json:"branch"`
	Base   string `json:"base"`
	Title  string `json:"title"`
	Body   string `json:"body"`
	// URL is where it is, once it was opened.
	URL string `json:"url,omitempty"`
}

// propose makes a branch that adds packages to To. It is named by its content,
// so the same proposal is the same branch.
func (p *promotion) propose(ctx context.Context, from, to *state, moved []index.Entry) error {
	added, err := p.add(ctx, from, to, moved)
	if err != nil {
		return err
	}
	if err := p.judge(ctx, p.To, to.id, added.New, map[string]index.ID{p.From.Name: from.id}); err != nil {
		return err
	}
	tree, err := p.repo.git(ctx, "", "rev-parse", added.Commit+"^{tree}")
	if err != nil {
		return err
	}
	name := moved[0].Name + "-" + moved[0].Version
	if more := len(moved) - 1; more > 0 {
		name = fmt.Sprintf("%s-and-%d-more", name, more)
	}
	// A version may have a plus sign, which a ref may have too.
	added.Branch = fmt.Sprintf("promote/%s/%s-%.8s", p.To.Name, name, tree)
	added.Old = index.ID{}
	p.result.Updates = []Update{*added}
	p.result.PullRequest = &PullRequest{
		Branch: added.Branch, Base: p.To.Name, Title: added.Subject, Body: body(from, moved),
	}
	return nil
}

func body(from *state, moved []index.Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "From `%s` at %s, content unchanged:\n\n", from.branch.Name, from.id)
	for _, e := range moved {
		fmt.Fprintf(&b, "- %s %s\n", e.Name, e.Version)
	}
	fmt.Fprintf(&b, "\nAfter the merge `regsnap promote --clean` removes them from where they were.\n")
	return b.String()
}

// branchThere reports whether the proposal's branch exists with the same content,
// as after a run that was interrupted. Its commit is then the one that counts.
func (p *promotion) branchThere(ctx context.Context) (bool, error) {
	u := &p.result.Updates[0]
	tips, err := p.target().tips(ctx, []string{u.Branch})
	if err != nil {
		return false, ignoreNoBranch(err)
	}
	at := tips[u.Branch]
	same, err := p.repo.git(ctx, "", "rev-parse", at.String()+"^{tree}", at.String()+"^1", u.Commit+"^{tree}", u.Commit+"^1")
	if err != nil {
		return false, err
	}
	ids := strings.Fields(same)
	if len(ids) != 4 || ids[0] != ids[2] || ids[1] != ids[3] {
		return false, fmt.Errorf("the branch %s is there already, on top of another state of %s: delete it if its pull request is closed", u.Branch, p.To.Name)
	}
	u.New, u.Commit = at, at.String()
	return true, nil
}
