package main

import (
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index/promote"
)

func boardCommand() *cli.Command {
	return &cli.Command{
		Name:      "board",
		Usage:     "show which versions are in which branch, and what waits",
		ArgsUsage: "[NAME…]",
		Description: `Lists every package with its newest version in each branch and, after a plus sign,
how many others are there. What waits for promotion is what is newer than in all
branches of higher precedence, with how long it has been there: at least that long,
where the clone's history begins later. --json has all versions, and those left in a
branch although one of higher precedence holds them.

   regsnap board
   regsnap board --waiting
   regsnap board nginx apache`,
		Flags: []cli.Flag{
			configFlag(), sourceFlag(),
			&cli.BoolFlag{Name: "waiting", Usage: "only packages of which something waits for promotion"},
			jsonFlag(),
		},
		Action: runBoard,
	}
}

func runBoard(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	src, err := cfg.openGit(c.Context)
	if err != nil {
		return err
	}
	defer closing(&err, "source", src)
	board, err := promote.NewBoard(c.Context, src, cfg.ownBranches())
	if err == nil {
		err = board.Filter(c.Args().Slice(), c.Bool("waiting"))
	}
	if errors.Is(err, promote.ErrNotThere) {
		return usageError{err}
	}
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, board)
	}
	printBoard(c, board, time.Now())
	return nil
}

func printBoard(c *cli.Context, b *promote.Board, now time.Time) {
	tw := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintf(tw, "package\t%s\twaiting\n", strings.Join(b.Branches, "\t"))
	for _, p := range b.Packages {
		fmt.Fprint(tw, p.Name)
		for _, branch := range b.Branches {
			cell := "-"
			if versions := p.Versions[branch]; len(versions) > 0 {
				cell = versions[0]
				if more := len(versions) - 1; more > 0 {
					cell += fmt.Sprintf(" +%d", more)
				}
			}
			fmt.Fprintf(tw, "\t%s", cell)
		}
		var waiting []string
		for _, w := range p.Waiting {
			long := age(w.Since, now)
			if w.AtLeast {
				long = "≥ " + long
			}
			waiting = append(waiting, fmt.Sprintf("%s in %s (%s)", w.Version, w.Branch, long))
		}
		fmt.Fprintf(tw, "\t%s\n", strings.Join(waiting, ", "))
	}
	_ = tw.Flush() // the writer says so itself when it fails
	fmt.Fprintf(c.App.Writer, "%s, %s waiting for promotion\n", plural(len(b.Packages), "package"), plural(b.Waiting, "version"))
}
