package main

import (
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
)

// printed compares what a command prints with what it is to.
func printed(t *testing.T, what string, print func(w *strings.Builder) error, want string) {
	t.Helper()
	var out strings.Builder
	if err := print(&out); err != nil {
		t.Errorf("%s: %v", what, err)
	}
	if got := out.String(); got != strings.TrimPrefix(want, "\n") {
		t.Errorf("%s:\n%s\nwant\n%s", what, got, want)
	}
}

func TestStatusIsPrinted(t *testing.T) {
	status := func(change func(*publish.Status)) environmentStatus {
		s := &publish.Status{Environment: "prod", Live: oneID, Since: noon.Add(-3 * time.Hour), Packages: 1200, Waiting: make([]publish.Stored, 2)}
		change(s)
		return environmentStatus{Status: s, Behind: []branchBehind{{Branch: "b", Commits: 3}}}
	}
	move := &layout.Move{Kind: layout.MoveRollback, At: noon.Add(-3 * time.Hour), By: "Ada", Reason: "because"}
	all := []environmentStatus{
		status(func(*publish.Status) {}),
		status(func(s *publish.Status) { s.LastMove = move }),
		status(func(s *publish.Status) { s.LastMove, s.Pinned = move, &layout.Pin{At: noon, By: "Bob"} }),
		status(func(s *publish.Status) { s.Live, s.Since, s.Packages, s.Waiting = "", time.Time{}, 0, nil }),
		status(func(s *publish.Status) { s.Fault, s.Preview = "damaged", &layout.Preview{Until: noon} }),
		status(func(s *publish.Status) {
			s.Preview, s.Tags = &layout.Preview{Until: noon.Add(3 * time.Hour)}, []publish.NamedSnapshot{namedTag("a", oneID, ""), namedTag("b", "", "x")}
		}),
	}
	printed(t, "with a source", func(w *strings.Builder) error { return printStatus(w, screen{}, all, true, noon) }, `
ENVIRONMENT  LIVE SNAPSHOT                  SINCE                           PACKAGES  NEWER  BEHIND  STATE
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  b 3     published
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  b 3     rollback by Ada at 2024-05-06 09:00 UTC: because
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  b 3     pinned by Bob at 2024-05-06 12:00 UTC
prod         -                              -                                      -      0  b 3     never published
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  b 3     faulty, see below
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  b 3     preview, 3 h left, published
tags of prod: a (01234567)
`)
	printed(t, "without one", func(w *strings.Builder) error { return printStatus(w, screen{}, all[:1], false, noon) }, `
ENVIRONMENT  LIVE SNAPSHOT                  SINCE                           PACKAGES  NEWER  STATE
prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  published
`)
	printed(t, "in colour", func(w *strings.Builder) error { return printStatus(w, screen{colour: true}, all[2:3], false, noon) },
		"\x1b[1mENVIRONMENT\x1b[0m  \x1b[1mLIVE SNAPSHOT\x1b[0m                  \x1b[1mSINCE\x1b[0m                           \x1b[1mPACKAGES\x1b[0m  \x1b[1mNEWER\x1b[0m  \x1b[1mSTATE\x1b[0m\n"+
			"prod         20240501T070809Z-0123456789ab  3 h ago (2024-05-06 09:00 UTC)     1,200      2  \x1b[33mpinned by Bob at 2024-05-06 12:00 UTC\x1b[0m\n")
}

