package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/publish"
)

func historyCommand() *cli.Command {
	return &cli.Command{
		Name:     "history",
		Category: groupOperate,
		Usage:    "list the snapshots of an environment: commits, authors, packages, moves",
		Description: `Reads all from the bucket: which commits of which branches each snapshot was built
from, how many packages were added (+), removed (-) and changed (~) since the one
before, its tags, which one is live (*), which one regsnap rollback goes to (<), and
who moved the pointer when and why. A snapshot whose manifest cannot be read is shown as
damaged (exit code 7; 12 if a newer regsnap wrote it).

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
	limit := c.Int("limit")
	if limit < 0 {
		return usagef("--limit %d: want 1 or more, or 0 for all", limit)
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	h, err := p.bucket.History(c.Context, p.env, limit)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, h)
	} else {
		err = printHistory(c.App.Writer, screenOf(c), h)
	}
	if faults := h.Faults(); faults != nil {
		return errors.Join(err, errReported, faults)
	}
	return err
}

func printHistory(w io.Writer, s screen, h *publish.History) error {
	fmt.Fprintf(w, "%s: %s", h.Environment, plural(len(h.Events)+h.More, "snapshot"))
	if h.Pointer == nil {
		fmt.Fprintln(w, ", none was ever live")
	} else {
		fmt.Fprintf(w, ", %s is live\n", h.Pointer.Snapshot)
		if pin := h.Pointer.Pinned; pin != nil {
			fmt.Fprintf(w, "pinned %s\n", signature(pin.By, pin.Reason, pin.At))
		}
	}
	if len(h.Events) > 0 {
		fmt.Fprintln(w)
	}
	t := table{columns: []column{
		{}, {title: "SNAPSHOT"}, {title: "TAG", least: 12}, {title: "BUILT", drop: 4}, {title: "PACKAGES", right: true, drop: 3}, {title: "CHANGES"}, {title: "BRANCH", drop: 1},
		{title: "COMMIT"}, {title: "AUTHOR", least: 8, drop: 2}, {title: "SUBJECT", least: 12},
	}}
	for _, e := range h.Events {
		eventRows(&t, e)
	}
	if err := t.write(w, s); err != nil {
		return err
	}
	if h.More > 0 {
		fmt.Fprintf(w, "… and %s before (--limit 0 shows all)\n", plural(h.More, "snapshot"))
	}
	if len(h.Moves) == 0 {
		return nil
	}
	fmt.Fprintln(w)
	t = table{columns: []column{{title: "WHEN"}, {title: "MOVE"}, {title: "SNAPSHOT"}, {title: "BY", least: 6}, {title: "REASON", least: 10}}}
	for _, m := range h.Moves {
		if m.Damaged != "" {
			t.row(cell{text: "?"}, cell{text: "damaged"}, cell{text: "-"}, cell{text: "-"}, cell{text: clean(m.Damaged)})
			continue
		}
		kind := string(m.Kind)
		if m.Pin {
			kind += "+pin"
		}
		t.row(cell{text: when(m.At), short: m.At.UTC().Format("01-02 15:04")}, cell{text: kind}, idCell(m.Snapshot), cell{text: orUnknown(m.By)}, cell{text: clean(m.Reason)})
	}
	return t.write(w, s)
}

// eventRows are a row for each branch, or one for a damaged snapshot.
func eventRows(t *table, e publish.Event) {
	mark, colour := " ", ""
	switch {
	case e.Live:
		mark, colour = "*", green
	case e.Previous:
		mark = "<"
	}
	id := idCell(e.ID)
	id.colour = colour
	built := cell{text: when(e.Built), short: e.Built.UTC().Format("01-02 15:04")}
	tags := cell{text: strings.Join(e.Tags, ", ")}
	if e.Damaged != "" {
		t.row(cell{text: mark}, id, tags, built, cell{}, cell{text: "damaged", colour: red}, cell{}, cell{}, cell{}, cell{text: clean(e.Damaged)})
		return
	}
	for i, b := range e.Branches {
		first := []cell{{text: mark}, id, tags, built, {text: grouped(e.Total)}, {text: changeCounts(e.Changes)}}
		if i > 0 {
			first = make([]cell, len(first))
		}
		t.row(append(first, cell{text: b.Name}, cell{text: orDash(b.Commit, 12), short: orDash(b.Commit, 8)}, cell{text: clean(b.Author)}, cell{text: clean(b.Subject)})...)
	}
}
