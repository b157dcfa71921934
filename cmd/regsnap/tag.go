package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

func tagCommand() *cli.Command {
	return &cli.Command{
		Name:      "tag",
		Category:  groupOperate,
		Usage:     "give a snapshot a name, by which it is kept",
		ArgsUsage: "[TAG [SNAPSHOT]]",
		Description: `Names a snapshot of an environment, by default the live one. Wherever a command takes a
snapshot, it takes the name, and prune keeps the snapshot for as long as it has one.
Without a name it lists the tags. history, status and find show them, and mirror takes
them along with their snapshots.

A name that stands for another snapshot is refused (exit code 2) unless --force moves it.
A tag has small letters, digits, dots, hyphens and underscores, and cannot look like the
beginning of an id. Nothing is moved: what is live stays live.

Safe beside prune: a tag that is made while prune runs waits until that is done; if its
snapshot was deleted meanwhile it fails (exit code 5, or 1 if the snapshot was gone before).

   regsnap tag --bucket file:///srv/registry --env production release-8.5 --reason 'shipped with 8.5'
   regsnap tag --bucket file:///srv/registry --env production before-freeze previous
   regsnap tag --bucket file:///srv/registry
   regsnap rollback --bucket file:///srv/registry --env production release-8.5
   regsnap tag --bucket file:///srv/registry --env production --delete release-8.5`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envsFlag("all, for a list"), snapshotFlag("the live one"),
			&cli.BoolFlag{Name: "force", Usage: "replace what is there (a tag that names another snapshot)"},
			&cli.BoolFlag{Name: "delete", Usage: "take the name away"},
			dryRunFlag(), byFlag(), reasonFlag(), jsonFlag(),
		},
		Action: runTag,
	}
}

// taggedResult is what `regsnap tag TAG --json` prints.
type taggedResult struct {
	DryRun bool `json:"dry_run"`
	*publish.Tagged
}

// tagList is what `regsnap tag --json` prints.
type tagList struct {
	Tags []publish.NamedSnapshot `json:"tags"`
}

func runTag(c *cli.Context) error {
	name, named := c.Args().Get(0), c.Args().Get(1)
	switch {
	case c.Args().Len() > 2:
		return usagef("%s takes a tag and a snapshot, not %d arguments", c.Command.HelpName, c.Args().Len())
	case named != "" && c.String("snapshot") != "" && named != c.String("snapshot"):
		return usagef("%s or --snapshot %s? %s takes one snapshot", named, c.String("snapshot"), c.Command.HelpName)
	case named == "":
		named = c.String("snapshot")
	}
	switch {
	case name == "" && (c.Bool("delete") || c.Bool("force") || named != ""):
		return usagef("which tag? %s TAG", c.Command.HelpName)
	case name == "":
		return listTags(c)
	case c.Bool("delete") && (named != "" || c.Bool("force")):
		return usagef("--delete takes a name away from whatever it names: neither a snapshot nor --force goes with it")
	}
	if err := layout.ValidTag(name); err != nil {
		return usageError{err}
	}
	return changeTag(c, name, named)
}

func changeTag(c *cli.Context, name, named string) (err error) {
	n, err := note(c)
	if err != nil {
		return err
	}
	p, err := openPlace(c)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", p.bucket)
	id := ""
	if !c.Bool("delete") {
		if named == "" {
			named = "live"
		}
		if id, err = namedSnapshot(c.Context, p.bucket, p.env, named); err != nil {
			return err
		}
	}
	lease := p.bucket.Lease(leaseOptions(c, "tag"))
	defer releasing(c, &err, lease)
	var t *publish.Tagged
	switch {
	case c.Bool("dry-run"):
		t, err = p.bucket.PlanTag(c.Context, p.env, name, id, c.Bool("force"))
	case id == "":
		t, err = p.bucket.Untag(c.Context, p.env, name, n)
	default:
		t, err = lease.Tag(c.Context, p.env, name, id, n, c.Bool("force"))
	}
	switch {
	case errors.Is(err, publish.ErrTagTaken):
		return usageError{err}
	case errors.Is(err, publish.ErrNoTag):
		return usagef("%w%s", err, didYouMean(name, tagNames(c.Context, p.bucket, p.env)))
	case err != nil:
		return err
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, taggedResult{c.Bool("dry-run"), t})
	}
	fmt.Fprintln(c.App.Writer, taggedText(t, c.Bool("dry-run")))
	switch {
	case c.Bool("dry-run"):
		fmt.Fprintln(c.App.Writer, dryRunText)
	case t.Snapshot != "" && t.Changed:
		fmt.Fprintf(c.App.ErrWriter, "prune keeps it now; go back to it with:\n  regsnap rollback --env %s %s\n", t.Environment, t.Tag)
	}
	return nil
}

