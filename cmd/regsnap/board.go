package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index/promote"
)

func boardCommand() *cli.Command {
	return &cli.Command{
		Name:      "board",
		Category:  groupAuthor,
		Usage:     "show which versions each branch holds, and what is waiting for promotion",
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
	t := table{columns: []column{{title: "PACKAGE", least: 12}}}
	for _, branch := range b.Branches {
		t.columns = append(t.columns, column{title: strings.ToUpper(branch)})
	}
	t.columns = append(t.columns, column{title: "WAITING", least: 20})
	for _, p := range b.Packages {
		row := texts(p.Name)
		for _, branch := range b.Branches {
			versions := cell{text: "-"}
			if list := p.Versions[branch]; len(list) > 0 {
				versions = cell{text: list[0]}
				if more := len(list) - 1; more > 0 {
					versions = cell{text: fmt.Sprintf("%s +%d", list[0], more), short: list[0]}
				}
			}
			row = append(row, versions)
		}
		var waiting []string
		for _, w := range p.Waiting {
			long := age(w.Since, now)
			if w.AtLeast {
				long = "≥ " + long
			}
			waiting = append(waiting, fmt.Sprintf("%s in %s (%s)", w.Version, w.Branch, long))
		}
		short := ""
		if len(waiting) > 1 {
			short = fmt.Sprintf("%s, +%d", waiting[0], len(waiting)-1)
		}
		t.row(append(row, cell{text: strings.Join(waiting, ", "), short: short, colour: yellow})...)
	}
	_ = t.write(c.App.Writer, screenOf(c)) // the writer says so itself when it fails
	fmt.Fprintf(c.App.Writer, "%s, %s waiting for promotion\n", plural(len(b.Packages), "package"), plural(b.Waiting, "version"))
}
