package main

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/lint"
	"github.com/regsnap/regsnap/index/promote"
)

func addCommand() *cli.Command {
	return &cli.Command{
		Name:      "add",
		Category:  groupAuthor,
		Usage:     "put ready-made archives into a branch",
		ArgsUsage: "FILE.zip…",
		Description: `Commits archives called NAME-VERSION.zip to a branch as they are, byte for byte, and
beside each its signature NAME-VERSION.zip.sig, if there is one. No work tree is
needed, and none may have the branch checked out. Refuses what lint refuses (exit
code 3). From there regsnap promote moves them like any other package.

With --remote the branch of a remote is changed instead of that of the clone. What
others push meanwhile is kept: the change is made again on top.

   regsnap add nginx-1.2.3.zip --to snapshot
   regsnap add build/packages/*.zip --to snapshot --remote origin
   regsnap add nginx-1.2.3.zip --sig release/nginx.sig --to snapshot`,
		Flags: append([]cli.Flag{
			configFlag(), sourceFlag(),
			&cli.StringFlag{Name: "to", Usage: "put them into `BRANCH`"},
			&cli.StringFlag{Name: "sig", Usage: "the signature of the one archive is in `FILE` (default: the archive's name with .sig)", TakesFile: true},
			remoteFlag(),
			dryRunFlag(),
			jsonFlag(),
		}, specFlags()...),
		Action: runAdd,
	}
}

// remoteFlag names the remote that a command changes.
func remoteFlag() cli.Flag {
	return &cli.StringFlag{Name: "remote", Usage: "change the branches of `REMOTE`, not those of the clone"}
}

func runAdd(c *cli.Context) error {
	files := c.Args().Slice()
	switch {
	case len(files) == 0:
		return usagef("which archives? Give files NAME-VERSION.zip")
	case c.String("sig") != "" && len(files) != 1:
		return usagef("--sig is the signature of one archive; those of several are beside them, as FILE.zip.sig")
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	po, err := promoteOptions(c, cfg)
	if err != nil {
		return err
	}
	o := promote.AddOptions{Repo: po.Repo, To: po.To, Remote: po.Remote, DryRun: po.DryRun, Regsnap: po.Regsnap}
	for _, f := range files {
		if strings.HasSuffix(f, ".zip.sig") {
			continue // of build/packages/* it comes with its archive
		}
		o.Files = append(o.Files, promote.AddFile{Archive: f, Signature: c.String("sig")})
	}
	if o.Specification, o.Checker, _, err = cfg.checker(o.To.Name, c.String("spec"), c.String("spec-program")); err != nil {
		return err
	}
	result, err := promote.Add(c.Context, o)
	switch {
	case errors.Is(err, promote.ErrFile), errors.Is(err, fs.ErrNotExist), errors.Is(err, promote.ErrCheckedOut), errors.Is(err, index.ErrNoBranch), errors.Is(err, lint.ErrNoCommon):
		err = usageError{err}
	case errors.Is(err, promote.ErrRefused) && result != nil && len(result.Report.Errors) > 0 && !c.Bool("json"):
		err = errors.Join(errReported, err)
	}
	if result == nil {
		return err
	}
	return errors.Join(printPromoted(c, po, result, err), err)
}
