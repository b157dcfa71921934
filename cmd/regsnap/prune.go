package main

import (
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

func pruneCommand() *cli.Command {
	keep := publish.DefaultRetention
	return &cli.Command{
		Name:     "prune",
		Category: groupOperate,
		Usage:    "delete old snapshots, and what no snapshot refers to",
		Description: `Keeps of each environment the live snapshot, the one that a rollback goes to, those
that have a tag (regsnap tag), the newest --keep-last, those built within --keep-within, and those that were live within
--grace, because edges and CDNs may still read from them. --keep-daily, --keep-weekly
and --keep-monthly keep the newest one of that many days, weeks and months. All other snapshots go,
and every object that none of the kept ones refers to, remains of interrupted builds
included; from a file:// bucket also what killed writers left unfinished, and empty
folders. Prints the plan first; --dry-run only prints it.

--retire ends an environment that is not configured, such as the preview of a pull
request: its pointer goes, and all of its snapshots. So do previews whose time is over
(previews.ttl in regsnap.yml), unless they are pinned.

Safe beside builds and publishes: while one is at work nothing is deleted (exit code
6, try again); one that begins during a prune waits until it is done.

   regsnap prune --bucket file:///srv/registry --dry-run
   regsnap prune --bucket file:///srv/registry --keep-last 20 --keep-within 90d
   regsnap prune --bucket file:///srv/registry --retire pr-123`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(),
			dryRunFlag(), yesFlag(),
			&cli.IntFlag{Name: "keep-last", Usage: "keep the newest `N` snapshots of each environment", Value: keep.Last},
			timeFlag("keep-within", "keep snapshots built within `TIME`", keep.Within),
			&cli.IntFlag{Name: "keep-daily", Usage: "keep the newest snapshot of each of `N` days that have one"},
			&cli.IntFlag{Name: "keep-weekly", Usage: "keep the newest snapshot of each of `N` weeks that have one"},
			&cli.IntFlag{Name: "keep-monthly", Usage: "keep the newest snapshot of each of `N` months that have one"},
			timeFlag("grace", "keep snapshots that were live within `TIME`", keep.Grace),
			&cli.StringSliceFlag{Name: "retire", Usage: "end environment `NAME` (repeat for several)"},
			byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: runPrune,
	}
}

// pruned is what `regsnap prune --json` prints.
type pruned struct {
	DryRun bool `json:"dry_run"`
	*publish.PrunePlan
}

func runPrune(c *cli.Context) (err error) {
	if err := noArgs(c); err != nil {
		return err
	}
	n, err := note(c)
	if err != nil {
		return err
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	keep := publish.Retention{
		Last: c.Int("keep-last"), Within: timeOf(c, "keep-within"), Grace: timeOf(c, "grace"),
		Daily: c.Int("keep-daily"), Weekly: c.Int("keep-weekly"), Monthly: c.Int("keep-monthly"),
	}
	if err := keep.Validate(); err != nil {
		return usageError{err}
	}
	keep.Configured = cfg.names()
	retire := c.StringSlice("retire")
	for _, name := range retire {
		if _, configured := cfg.Environments[name]; configured || !layout.ValidEnvironment(name) {
			return usagef("--retire %s: is configured, or no name of an environment; what regsnap.yml lists is not retired", name)
		}
	}
	bucket, err := cfg.openBucket(c.Context, publish.Open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	show := func(p *publish.PrunePlan) {
		if !c.Bool("json") {
			printPrunePlan(c.App.Writer, screenOf(c), p)
		}
	}
	var plan *publish.PrunePlan
	if c.Bool("dry-run") {
		if plan, err = bucket.PlanPrune(c.Context, keep, retire...); err != nil {
			return err
		}
		show(plan)
	} else {
		if asks(c) {
			// The plan is made again under the lock: nobody waits for an answer.
			if plan, err = bucket.PlanPrune(c.Context, keep, retire...); err != nil {
				return err
			}
			show(plan)
			if plan.Objects+plan.Leftovers.Objects == 0 {
				fmt.Fprintln(c.App.Writer, "nothing to delete")
				return nil
			}
			if err := confirm(c, fmt.Sprintf("Delete %s?", plural(plan.Objects, "object"))); err != nil {
				return err
			}
			show = nil
		}
		bar := newProgress(c.App.ErrWriter, c.Bool("quiet") || c.Bool("json"))
		plan, err = bucket.Prune(c.Context, publish.PruneOptions{Keep: keep, Retire: retire, By: n.By, Planned: show,
			Progress: func(done, total int) { bar.step("delete", done, total) }})
		bar.finish()
		if err != nil {
			return err
		}
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, pruned{c.Bool("dry-run"), plan})
	}
	if c.Bool("dry-run") {
		fmt.Fprintln(c.App.Writer, dryRunText)
	} else {
		fmt.Fprintf(c.App.Writer, "%s deleted\n", plural(plan.Objects, "object"))
	}
	return nil
}

func printPrunePlan(w io.Writer, screen screen, p *publish.PrunePlan) {
	for _, e := range p.Environments {
		retired := ""
		if e.Retired {
			retired = ", retired"
		}
		if !e.Expired.IsZero() {
			retired = ", retired: as a preview it ended at " + when(e.Expired)
		}
		fmt.Fprintf(w, "%s: %d kept, %d deleted%s\n", e.Name, len(e.Keep), len(e.Drop), retired)
		t := table{indent: "  ", columns: []column{{}, {}, {drop: 1}, {least: 10}}}
		for _, s := range e.Keep {
			t.row(cell{text: "keep"}, idCell(s.ID), cell{text: when(s.Built)}, cell{text: s.Why})
		}
		for _, s := range e.Drop {
			t.row(cell{text: "delete", colour: red}, idCell(s.ID), cell{text: when(s.Built)}, cell{})
		}
		_ = t.write(w, screen) // w says so itself when it fails
	}
	for _, kind := range []struct {
		what  string
		count publish.PruneCount
	}{{"snapshots", p.Snapshots}, {"packages", p.Packages}, {"responses", p.Responses}, {"tags", p.Tags}, {"indexes", p.Indexes}} {
		if (kind.what == "indexes" || kind.what == "tags") && kind.count.Objects == 0 {
			continue // most environments have none
		}
		fmt.Fprintf(w, "%-9s  %6s objects, %s to delete\n", kind.what, grouped(kind.count.Objects), size(kind.count.Bytes))
	}
	fmt.Fprintf(w, "%-9s  %6s objects, %s to delete; %s objects, %s stay\n", "all", grouped(p.Objects), size(p.Bytes), grouped(p.Kept.Objects), size(p.Kept.Bytes))
	if p.Leftovers.Objects > 0 {
		fmt.Fprintf(w, "%s that killed writers left unfinished, %s to delete\n", plural(p.Leftovers.Objects, "file"), size(p.Leftovers.Bytes))
	}
	if p.Unknown > 0 {
		fmt.Fprintf(w, "%s that regsnap did not write stay: %s", plural(p.Unknown, "object"), clean(p.UnknownNames[0]))
		if p.Unknown > 1 {
			fmt.Fprint(w, ", …")
		}
		fmt.Fprintln(w)
	}
}
