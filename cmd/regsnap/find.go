package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
)

func findCommand() *cli.Command {
	return &cli.Command{
		Name:      "find",
		Category:  groupOperate,
		Usage:     "say since when a package version is live, where, and from which commit",
		ArgsUsage: "NAME[-VERSION]",
		Description: `For each environment: since when the version was live and until when, with which
snapshot it came, from which branch, commit and author, and which snapshots in the
bucket have it. Without a version it lists all of them. Where content was replaced
under the same version, each content has a line.

The audit log and a few manifests tell it. The commit is the one that the snapshot was
built from; with a source (--source git:PATH) it is the one that made this content. A
time with "before" is the oldest on record: it was live already.

   regsnap find --bucket file:///srv/registry nginx-1.6.0
   regsnap find --bucket s3://registry?region=eu-west-1 --env production --source git:. nginx`,
		Flags:  []cli.Flag{configFlag(), sourceFlag(), bucketFlag(), envsFlag("all"), jsonFlag()},
		Action: runFind,
	}
}

// changeFinder is a source that knows which commit made a content.
type changeFinder interface {
	LastChangeFrom(ctx context.Context, from index.ID, path string) (*index.Commit, error)
}

// foundResult is what `regsnap find --json` prints.
type foundResult struct {
	Found []find.Found `json:"found"`
}

func runFind(c *cli.Context) (err error) {
	if c.Args().Len() != 1 {
		return usagef("which package? Give NAME-VERSION, or NAME for all versions")
	}
	q, ok := find.ParseQuery(c.Args().First())
	if !ok {
		return usagef("%q is not a package: want NAME-VERSION such as nginx-1.2.3, or NAME", c.Args().First())
	}
	cfg, err := settings(c)
	if err != nil {
		return err
	}
	bucket, err := cfg.openBucket(c.Context, publish.Open)
	if err != nil {
		return err
	}
	defer closing(&err, "bucket", bucket)
	var src source
	if cfg.Source != "" {
		if src, err = cfg.openSource(c.Context); err != nil {
			return err
		}
		defer closing(&err, "source", src)
	}
	found, known, faults, err := findIn(c.Context, cfg, bucket, c.StringSlice("env"), q)
	if err != nil {
		return err
	}
	if finder, ok := src.(changeFinder); ok {
		if err := addChanges(c.Context, finder, found); err != nil {
			return err
		}
	}
	if len(found) == 0 {
		if faults != nil {
			return faults // what could not be read may have it
		}
		return errNotFound(q, known)
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, foundResult{found})
	} else {
		err = printFound(c.App.Writer, screenOf(c), q, found, time.Now())
	}
	return errors.Join(err, faults)
}

// findIn looks for a package in the environments of --env, or in all. known are the
// package versions that were seen, by name.
func findIn(ctx context.Context, cfg config, bucket *publish.Bucket, only []string, q find.Query) (found []find.Found, known map[string][]string, faults, err error) {
	stored, err := bucket.Snapshots(ctx, "")
	if err != nil {
		return nil, nil, nil, err
	}
	names, err := environmentNames(ctx, cfg, bucket, stored, only)
	if err != nil {
		return nil, nil, nil, err
	}
	known = map[string][]string{}
	for _, env := range names {
		r, err := find.Find(ctx, bucket, env, stored[env], q)
		if err != nil {
			return nil, nil, nil, err
		}
		found, faults = append(found, r.Found...), errors.Join(faults, r.Faults)
		for name, versions := range r.Names {
			known[name] = append(known[name], versions...)
		}
	}
	return found, known, faults, nil
}

// errNotFound suggests another version of the package, or another package.
func errNotFound(q find.Query, known map[string][]string) error {
	if versions := known[q.Name]; len(versions) > 0 {
		slices.Sort(versions)
		versions = slices.Compact(versions)
		return usagef("no snapshot has %s-%s, and none is on record that had it%s; there are %s", q.Name, q.Version, didYouMean(q.Version, versions), shortList(versions))
	}
	return usagef("no snapshot has a package %q, and none is on record that had it%s", q.Name, didYouMean(q.Name, slices.Sorted(maps.Keys(known))))
}

// shortList names as many as fit a message.
func shortList(list []string) string {
	const most = 10
	if len(list) > most {
		return strings.Join(list[:most], ", ") + ", …"
	}
	return strings.Join(list, ", ")
}

