package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:  "history",
		Usage: "list the snapshots of an environment: commits, authors, packages, moves",
		Description: `Reads all from the bucket: which commits of which branches each snapshot was built
from, how many packages were added (+), removed (-) and changed (~) since the one
before, which one is live (*), which one regsnap rollback goes to (<), and who
moved the pointer when and why.

   regsnap history --bucket file:///srv/registry --env production
   regsnap history --bucket file:///srv/registry --env production --limit 0 --json`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag(),
			&cli.IntFlag{Name: "limit", Usage: "show the newest `N` snapshots; 0 shows all", Value: 20},
			jsonFlag(),
		},
		Action: runHistory,
	}
}

func runHistory(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	h, err := p.bucket.History(c.Context, p.env, c.Int("limit"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, h)
	}
	return printHistory(c.App.Writer, h)
}

func printHistory(w io.Writer, h *publish.History) error {
	fmt.Fprintf(w, "%s: %s", h.Environment, plural(len(h.Events)+h.More, "snapshot"))
	if h.Pointer == nil {
		fmt.Fprintln(w, ", none was ever live")
	} else {
		fmt.Fprintf(w, ", %s is live\n", h.Pointer.Snapshot)
		if pin := h.Pointer.Pinned; pin != nil {
			fmt.Fprintf(w, "pinned %s\n", signature(pin.By, pin.Reason, pin.At))
		}
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if len(h.Events) > 0 {
		fmt.Fprintln(tw, "\n \tSNAPSHOT\tBUILT\tPACKAGES\tCHANGES\tBRANCH\tCOMMIT\tAUTHOR\tSUBJECT")
	}
	for _, e := range h.Events {
		printEvent(tw, e)
	}
	if err := tw.Flush(); err != nil {
		return err
	}
	if h.More > 0 {
		fmt.Fprintf(w, "… and %s before (--limit 0 shows all)\n", plural(h.More, "snapshot"))
	}
	if h.Pointer == nil || len(h.Pointer.Moves) == 0 {
		return nil
	}
	fmt.Fprintln(tw, "\nWHEN\tMOVE\tSNAPSHOT\tBY\tWHY")
	for _, m := range h.Pointer.Moves {
		kind := string(m.Kind)
		if m.Pin {
			kind += "+pin"
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\n", when(m.At), kind, m.Snapshot, orSomebody(m.By), clean(m.Reason))
	}
	return tw.Flush()
}

// printEvent writes a line for each branch, or one for a damaged snapshot.
func printEvent(w io.Writer, e publish.Event) {
	mark := " "
	switch {
	case e.Live:
		mark = "*"
	case e.Previous:
		mark = "<"
	}
	if e.Damaged != "" {
		fmt.Fprintf(w, "%s\t%s\t%s\t\t\tdamaged: %s\n", mark, e.ID, when(e.Built), clean(e.Damaged))
		return
	}
	first := fmt.Sprintf("%s\t%s\t%s\t%d\t%s", mark, e.ID, when(e.Built), e.Total, changeCounts(e.Changes))
	for i, b := range e.Branches {
		if i > 0 {
			first = "\t\t\t\t"
		}
		fmt.Fprintf(w, "%s\t%s\n", first, branchCells(b))
	}
}

// branchCells are branch, commit, author and subject, for a table.
func branchCells(b layout.ManifestBranch) string {
	return fmt.Sprintf("%s\t%s\t%s\t%s", b.Name, orDash(b.Commit, 12), clean(b.Author), clean(b.Subject))
}
