package main

import (
	"errors"
	"fmt"
	"io"
	"os/user"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// note is what is recorded with a move.
func note(c *cli.Context) (publish.Note, error) {
	n := publish.Note{By: actor(c), Reason: c.String("reason")}
	if err := layout.ValidNote(n.By, n.Reason); err != nil {
		return n, usageError{err}
	}
	return n, nil
}

// actor is who makes a change: what --by or CI says, else the account that runs
// the program; "" where that has no name, as in many containers.
func actor(c *cli.Context) string {
	if by := c.String("by"); by != "" {
		return by
	}
	account, err := user.Current()
	if err != nil || layout.ValidNote(account.Username, "") != nil {
		return ""
	}
	return account.Username
}

// place is the environment and the bucket that a command is about.
type place struct {
	cfg    config
	env    string
	bucket *publish.Bucket
}

// openPlace reads --config, --env and --bucket. The bucket must be closed.
func openPlace(c *cli.Context) (place, error) {
	cfg, err := settings(c)
	if err != nil {
		return place{}, err
	}
	env, err := oneEnv(c)
	if err != nil {
		return place{}, err
	}
	bucket, err := cfg.openEnvironment(c.Context, env)
	return place{cfg: cfg, env: env, bucket: bucket}, err
}

// leaseOptions describe this process to whoever has to wait for it.
func leaseOptions(c *cli.Context, purpose string) publish.LeaseOptions {
	return publish.LeaseOptions{Purpose: purpose, By: actor(c), Waiting: sayWaiting(c.App.ErrWriter)}
}

// waitingEvery is how often a line says that prune is still at work.
const waitingEvery = 30 * time.Second

func sayWaiting(w io.Writer) func(layout.Lease) {
	var said time.Time
	return func(prune layout.Lease) {
		if time.Since(said) < waitingEvery {
			return
		}
		said = time.Now()
		fmt.Fprintf(w, "waiting: %s is pruning the bucket", orUnknown(prune.By))
		if !prune.Since.IsZero() {
			fmt.Fprintf(w, " since %s", when(prune.Since))
		}
		fmt.Fprintln(w)
	}
}

// releasing ends a lease and keeps its error if there is no other: the work is
// done, but the next one would have to wait.
func releasing(c *cli.Context, err *error, l *publish.Lease) {
	if e := l.Release(c.Context); e != nil {
		*err = errors.Join(*err, e)
	}
}

func orUnknown(who string) string {
	if who == "" {
		return "someone"
	}
	return clean(who)
}

// when writes a time for people, in UTC and to the minute.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

// age writes how long ago a time was, in the largest unit that fits.
func age(t time.Time, now time.Time) string {
	d := now.Sub(t)
	switch {
	case t.IsZero():
		return "-"
	case d < time.Minute:
		return "now"
	case d < time.Hour:
		return fmt.Sprintf("%d min", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", d/time.Hour)
	}
	return fmt.Sprintf("%d d", d/(24*time.Hour))
}

// agoCell is a time for a table: how long ago, and if there is room when.
func agoCell(t, now time.Time) cell {
	text := age(t, now)
	switch {
	case t.IsZero():
		return cell{text: text}
	case text != "now":
		text += " ago"
	}
	return cell{text: text + " (" + when(t) + ")", short: text}
}

// signature tells who did something, when and why.
func signature(by, reason string, at time.Time) string {
	s := "by " + orUnknown(by) + " at " + when(at)
	if reason != "" {
		s += ": " + clean(reason)
	}
	return s
}

// changeCounts writes "+1 -0 ~2".
func changeCounts(p *publish.PackageChanges) string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("+%d -%d ~%d", len(p.Added), len(p.Removed), len(p.Changed))
}

// maxListed is how many packages or requests a text report lists of a kind.
const maxListed = 20

// printChanges lists packages, a line each.
func printChanges(w io.Writer, p publish.PackageChanges, all bool) {
	for _, kind := range []struct {
		mark string
		list []publish.PackageChange
	}{{"+", p.Added}, {"-", p.Removed}, {"~", p.Changed}} {
		for i, change := range kind.list {
			if i == maxListed && !all {
				fmt.Fprintf(w, "  %s … and %d more (--all lists them)\n", kind.mark, len(kind.list)-i)
				break
			}
			fmt.Fprintf(w, "  %s %s%s\n", kind.mark, change.ID(), changeDetail(change))
		}
	}
}

func changeDetail(c publish.PackageChange) string {
	var parts []string
	if c.OldRevision != "" && c.NewRevision != "" {
		if c.OldRevision == c.NewRevision && c.OldBranch == c.NewBranch {
			parts = append(parts, "only what its documents show of other packages")
		} else if c.OldRevision != c.NewRevision {
			parts = append(parts, "content")
		}
		if c.OldBranch != c.NewBranch {
			parts = append(parts, "from "+c.OldBranch+" to "+c.NewBranch)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}

// sayUnrecorded warns of a move that the audit log does not have yet.
func sayUnrecorded(w io.Writer, m *publish.Moved) {
	if m.Unrecorded != "" {
		fmt.Fprintf(w, "warning: this move is not in the audit log yet, the next one records it: %s\n", clean(m.Unrecorded))
	}
}