// addChanges asks a source which commits made what was found. What it does not know,
// as of a commit that it lacks, stays empty.
func addChanges(ctx context.Context, src changeFinder, found []find.Found) error {
	for i := range found {
		for j := range found[i].Periods {
			p := &found[i].Periods[j]
			if p.Origin == nil || p.Origin.Commit == "" {
				continue
			}
			id, err := index.ParseID(p.Origin.Commit)
			if err != nil {
				continue
			}
			for _, path := range []string{"packages/" + found[i].Name + "/" + found[i].Version, "packages/" + found[i].Name + "/" + found[i].Version + ".zip"} {
				change, err := src.LastChangeFrom(ctx, id, path)
				if err != nil && !errors.Is(err, index.ErrNoObject) {
					return err
				}
				if change != nil {
					p.Change = change
					break
				}
			}
		}
	}
	return nil
}

func printFound(w io.Writer, s screen, q find.Query, found []find.Found, now time.Time) error {
	t := table{columns: []column{
		{title: "VERSION", least: 10}, {title: "ENVIRONMENT"}, {title: "LIVE SINCE"}, {title: "UNTIL"}, {title: "SNAPSHOTS", right: true, drop: 5}, {title: "FIRST SNAPSHOT", drop: 3},
		{title: "BRANCH", drop: 2}, {title: "COMMIT"}, {title: "AUTHOR", least: 8, drop: 1}, {title: "SUBJECT", least: 12, drop: 4},
	}}
	for _, f := range found {
		snapshots := cell{text: grouped(len(f.Snapshots))}
		if len(f.Periods) == 0 {
			t.row(cell{text: clean(f.Version)}, cell{text: f.Environment}, cell{text: "never", colour: dim}, cell{}, snapshots)
		}
		for _, p := range f.Periods {
			commit, author, subject := origin(p)
			t.row(cell{text: clean(f.Version)}, cell{text: f.Environment}, sinceCell(p, now), untilCell(p), snapshots, idCell(p.First), cell{text: p.Branch},
				cell{text: commit[:min(12, len(commit))], short: commit[:min(8, len(commit))]}, cell{text: clean(author)}, cell{text: clean(subject)})
		}
	}
	fmt.Fprintln(w, q.Name)
	if err := t.write(w, s); err != nil || q.Version == "" {
		return err
	}
	for _, f := range found {
		if len(f.Snapshots) > 0 {
			fmt.Fprintf(w, "snapshots of %s that have it: %s\n", f.Environment, snapshotList(f.Snapshots))
			if len(f.Tags) > 0 {
				fmt.Fprintf(w, "  with the tags %s\n", shortList(f.Tags))
			}
		} else {
			fmt.Fprintf(w, "no snapshot of %s that is still in the bucket has it\n", f.Environment)
		}
	}
	return nil
}

// origin is the commit that made a content, as far as it is known.
func origin(p find.Period) (commit, author, subject string) {
	switch {
	case p.Change != nil:
		return p.Change.Hash, p.Change.Author, p.Change.Subject
	case p.Origin != nil:
		return p.Origin.Commit, p.Origin.Author, p.Origin.Subject
	}
	return "", "", ""
}

func snapshotList(list []publish.Stored) string {
	var out []string
	for _, s := range list {
		out = append(out, shortID(s.ID))
	}
	return shortList(out)
}

func sinceCell(p find.Period, now time.Time) cell {
	switch {
	case p.Since.IsZero():
		return cell{text: "not on record", colour: dim}
	case p.Earlier:
		return cell{text: "before " + when(p.Since), short: "before " + p.Since.UTC().Format(time.DateOnly)}
	}
	c := agoCell(p.Since, now)
	return cell{text: when(p.Since), short: c.short}
}

func untilCell(p find.Period) cell {
	switch {
	case p.Until.IsZero() && p.Later:
		return cell{text: "not on record", colour: dim}
	case p.Until.IsZero():
		return cell{text: "live", colour: green}
	}
	why := ""
	if p.Ended != nil && p.Ended.Kind != layout.MovePublish {
		why = " (" + string(p.Ended.Kind) + ")"
	}
	c := cell{text: when(p.Until) + why, short: p.Until.UTC().Format(time.DateOnly)}
	if p.Later {
		c = cell{text: "after " + when(p.Until), short: "after " + c.short}
	}
	return c
}
