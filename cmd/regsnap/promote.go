package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
	"github.com/regsnap/regsnap/publish"
)

func promoteCommand() *cli.Command {
	return &cli.Command{
		Name:      "promote",
		Category:  groupAuthor,
		Usage:     "move package versions from a branch to the next",
		ArgsUsage: "NAME-VERSION…",
		Description: `Copies packages to the target branch and removes them from where they were: a
commit on each branch, all packages or none, both branches or neither. No work tree
is needed, and none may have the branches checked out. Refuses what lint refuses
(exit code 3). --dry-run shows what would change.

With --remote the branches of a remote are changed instead of those of the clone. What
others push meanwhile is kept: the change is made again on top.

A branch that is never overwritten only gets packages by pull request. For it this
makes a branch, and prints what to run next, or opens the pull request with --open.
After the merge --clean removes the packages from staging and snapshot.

   regsnap promote --from snapshot --to staging nginx-1.2.3 apache-2.0.0
   regsnap promote --from snapshot --to staging --latest nginx
   regsnap promote --from staging --to production --all-newer --remote origin --open
   regsnap promote --clean --to production --remote origin`,
		Flags: append([]cli.Flag{
			configFlag(), sourceFlag(),
			&cli.StringSliceFlag{Name: "from", Usage: "take packages from `BRANCH` (with --clean repeat for several; default there: all whose packages --to hides)"},
			&cli.StringFlag{Name: "to", Usage: "put them into `BRANCH`"},
			latestFlag(),
			&cli.BoolFlag{Name: "all-newer", Usage: "all versions that are newer than what the target has, of the names given or else of all"},
			&cli.BoolFlag{Name: "remove-older", Usage: "also remove lower versions of the same packages from where they were"},
			&cli.BoolFlag{Name: "clean", Usage: "remove from other branches what --to holds: all of it, or the versions given"},
			remoteFlag(),
			&cli.BoolFlag{Name: "open", Usage: "open the result (a pull request, by the GitHub API, with the token in GITHUB_TOKEN; needs --remote)"},
			&cli.StringFlag{Name: "github", Usage: "the pull request is for `OWNER/NAME` (default: that of the remote)", EnvVars: []string{"GITHUB_REPOSITORY"}},
			&cli.StringFlag{Name: "github-api", Usage: "the `URL` of the GitHub API", Value: "https://api.github.com", EnvVars: []string{"GITHUB_API_URL"}},
			dryRunFlag(),
			jsonFlag(),
		}, specFlags()...),
		Action: runPromote,
	}
}

func runPromote(c *cli.Context) error {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	o, err := promoteOptions(c, cfg)
	if err != nil {
		return err
	}
	var hub *promote.GitHub
	if c.Bool("open") {
		if hub, err = gitHub(c, o); err != nil {
			return err
		}
	}
	var result *promote.Result
	if c.Bool("clean") {
		result, err = cleanBranches(c, cfg, o)
	} else {
		result, err = movePackages(c, cfg, o)
	}
	if err == nil && hub != nil && result.PullRequest != nil && !o.DryRun {
		result.PullRequest.URL, err = hub.Open(c.Context, *result.PullRequest)
	}
	switch {
	case errors.Is(err, promote.ErrNotThere), errors.Is(err, promote.ErrCheckedOut), errors.Is(err, index.ErrNoBranch):
		err = usageError{err}
	case errors.Is(err, promote.ErrRefused) && result != nil && len(result.Report.Errors) > 0 && !c.Bool("json"):
		err = errors.Join(errReported, err)
	}
	if result == nil {
		return err
	}
	return errors.Join(printPromoted(c, o, result, err), err)
}

// promoteOptions are the settings that promoting and cleaning share.
func promoteOptions(c *cli.Context, cfg config) (promote.Options, error) {
	if cfg.Source == "" {
		cfg.Source = "git:."
	}
	path, ok := strings.CutPrefix(cfg.Source, "git:")
	if !ok || path == "" {
		return promote.Options{}, usagef("source %q: this command needs a git repository: want git:PATH", cfg.Source)
	}
	o := promote.Options{
		Repo: path, Remote: c.String("remote"), DryRun: c.Bool("dry-run"), RemoveOlder: c.Bool("remove-older"), Regsnap: version(),
		Choice: promote.Choice{Packages: c.Args().Slice(), Latest: c.Bool("latest"), AllNewer: c.Bool("all-newer")},
	}
	if strings.HasPrefix(o.Remote, "-") {
		return o, usagef("--remote %q is not a remote", o.Remote)
	}
	var err error
	if c.String("to") == "" {
		return o, usagef("where to? Give --to BRANCH; there are %s", strings.Join(cfg.ownBranches(), ", "))
	}
	o.To, err = cfg.branch(c.String("to"))
	return o, err
}

func movePackages(c *cli.Context, cfg config, o promote.Options) (*promote.Result, error) {
	from := c.StringSlice("from")
	if len(from) != 1 || from[0] == o.To.Name {
		return nil, usagef("where from? Give --from BRANCH, another one than --to")
	}
	var err error
	if o.From, err = cfg.branch(from[0]); err != nil {
		return nil, err
	}
	if err := o.Choice.Validate(); err != nil {
		return nil, usageError{err}
	}
	if o.RemoveOlder && o.To.Overwrite == lint.Never {
		return nil, usagef("--remove-older: nothing leaves %s before the pull request is merged; give it with --clean then", o.From.Name)
	}
	if o.Specification, o.Checker, _, err = cfg.checker(o.To.Name, c.String("spec"), c.String("spec-program")); err != nil {
		return nil, err
	}
	return promote.Promote(c.Context, o)
}

