package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
)

func diffCommand() *cli.Command {
	return &cli.Command{
		Name:      "diff",
		Category:  groupOperate,
		Usage:     "compare two snapshots: packages, and which requests answer differently",
		ArgsUsage: "OLD NEW",
		Description: `OLD and NEW are snapshot ids of --env, "live" and "previous" of --env, an environment
(its live snapshot), or ENVIRONMENT/ID. Lists the package versions that were added
(+), removed (-) or changed (~), and the requests that answer differently: searches
and categories in classes, each with an example, and the paths of documents,
archives and files. --urls prints nothing but the requests, a line each.

   regsnap diff --bucket file:///srv/registry --env production previous live
   regsnap diff --bucket file:///srv/registry staging production
   regsnap diff --bucket file:///srv/registry --env production --urls previous live`,
		Flags: []cli.Flag{
			configFlag(), bucketFlag(), envFlag("(for snapshots without one)"),
			allFlag(),
			&cli.BoolFlag{Name: "urls", Usage: "print only the requests whose answer differs, a line each"},
			jsonFlag(),
		},
		Action: runDiff,
	}
}

func runDiff(c *cli.Context) (err error) {
	if c.Args().Len() != 2 {
		return usagef("regsnap diff compares two snapshots, OLD and NEW")
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
	env, err := oneEnv(c)
	if err != nil {
		return err
	}
	var refs [2]publish.SnapshotRef
	for i := range refs {
		if refs[i], err = snapshotRef(c.Context, bucket, env, c.Args().Get(i)); err != nil {
			return err
		}
	}
	d, err := bucket.Diff(c.Context, refs[0], refs[1])
	if err != nil {
		return err
	}
	switch {
	case c.Bool("urls"):
		for _, u := range d.URLs() {
			fmt.Fprintln(c.App.Writer, u)
		}
		return nil
	case c.Bool("json"):
		return printJSON(c.App.Writer, d)
	}
	printDiff(c.App.Writer, d, c.Bool("all"))
	return nil
}

// snapshotRef reads how the command line names a snapshot: ENV/NAME, NAME of
// the environment of --env, or ENV for the live one. An environment goes before a tag
// of the same name.
func snapshotRef(ctx context.Context, b *publish.Bucket, env, arg string) (publish.SnapshotRef, error) {
	name, id, both := strings.Cut(arg, "/")
	switch {
	case both:
		env = name
	case arg == "live", arg == "previous", strings.Contains(arg, "@"), arg != "" && arg[0] >= '0' && arg[0] <= '9':
		id = arg
	default:
		isTag, err := tagNotEnvironment(ctx, b, env, arg)
		if err != nil {
			return publish.SnapshotRef{}, err
		}
		if isTag {
			id = arg
		} else {
			env, id = arg, "live"
		}
	}
	if env == "" {
		return publish.SnapshotRef{}, usagef("%s of which environment? Give --env NAME, or NAME/%s", arg, arg)
	}
	if !layout.ValidEnvironment(env) {
		return publish.SnapshotRef{}, usagef("%q is neither a snapshot nor an environment", arg)
	}
	id, err := namedSnapshot(ctx, b, env, id)
	return publish.SnapshotRef{Environment: env, ID: id}, err
}

// tagNotEnvironment reports whether a name is a tag of the environment of --env, and
// not an environment.
func tagNotEnvironment(ctx context.Context, b *publish.Bucket, env, name string) (bool, error) {
	if env == "" || layout.ValidTag(name) != nil {
		return false, nil
	}
	names, err := b.Environments(ctx)
	if err != nil || slices.Contains(names, name) {
		return false, err
	}
	tags, err := b.Tags(ctx, env)
	return slices.ContainsFunc(tags, func(t publish.NamedSnapshot) bool { return t.Name == name }), err
}

func printDiff(w io.Writer, d *publish.Diff, all bool) {
	fmt.Fprintf(w, "from %s to %s\n", d.Old, d.New)
	if d.Packages.None() && len(d.Answers)+len(d.Documents)+len(d.Pages) == 0 {
		fmt.Fprintln(w, "no request answers differently")
		return
	}
	fmt.Fprintf(w, "packages: %d added, %d removed, %d changed\n", len(d.Packages.Added), len(d.Packages.Removed), len(d.Packages.Changed))
	printChanges(w, d.Packages, all)
	fmt.Fprintf(w, "searches and categories: %s of change\n", plural(len(d.Answers), "kind"))
	for i, a := range d.Answers {
		if i == maxListed && !all {
			fmt.Fprintf(w, "  … and %d more (--all lists them)\n", len(d.Answers)-i)
			break
		}
		fmt.Fprintf(w, "  %s and %d like it\n", clean(a.URL), a.Queries-1)
		fmt.Fprintf(w, "    %s\n", entryText(a, all))
	}
	for _, kind := range []struct {
		what string
		list []string
	}{{"documents", d.Documents}, {"archives", d.Archives}, {"files", d.Files}, {"pages", d.Pages}} {
		fmt.Fprintf(w, "%s: %d\n", kind.what, len(kind.list))
		for i, p := range kind.list {
			if i == maxListed && !all {
				fmt.Fprintf(w, "  … and %d more (--all lists them)\n", len(kind.list)-i)
				break
			}
			fmt.Fprintf(w, "  %s\n", clean(p))
		}
	}
}

// entryText is "+nginx-1.1.0 -nginx-1.0.0 ~aws-2.0.0".
func entryText(a answer.AnswerChange, all bool) string {
	var parts []string
	for _, kind := range []struct {
		mark string
		list []string
	}{{"+", a.Added}, {"-", a.Removed}, {"~", a.Changed}} {
		for _, e := range kind.list {
			parts = append(parts, kind.mark+clean(e))
		}
	}
	if over := len(parts) - maxListed; over > 0 && !all {
		parts = append(parts[:maxListed], fmt.Sprintf("… and %d more", over))
	}
	return strings.Join(parts, ", ")
}
