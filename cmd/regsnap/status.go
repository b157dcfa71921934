package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
)

func statusCommand() *cli.Command {
	return &cli.Command{
		Name:      "status",
		Category:  groupOperate,
		Usage:     "show all environments at a glance, where a package is, or a rollout",
		ArgsUsage: "[NAME[-VERSION]]",
		Description: `For each environment: the live snapshot, since when, how many packages, whether it
is pinned, and how many newer snapshots are in the bucket but not live. With a
source, how many commits of each branch the live snapshot is behind. What is damaged
(exit code 7), or written by a newer regsnap (12), is said after all others are shown.

With a package it says in which environments each of its versions is live, since when and
from which commit, and how to promote what is not in the next branch yet. With a source
also which branches hold it, and what is missing to move on: what lint says of it there,
who owns it, and whether a pull request has to be approved.

With --watch it asks the hosts of the environments, or the edges at --edge, until all of
them show what is live (exit code 15 if --timeout ends first). An edge does not say which
snapshot it shows: it is asked, by HEAD where that will do, for a search, a document and
an archive that the live snapshot and the previous one answer differently. A host shows what is
live, the previous snapshot, an older one, several (caches keep kinds of answers for
different times), another answer, or none. On a terminal the table is drawn again; in a
pipe each change is a line, with --json a line of JSON.

   regsnap status --bucket file:///srv/registry
   regsnap status --bucket file:///srv/registry --source git:. nginx
   regsnap status --bucket s3://registry?region=eu-west-1 --source git:. --json
   regsnap status --watch --env production
   regsnap status --watch --bucket s3://registry?region=eu-west-1 --env production --edge https://d111111abcdef8.cloudfront.net --host epr.example.org`,
		Flags:  append([]cli.Flag{configFlag(), sourceFlag(), bucketFlag(), envsFlag("all"), jsonFlag()}, watchFlags()...),
		Action: runStatus,
	}
}

// statusResult is what `regsnap status --json` prints.
type statusResult struct {
	Environments []environmentStatus `json:"environments"`
}

// environmentStatus adds what only a source can tell.
type environmentStatus struct {
	*publish.Status
	Hostname string         `json:"hostname,omitempty"`
	Behind   []branchBehind `json:"behind,omitempty"`
	// Index is set if the environment is to have an index of package storage v2.
	Index *storagev2.State `json:"package_storage,omitempty"`
}

// branchBehind is a branch that has moved on, or cannot be compared.
type branchBehind struct {
	Branch string `json:"branch"`
	// Commits is how many the live snapshot lacks; -1 when its commit is not
	// in the branch's history, which Why explains.
	Commits int    `json:"commits"`
	Head    string `json:"head,omitempty"`
	Why     string `json:"why,omitempty"`
}

func runStatus(c *cli.Context) (err error) {
	if c.Args().Len() > 1 {
		return usagef("%s takes one package, not %d", c.Command.HelpName, c.Args().Len())
	}
	if err := checkWatch(c); err != nil {
		return err
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
	if c.Bool("watch") {
		return runWatch(c, cfg, bucket)
	}
	var src source
	if cfg.Source != "" {
		if src, err = cfg.openSource(c.Context); err != nil {
			return err
		}
		defer closing(&err, "source", src)
	}
	if c.Args().Present() {
		return runPackageStatus(c, cfg, bucket, src)
	}
	all, faults, err := statuses(c.Context, cfg, bucket, src, c.StringSlice("env"))
	if err != nil {
		return err
	}
	if c.Bool("json") {
		err = printJSON(c.App.Writer, statusResult{all})
	} else {
		err = printStatus(c.App.Writer, screenOf(c), all, src != nil, time.Now())
		printIndexes(c.App.Writer, all)
	}
	return errors.Join(err, faults)
}

// statuses are those of the configured environments, and of any other that the
// bucket has. What is wrong with one, faults, keeps no other from being shown.
func statuses(ctx context.Context, cfg config, bucket *publish.Bucket, src source, only []string) (out []environmentStatus, faults, err error) {
	stored, err := bucket.Snapshots(ctx, "")
	if err != nil {
		return nil, nil, err
	}
	names, err := environmentNames(ctx, cfg, bucket, stored, only)
	if err != nil {
		return nil, nil, err
	}
	out = []environmentStatus{}
	for _, name := range names {
		s, err := bucket.Status(ctx, name, stored[name])
		if s == nil {
			return nil, nil, err
		}
		if err != nil {
			faults = errors.Join(faults, err)
		}
		e := environmentStatus{Status: s, Hostname: cfg.hostOf(s), Index: indexState(ctx, cfg, bucket, name)}
		if src != nil {
			if e.Behind, err = behind(ctx, src, s); err != nil {
				return nil, nil, err
			}
		}
		out = append(out, e)
	}
	return out, faults, nil
}

// hostOf is where an environment is answered for, if that is known.
func (c config) hostOf(s *publish.Status) string {
	e, configured := c.Environments[s.Environment]
	if hosts := c.previewHosts(); !configured && s.Preview != nil && hosts != "" {
		return hosts.Of(s.Environment)
	}
	return e.Hostname
}

// environmentNames are those of --env, or all that are configured or have a
// pointer or snapshots in the bucket.
func environmentNames(ctx context.Context, cfg config, bucket *publish.Bucket, stored map[string][]publish.Stored, only []string) ([]string, error) {
	names := cfg.names()
	found, err := bucket.Environments(ctx)
	if err != nil {
		return nil, err
	}
	for _, name := range append(found, slices.Sorted(maps.Keys(stored))...) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return nil, errNoEnvironment(name, names)
		}
	}
	if len(only) > 0 {
		names = only
	}
	return names, nil
}