func taggedText(t *publish.Tagged, planned bool) string {
	verb := func(done, plan string) string {
		if planned {
			return plan
		}
		return done
	}
	switch {
	case t.Snapshot == "" && t.Before == "":
		return fmt.Sprintf("%s: the tag %s, which cannot be read, %s deleted", t.Environment, t.Tag, verb("is", "would be"))
	case t.Snapshot == "":
		return fmt.Sprintf("%s: the tag %s, which names %s, %s deleted", t.Environment, t.Tag, t.Before, verb("is", "would be"))
	case !t.Changed:
		return fmt.Sprintf("%s: the tag %s names %s already", t.Environment, t.Tag, t.Snapshot)
	case t.Before != "":
		return fmt.Sprintf("%s: the tag %s %s %s (was %s)", t.Environment, t.Tag, verb("names", "would name"), t.Snapshot, t.Before)
	}
	return fmt.Sprintf("%s: the tag %s %s %s", t.Environment, t.Tag, verb("names", "would name"), t.Snapshot)
}

func listTags(c *cli.Context) (err error) {
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	bucket, err := cfg.openBucket(c.Context, publish.Open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	stored, err := bucket.Snapshots(c.Context, "")
	if err != nil {
		return err
	}
	names, err := environmentNames(c.Context, cfg, bucket, stored, c.StringSlice("env"))
	if err != nil {
		return err
	}
	out := tagList{Tags: []publish.NamedSnapshot{}}
	var faults error
	for _, env := range names {
		tags, err := bucket.Tags(c.Context, env)
		if err != nil {
			return err
		}
		for _, t := range tags {
			if t.Fault != "" {
				faults = errors.Join(faults, fmt.Errorf("%w: %s", publish.ErrDamaged, t.Fault))
			}
		}
		out.Tags = append(out.Tags, tags...)
	}
	if c.Bool("json") {
		return errors.Join(printJSON(c.App.Writer, out), faults)
	}
	if len(out.Tags) == 0 {
		fmt.Fprintln(c.App.Writer, "no snapshot has a tag; regsnap tag --env NAME TAG makes one")
	}
	return errors.Join(printTags(c.App.Writer, screenOf(c), out.Tags, time.Now()), faults)
}

func printTags(w io.Writer, s screen, tags []publish.NamedSnapshot, now time.Time) error {
	t := table{columns: []column{{title: "ENVIRONMENT"}, {title: "TAG", least: 12}, {title: "SNAPSHOT"}, {title: "SINCE", drop: 2}, {title: "BY", least: 6, drop: 1}, {title: "REASON", least: 10}}}
	for _, tag := range tags {
		if tag.Fault != "" {
			t.row(cell{text: tag.Environment}, cell{text: tag.Name}, cell{text: "faulty, see below", colour: red}, cell{}, cell{}, cell{})
			continue
		}
		t.row(cell{text: tag.Environment}, cell{text: tag.Name}, idCell(tag.Snapshot), agoCell(tag.At, now), cell{text: orUnknown(tag.By)}, cell{text: clean(tag.Reason)})
	}
	return t.write(w, s)
}

// tagLine lists the tags of an environment where they are not the point.
func tagLine(tags []publish.NamedSnapshot) string {
	var out []string
	for _, t := range tags {
		if t.Fault == "" {
			out = append(out, t.Name+" ("+shortID(t.Snapshot)+")")
		}
	}
	return strings.TrimSpace(shortList(out))
}