func cleanBranches(c *cli.Context, cfg config, o promote.Options) (*promote.Result, error) {
	if o.Choice.Latest || o.Choice.AllNewer {
		return nil, usagef("--clean takes versions or none, not --latest or --all-newer")
	}
	co := promote.CleanOptions{Options: o, Branches: o.To.Below}
	if from := c.StringSlice("from"); len(from) > 0 {
		co.Branches = nil
		for _, name := range from {
			b, err := cfg.branch(name)
			if err != nil {
				return nil, err
			}
			co.Branches = append(co.Branches, b)
		}
	}
	if len(co.Branches) == 0 {
		return nil, usagef("no environment shows other branches below %s: give --from BRANCH", o.To.Name)
	}
	return promote.Clean(c.Context, co)
}

func gitHub(c *cli.Context, o promote.Options) (*promote.GitHub, error) {
	if o.Remote == "" || o.To.Overwrite != lint.Never || c.Bool("clean") {
		return nil, usagef("--open is for a pull request to a branch that is never overwritten, and needs --remote REMOTE")
	}
	hub := &promote.GitHub{API: c.String("github-api"), Repository: c.String("github"), Token: cmp.Or(os.Getenv("GITHUB_TOKEN"), os.Getenv("GH_TOKEN"))}
	if hub.Repository == "" {
		url, err := promote.RemoteURL(c.Context, o.Repo, o.Remote)
		if err != nil {
			return nil, err
		}
		hub.Repository = promote.RepositoryOfRemote(url)
	}
	if err := hub.Validate(); err != nil {
		return nil, usageError{err}
	}
	return hub, nil
}

// promoted is what `regsnap promote --json` prints.
type promoted struct {
	*promote.Result
	DryRun   bool              `json:"dry_run"`
	Packages []packageVersion  `json:"packages"`
	Older    []packageVersion  `json:"older"`
	Kept     []packageVersion  `json:"kept"`
	Branches []promotedChanges `json:"branches"`
	Errors   []finding         `json:"errors"`
	Warnings []finding         `json:"warnings"`
	Error    *failure          `json:"error,omitempty"`
}

type promotedChanges struct {
	Branch  string                 `json:"branch"`
	Changes publish.PackageChanges `json:"changes"`
}

func printPromoted(c *cli.Context, o promote.Options, r *promote.Result, failed error) error {
	errs, warnings := findings(r.Report.Errors), findings(r.Report.Warnings)
	if c.Bool("json") {
		if r.Updates == nil { // of what is refused
			r.Updates = []promote.Update{}
		}
		out := promoted{
			Result: r, DryRun: o.DryRun, Packages: versionsOf(r.Moved), Older: versionsOf(r.Older), Kept: versionsOf(r.Kept), Branches: []promotedChanges{},
			Errors: errs, Warnings: warnings,
		}
		for _, u := range r.Updates {
			out.Branches = append(out.Branches, promotedChanges{u.Branch, changesOf(u.Changes)})
		}
		if failed != nil {
			out.Error = failureOf(c.Context, failed)
		}
		return printJSON(c.App.Writer, out)
	}
	printFindings(c.App.ErrWriter, errorScreenOf(c), errs, warnings)
	w := c.App.Writer
	for _, e := range r.Kept {
		fmt.Fprintf(c.App.ErrWriter, "%s keeps %s-%s: %s holds it with another content; name it to remove it\n", e.Branch, e.Name, e.Version, r.To)
	}
	if failed != nil {
		if errors.Is(failed, errReported) {
			fmt.Fprintf(c.App.ErrWriter, "regsnap: %s; nothing was changed\n", plural(len(errs), "error"))
		}
		return nil
	}
	if len(r.Updates) == 0 {
		fmt.Fprintln(w, "nothing to do")
		return nil
	}
	for _, u := range r.Updates {
		fmt.Fprintf(w, "%s %.8s %s\n", u.Branch, u.Commit, clean(u.Subject))
		for _, change := range u.Changes {
			e, mark := change.Entry(), "~"
			if change.Added() {
				mark = "+"
			} else if change.Removed() {
				mark = "-"
			}
			fmt.Fprintf(w, "  %s %s-%s\n", mark, e.Name, e.Version)
		}
	}
	if o.DryRun {
		fmt.Fprintln(w, dryRunText)
		return nil
	}
	if r.PullRequest != nil {
		printPullRequest(w, o, r.PullRequest)
	}
	return nil
}

// printPullRequest says what to do next. The commands can be pasted.
func printPullRequest(w io.Writer, o promote.Options, p *promote.PullRequest) {
	if p.URL != "" {
		fmt.Fprintln(w, p.URL)
		return
	}
	fmt.Fprintf(w, "%s changes by pull request only; to open it:\n", p.Base)
	if o.Remote == "" {
		fmt.Fprintf(w, "   git push origin %s\n", shellQuote(p.Branch))
	}
	fmt.Fprintf(w, "   gh pr create --base %s --head %s --title %s --body %s\n", shellQuote(p.Base), shellQuote(p.Branch), shellQuote(p.Title), shellQuote(p.Body))
}

// shellQuote writes a text as one word of a shell.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./+", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// packageVersion is a package version in JSON.
type packageVersion struct {
	Package string `json:"package"`
	Version string `json:"version"`
}

func versionsOf(entries []index.Entry) []packageVersion {
	out := []packageVersion{}
	for _, e := range entries {
		out = append(out, packageVersion{e.Name, e.Version})
	}
	return out
}