// historian is a source that knows more of a branch than its newest commit.
type historian interface {
	// CommitsSince counts the commits of a branch that are not in the history
	// of a commit. index.ErrNoObject: the source does not have that commit.
	CommitsSince(ctx context.Context, branch, commit string) (int, error)
}

func behind(ctx context.Context, src source, s *publish.Status) ([]branchBehind, error) {
	var out []branchBehind
	for _, live := range s.Branches {
		b := branchBehind{Branch: live.Name}
		branch, err := src.Branch(ctx, live.Name)
		switch {
		case errors.Is(err, index.ErrNoBranch), errors.Is(err, index.ErrEmptyBranch):
			b.Commits, b.Why = -1, "the source has no such branch, or nothing in it"
		case err != nil:
			return nil, err
		case branch.Commit == nil, live.Commit == "":
			b.Commits, b.Why = -1, "it was built from, or is now, no commit"
		default:
			b.Head = branch.Commit.Hash
			if b.Head == live.Commit {
				break
			}
			b.Commits, b.Why = -1, "the live commit is not in the source"
			if h, ok := src.(historian); ok {
				n, err := h.CommitsSince(ctx, live.Name, live.Commit)
				if err != nil && !errors.Is(err, index.ErrNoObject) {
					return nil, err
				}
				if err == nil {
					b.Commits, b.Why = n, ""
				}
			}
		}
		out = append(out, b)
	}
	return out, nil
}

func printStatus(w io.Writer, screen screen, all []environmentStatus, source bool, now time.Time) error {
	t := table{columns: []column{
		{title: "ENVIRONMENT"}, {title: "LIVE SNAPSHOT"}, {title: "SINCE", drop: 3}, {title: "PACKAGES", right: true, drop: 2}, {title: "NEWER", right: true, drop: 4},
		{title: "BEHIND", least: 12, drop: 1}, {title: "STATE", least: 14},
	}}
	for _, s := range all {
		state, colour := "published", green
		switch {
		case s.Fault != "":
			state, colour = "faulty, see below", red
		case s.Live == "":
			state, colour = "never published", dim
		case s.Pinned != nil:
			state, colour = "pinned "+signature(s.Pinned.By, s.Pinned.Reason, s.Pinned.At), yellow
		case s.LastMove != nil:
			state = string(s.LastMove.Kind) + " " + signature(s.LastMove.By, s.LastMove.Reason, s.LastMove.At)
		}
		if s.Preview != nil && s.Fault == "" {
			state = previewText(s.Preview, s.Pinned != nil, now) + ", " + state
		}
		live, packages := idCell(s.Live), grouped(s.Packages)
		if s.Live == "" {
			live, packages = cell{text: "-"}, "-"
		}
		behind := ""
		if source {
			behind = behindText(s.Behind)
		}
		t.row(cell{text: s.Environment}, live, agoCell(s.Since, now), cell{text: packages}, cell{text: strconv.Itoa(len(s.Waiting))}, cell{text: behind}, cell{text: state, colour: colour})
	}
	if err := t.write(w, screen); err != nil {
		return err
	}
	for _, s := range all {
		if line := tagLine(s.Tags); line != "" {
			fmt.Fprintf(w, "tags of %s: %s\n", s.Environment, line)
		}
	}
	return nil
}

// previewText is how much of its time a preview has left.
func previewText(p *layout.Preview, pinned bool, now time.Time) string {
	switch {
	case pinned:
		return "preview"
	case p.Expired(now):
		return "preview, over: prune ends it"
	}
	if p.Until.Sub(now) < time.Minute {
		return "preview, less than a minute left"
	}
	return "preview, " + age(now, p.Until) + " left"
}

// behindText is "up to date", or what each branch lacks: "production 2, staging ?".
func behindText(list []branchBehind) string {
	if len(list) == 0 {
		return "-"
	}
	text := ""
	for _, b := range list {
		n := strconv.Itoa(b.Commits)
		switch b.Commits {
		case 0:
			continue
		case -1:
			n = "?"
		}
		if text != "" {
			text += ", "
		}
		text += b.Branch + " " + n
	}
	if text == "" {
		return "up to date"
	}
	return text
}