func TestHistoryIsPrinted(t *testing.T) {
	branches := []publish.Branch{{Name: "b", Commit: "0123456789abcdef", Author: "Ada", Subject: "one"}, {Name: "c"}}
	h := &publish.History{Environment: "prod", Pointer: &layout.Pointer{Snapshot: twoID, Pinned: &layout.Pin{By: "Ada", At: noon, Reason: "why"}}, More: 1,
		Events: []publish.Event{
			{Stored: publish.Stored{ID: twoID, Built: noon}, Live: true, Branches: branches, Total: 1200, Changes: &publish.PackageChanges{Added: make([]publish.PackageChange, 2)}, Tags: []string{"x", "y"}},
			{Stored: publish.Stored{ID: oneID, Built: noon.Add(-time.Hour)}, Previous: true, Branches: branches[:1], Total: 7},
			{Stored: publish.Stored{ID: "20240430T070809Z-000000000000", Built: noon.Add(-time.Hour)}, Damaged: "cut\nshort"},
		},
		Moves: []publish.Recorded{
			{Audit: layout.Audit{Move: layout.Move{Kind: layout.MoveRollback, Pin: true, At: noon, Snapshot: twoID, By: "Ada", Reason: "why"}}},
			{Audit: layout.Audit{Move: layout.Move{Kind: layout.MovePublish, At: noon.Add(-time.Hour), Snapshot: oneID}}},
			{Damaged: "not JSON"},
		}}
	printed(t, "a history", func(w *strings.Builder) error { return printHistory(w, screen{}, h) }, `
prod: 4 snapshots, 20240502T070809Z-ba9876543210 is live
pinned by Ada at 2024-05-06 12:00 UTC: why

   SNAPSHOT                       TAG   BUILT                 PACKAGES  CHANGES   BRANCH  COMMIT        AUTHOR  SUBJECT
*  20240502T070809Z-ba9876543210  x, y  2024-05-06 12:00 UTC     1,200  +2 -0 ~0  b       0123456789ab  Ada     one
                                                                                  c       no commit
<  20240501T070809Z-0123456789ab        2024-05-06 11:00 UTC         7            b       0123456789ab  Ada     one
   20240430T070809Z-000000000000        2024-05-06 11:00 UTC            damaged                                 cut`+"\uFFFD"+`short
… and 1 snapshot before (--limit 0 shows all)

WHEN                  MOVE          SNAPSHOT                       BY       REASON
2024-05-06 12:00 UTC  rollback+pin  20240502T070809Z-ba9876543210  Ada      why
2024-05-06 11:00 UTC  publish       20240501T070809Z-0123456789ab  someone
?                     damaged       -                              -        not JSON
`)
	printed(t, "nothing", func(w *strings.Builder) error {
		return printHistory(w, screen{}, &publish.History{Environment: "prod"})
	}, "prod: 0 snapshots, none was ever live\n")
	printed(t, "one that is not live", func(w *strings.Builder) error {
		return printHistory(w, screen{}, &publish.History{Environment: "prod", Events: h.Events[1:2]})
	}, `
prod: 1 snapshot, none was ever live

   SNAPSHOT                       BUILT                 PACKAGES  BRANCH  COMMIT        AUTHOR  SUBJECT
<  20240501T070809Z-0123456789ab  2024-05-06 11:00 UTC         7  b       0123456789ab  Ada     one
`)
}

func TestFoundIsPrinted(t *testing.T) {
	stored := []publish.Stored{{ID: oneID}, {ID: twoID}}
	origin := &publish.Branch{Commit: "0123456789abcdef", Author: "Ada", Subject: "one"}
	found := []find.Found{
		{Environment: "prod", Name: "web", Version: "1.0.0", Live: true, Snapshots: stored, Tags: []string{"x"}, Periods: []find.Period{
			{Since: noon.Add(-time.Hour), First: twoID, Branch: "b", Origin: origin, Change: &index.Commit{Hash: "fedcba9876543210", Author: "Bob", Subject: "two"}},
			{Since: noon.Add(-3 * time.Hour), Earlier: true, Until: noon.Add(-2 * time.Hour), First: oneID, Ended: &layout.Move{Kind: layout.MoveRollback}, Origin: origin},
			{Until: noon.Add(-4 * time.Hour), Later: true, First: oneID, Ended: &layout.Move{Kind: layout.MovePublish}},
			{Since: noon.Add(-9 * time.Hour), Later: true, First: oneID},
		}},
		{Environment: "stage", Name: "web", Version: "1.0.0"},
	}
	printed(t, "a version", func(w *strings.Builder) error {
		return printFound(w, screen{}, find.Query{Name: "web", Version: "1.0.0"}, found, noon)
	}, `
web
VERSION  ENVIRONMENT  LIVE SINCE                   UNTIL                            SNAPSHOTS  FIRST SNAPSHOT                 BRANCH  COMMIT        AUTHOR  SUBJECT
1.0.0    prod         2024-05-06 11:00 UTC         live                                     2  20240502T070809Z-ba9876543210  b       fedcba987654  Bob     two
1.0.0    prod         before 2024-05-06 09:00 UTC  2024-05-06 10:00 UTC (rollback)          2  20240501T070809Z-0123456789ab          0123456789ab  Ada     one
1.0.0    prod         not on record                after 2024-05-06 08:00 UTC               2  20240501T070809Z-0123456789ab
1.0.0    prod         2024-05-06 03:00 UTC         not on record                            2  20240501T070809Z-0123456789ab
1.0.0    stage        never                                                                 0
snapshots of prod that have it: 01234567, ba987654
  with the tags x
no snapshot of stage that is still in the bucket has it
`)
	printed(t, "all versions", func(w *strings.Builder) error {
		return printFound(w, screen{}, find.Query{Name: "web"}, found[1:], noon)
	}, `
web
VERSION  ENVIRONMENT  LIVE SINCE  SNAPSHOTS
1.0.0    stage        never               0
`)
	if got := sinceCell(find.Period{Since: noon.Add(-time.Hour), Earlier: true}, noon).short; got != "before 2024-05-06" {
		t.Error(got)
	}
	if got := sinceCell(find.Period{Since: noon.Add(-time.Hour)}, noon).short; got != "1 h ago" {
		t.Error(got)
	}
	for want, p := range map[string]find.Period{"2024-05-06": {Until: noon}, "after 2024-05-06": {Until: noon, Later: true}} {
		if got := untilCell(p).short; got != want {
			t.Error(got)
		}
	}
	if got := errNotFound(find.Query{Name: "web", Version: "1.0.1"}, map[string][]string{"web": {"1.1.0", "1.0.0", "1.1.0"}}).Error(); !strings.HasSuffix(got, "; there are 1.0.0, 1.1.0") || !strings.HasPrefix(got, "no snapshot has web-1.0.1, and none is on record that had it") {
		t.Error(got)
	}
}

func TestPlanIsPrinted(t *testing.T) {
	p := &publish.PrunePlan{
		Environments: []publish.PruneEnvironment{
			{Name: "prod", Keep: []publish.PruneKept{{Stored: publish.Stored{ID: twoID, Built: noon}, Why: "live"}}, Drop: []publish.Stored{{ID: oneID, Built: noon.Add(-time.Hour)}}},
			{Name: "old", Retired: true}, {Name: "pr-1", Retired: true, Expired: noon},
		},
		Snapshots: publish.PruneCount{Objects: 2, Bytes: 2000}, Packages: publish.PruneCount{Objects: 1000, Bytes: 5}, Objects: 1002, Bytes: 2005, Kept: publish.PruneCount{Objects: 7, Bytes: 70},
	}
	const head = `
prod: 1 kept, 1 deleted
  keep    20240502T070809Z-ba9876543210  2024-05-06 12:00 UTC  live
  delete  20240501T070809Z-0123456789ab  2024-05-06 11:00 UTC
old: 0 kept, 0 deleted, retired
pr-1: 0 kept, 0 deleted, retired: as a preview it ended at 2024-05-06 12:00 UTC
snapshots       2 objects, 2.0 kB to delete
packages    1,000 objects, 5 B to delete
responses       0 objects, 0 B to delete
`
	const sum = "all         1,002 objects, 2.0 kB to delete; 7 objects, 70 B stay\n"
	show := func(w *strings.Builder) error { printPrunePlan(w, screen{}, p); return nil }
	printed(t, "a plan", show, head+sum)
	p.Unknown, p.UnknownNames = 1, []string{"a\n"}
	printed(t, "one object of others", show, head+sum+"1 object that regsnap did not write stay: a\uFFFD\n")
	p.Unknown, p.UnknownNames, p.Leftovers = 2, []string{"a", "b"}, publish.PruneCount{Objects: 1, Bytes: 3}
	p.Tags, p.Indexes = publish.PruneCount{Objects: 1, Bytes: 9}, publish.PruneCount{Objects: 1, Bytes: 8}
	printed(t, "two, and what was left", show, head+"tags            1 objects, 9 B to delete\nindexes         1 objects, 8 B to delete\n"+sum+
		"1 file that killed writers left unfinished, 3 B to delete\n2 objects that regsnap did not write stay: a, …\n")
	printed(t, "tags", func(w *strings.Builder) error {
		return printTags(w, screen{}, []publish.NamedSnapshot{namedTag("a", oneID, ""), namedTag("b", "", "x")}, noon)
	}, `
ENVIRONMENT  TAG  SNAPSHOT                       SINCE                           BY   REASON
production   a    20240501T070809Z-0123456789ab  1 h ago (2024-05-06 11:00 UTC)  Ada  because
production   b    faulty, see below
`)
}
