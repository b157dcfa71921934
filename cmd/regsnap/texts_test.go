package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve/check"
)

// noon is a time that tests look back from.
var noon = time.Date(2024, 5, 6, 12, 0, 0, 0, time.UTC)

const (
	oneID = "20240501T070809Z-0123456789ab"
	twoID = "20240502T070809Z-ba9876543210"
)

// TestTimesAtTheirBounds: the longest time that is read, and the units that are written.
func TestTimesAtTheirBounds(t *testing.T) {
	for text, ok := range map[string]bool{
		"36500d": true, "36500d1ns": false, "36499d24h": true, "5214w2d": true, "5214w3d": false, "876000h": true, "876001h": false,
		"99999.999d": false, "0.001d": true, "0.0001d": false, "-0s": true, "-1s": false, "+1s": true, "1d+1s": false, "0d-1s": false, "0d+1s": true,
	} {
		if d, err := parseTime(text); (err == nil) != ok {
			t.Errorf("%s: %s, %v", text, d, err)
		}
	}
	for text, want := range map[string]string{"-1s": `"-1s" is negative, or more than 100 years`, "36501d": `"36501d" is negative, or more than 100 years`, "x": `"x" is not a length of time such as 30s, 10m, 12h, 14d or 2w`} {
		if _, err := parseTime(text); err == nil || err.Error() != want {
			t.Errorf("%s: %v", text, err)
		}
	}
	for d, want := range map[time.Duration]string{
		time.Second: "1s", 59 * time.Second: "59s", time.Minute: "1m", time.Minute + time.Second: "1m1s", 59 * time.Minute: "59m", time.Hour - time.Second: "59m59s", 23 * time.Hour: "23h", 24 * time.Hour: "1d",
		7 * 24 * time.Hour: "7d", 25*time.Hour + time.Minute + time.Second + time.Millisecond: "1d1h1m1.001s",
	} {
		if got := timeText(d); got != want {
			t.Errorf("%d: %s, want %s", d, got, want)
		}
	}
	for text, want := range map[string]float64{"100%": 1, "100.0%": 1, "1": 1, "5%": 0.05, " 5% ": 0.05, "0.05": 0.05, "1e-9%": 1e-11, "100.0001%": 0, "1.0001": 0, "0": 0, "0%": 0, "-1%": 0, "NaN": 0, "": 0, "%": 0, "5%%": 0, "x": 0, "5 %": 0, "+Inf": 0} {
		got, err := parseShare(text)
		var usage usageError
		if (err == nil) != (want > 0) || got != want && !(got > want*0.999 && got < want*1.001) || err != nil && !errors.As(err, &usage) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// TestAges: how long ago something was, in the largest unit that fits.
func TestAges(t *testing.T) {
	for ago, want := range map[time.Duration]string{
		-time.Hour: "now", 0: "now", time.Minute - 1: "now", time.Minute: "1 min", time.Hour - 1: "59 min", time.Hour: "1 h", 48*time.Hour - 1: "47 h", 48 * time.Hour: "2 d", 1000 * 24 * time.Hour: "1000 d",
	} {
		if got := age(noon.Add(-ago), noon); got != want {
			t.Errorf("%s: %s, want %s", ago, got, want)
		}
		wantCell := want + " ago"
		if want == "now" {
			wantCell = want
		}
		if got := agoCell(noon.Add(-ago), noon); got.short != wantCell || got.text != wantCell+" ("+when(noon.Add(-ago))+")" {
			t.Errorf("%s: %+v", ago, got)
		}
	}
	if age(time.Time{}, noon) != "-" || when(time.Time{}) != "-" || agoCell(time.Time{}, noon) != (cell{text: "-"}) {
		t.Error("no time is a dash")
	}
	if got := when(noon.In(time.FixedZone("", 3600))); got != "2024-05-06 12:00 UTC" {
		t.Error(got)
	}
	if got := signature("Ada\x1b", "because\n", noon); got != "by Ada\uFFFD at 2024-05-06 12:00 UTC: because\uFFFD" {
		t.Errorf("%q", got)
	}
	if got := signature("", "", noon); got != "by someone at 2024-05-06 12:00 UTC" {
		t.Error(got)
	}
	until := func(d time.Duration) *layout.Preview { return &layout.Preview{Until: noon.Add(d)} }
	for _, c := range []struct {
		left   time.Duration
		pinned bool
		want   string
	}{
		{-1, false, "preview, over: prune ends it"}, {0, false, "preview, over: prune ends it"}, {1, false, "preview, less than a minute left"}, {time.Minute - 1, false, "preview, less than a minute left"},
		{time.Minute, false, "preview, 1 min left"}, {25 * time.Hour, false, "preview, 25 h left"}, {-1, true, "preview"}, {time.Hour, true, "preview"},
	} {
		if got := previewText(until(c.left), c.pinned, noon); got != c.want {
			t.Errorf("%s left: %s", c.left, got)
		}
	}
	for _, c := range []struct {
		list []branchBehind
		want string
	}{
		{nil, "-"}, {[]branchBehind{{Branch: "a"}}, "up to date"}, {[]branchBehind{{Branch: "a", Commits: 2}, {Branch: "b"}, {Branch: "c", Commits: -1}}, "a 2, c ?"}, {[]branchBehind{{Branch: "a", Commits: 1}}, "a 1"},
	} {
		if got := behindText(c.list); got != c.want {
			t.Errorf("%v: %s", c.list, got)
		}
	}
}

func namedTag(name, snapshot, fault string) publish.NamedSnapshot {
	return publish.NamedSnapshot{Tag: layout.Tag{Environment: "production", Name: name, Snapshot: snapshot, By: "Ada", Reason: "because", At: noon.Add(-time.Hour)}, Fault: fault}
}

// TestLists: how many are named of many.
func TestLists(t *testing.T) {
	var names []string
	for i := range 11 {
		names = append(names, fmt.Sprint(i))
	}
	if got := shortList(names[:10]); got != "0, 1, 2, 3, 4, 5, 6, 7, 8, 9" {
		t.Error(got)
	}
	if got := shortList(names); got != "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, …" {
		t.Error(got)
	}
	for id, want := range map[string]string{oneID: "01234567", "a-1234567": "a-1234567", "a-12345678": "12345678", "12345678": "12345678", "": ""} {
		if got := shortID(id); got != want {
			t.Errorf("%s: %s", id, got)
		}
	}
	for n, want := range map[int]string{0: "0 faults", 1: "1 fault", 2: "2 faults", 1000: "1,000 faults"} {
		if got := plural(n, "fault"); got != want {
			t.Error(got)
		}
	}
	for n, want := range map[int]string{99: strings.Repeat("ä", 99), 100: strings.Repeat("ä", 100), 101: strings.Repeat("ä", 100) + "…"} {
		if got := shortened(strings.Repeat("ä", n)); got != want {
			t.Errorf("a subject of %d characters: %s", n, got)
		}
	}
	if got := tagLine([]publish.NamedSnapshot{namedTag("a", oneID, ""), namedTag("b", "", "x"), namedTag("c", twoID, "")}); got != "a (01234567), c (ba987654)" {
		t.Error(got)
	}
	if tagLine(nil) != "" || orDash("", 3) != "no commit" || orDash("ab", 3) != "ab" || orDash("abcd", 3) != "abc" || hidden(layout.ManifestBranch{}) != "" || hidden(layout.ManifestBranch{Hidden: 2}) != "2 hidden by branches before it" {
		t.Error("what is not there")
	}
}

// TestChangesAreListed: 20 of each kind, unless all are asked for.
func TestChangesAreListed(t *testing.T) {
	change := func(i int) publish.PackageChange {
		return publish.PackageChange{Name: "a", Version: fmt.Sprintf("1.%d.0", i)}
	}
	for n, want := range map[int]int{0: 0, 19: 19, 20: 20, 21: 21, 30: 21} {
		var p publish.PackageChanges
		for i := range n {
			p.Removed = append(p.Removed, change(i))
		}
		var out, all strings.Builder
		printChanges(&out, p, false)
		printChanges(&all, p, true)
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if n == 0 && out.String() == "" {
			continue
		}
		if len(lines) != want || strings.Count(all.String(), "\n") != n || lines[0] != "  - a-1.0.0" {
			t.Errorf("%d: %d lines, %d of all\n%s", n, len(lines), strings.Count(all.String(), "\n"), out.String())
		}
		more := ""
		if n > 20 {
			more = fmt.Sprintf("  - … and %d more (--all lists them)", n-20)
		}
		if more != "" && lines[len(lines)-1] != more {
			t.Errorf("%d: %s", n, lines[len(lines)-1])
		}
	}
	var out strings.Builder
	printChanges(&out, publish.PackageChanges{
		Added: []publish.PackageChange{{Name: "a", Version: "1.0.0", NewRevision: "r", NewBranch: "p"}}, Removed: []publish.PackageChange{{Name: "b", Version: "1.0.0", OldRevision: "r", OldBranch: "p"}},
		Changed: []publish.PackageChange{
			{Name: "c", Version: "1.0.0", OldRevision: "r", NewRevision: "s", OldBranch: "p", NewBranch: "p"}, {Name: "d", Version: "1.0.0", OldRevision: "r", NewRevision: "r", OldBranch: "p", NewBranch: "q"},
			{Name: "e", Version: "1.0.0", OldRevision: "r", NewRevision: "s", OldBranch: "p", NewBranch: "q"}, {Name: "f", Version: "1.0.0", OldRevision: "r", NewRevision: "r", OldBranch: "p", NewBranch: "p"},
		},
	}, false)
	if want := "  + a-1.0.0\n  - b-1.0.0\n  ~ c-1.0.0 (content)\n  ~ d-1.0.0 (from p to q)\n  ~ e-1.0.0 (content, from p to q)\n  ~ f-1.0.0 (only what its documents show of other packages)\n"; out.String() != want {
		t.Errorf("%s\nwant\n%s", out.String(), want)
	}
	if got := changeCounts(&publish.PackageChanges{Added: make([]publish.PackageChange, 1), Changed: make([]publish.PackageChange, 3)}); got != "+1 -0 ~3" || changeCounts(nil) != "" {
		t.Error(got)
	}
}

// TestVerificationIsTold: faults, what was repaired, and what was not read.
func TestVerificationIsTold(t *testing.T) {
	fault, repaired := publish.Fault{Key: "a\n", Detail: "1 byte\x1b"}, publish.Fault{Key: "b", Detail: "gone", Repaired: true}
	const head = "production " + oneID + ": 3 objects, 1.0 kB read"
	for _, c := range []struct {
		faults        []publish.Fault
		sample        float64
		skipped, seed int
		want          string
	}{
		{nil, 1, 0, 7, head + ": sound\n"},
		{[]publish.Fault{fault}, 1, 0, 7, "a\uFFFD: 1 byte\uFFFD\n" + head + ": 1 fault\n"},
		{[]publish.Fault{fault, fault}, 1, 0, 7, "a\uFFFD: 1 byte\uFFFD\na\uFFFD: 1 byte\uFFFD\n" + head + ": 2 faults\n"},
		{[]publish.Fault{repaired}, 1, 0, 7, "b: gone (repaired)\n" + head + ": sound again, 1 object repaired\n"},
		{[]publish.Fault{repaired, fault}, 1, 0, 7, "b: gone (repaired)\na\uFFFD: 1 byte\uFFFD\n" + head + ": 1 fault\n"},
		{nil, 0.5, 0, 7, head + ", a sample of 50% (--seed 7): sound\n"},
		{nil, 0.999, 0, 7, head + ", a sample of 99.9% (--seed 7): sound\n"},
		{nil, 1, 1, 7, head + ", 1 of 9 packages and responses checked before: sound\n"},
	} {
		var out strings.Builder
		v := &publish.Verification{Environment: "production", Snapshot: oneID, Faults: c.faults, Checked: publish.Checked{Objects: 3, Bytes: 1000, Skipped: c.skipped, Total: 9}}
		printVerification(&out, v, publish.VerifyOptions{Sample: c.sample, Seed: uint64(c.seed)})
		if out.String() != c.want {
			t.Errorf("%+v\n%s\nwant\n%s", c, out.String(), c.want)
		}
	}
}

// TestTagsAreTold: what is said of a tag that is made, moved or taken away, or would be.
func TestTagsAreTold(t *testing.T) {
	for _, c := range []struct {
		snapshot, before string
		changed          bool
		done, planned    string
	}{
		{oneID, "", true, "p: the tag a names " + oneID, "p: the tag a would name " + oneID},
		{oneID, twoID, true, "p: the tag a names " + oneID + " (was " + twoID + ")", "p: the tag a would name " + oneID + " (was " + twoID + ")"},
		{oneID, oneID, false, "p: the tag a names " + oneID + " already", "p: the tag a names " + oneID + " already"},
		{"", oneID, true, "p: the tag a, which names " + oneID + ", is deleted", "p: the tag a, which names " + oneID + ", would be deleted"},
		{"", "", true, "p: the tag a, which cannot be read, is deleted", "p: the tag a, which cannot be read, would be deleted"},
	} {
		tagged := &publish.Tagged{Environment: "p", Tag: "a", Snapshot: c.snapshot, Before: c.before, Changed: c.changed}
		if done, planned := taggedText(tagged, false), taggedText(tagged, true); done != c.done || planned != c.planned {
			t.Errorf("%s\n%s", done, planned)
		}
	}
}

// TestCheckIsTold: what is said of a check, as far as it came.
func TestCheckIsTold(t *testing.T) {
	example := check.Difference{Request: "GET /a", Way: "gzip", Got: "x", Want: "y", Detail: "line 1"}
	group := func(n int) check.Group {
		return check.Group{Kind: "search", Problem: "another JSON", Count: n, Examples: slices.Repeat([]check.Difference{example}, n)}
	}
	const line = "    GET /a (gzip): x, want y\n        line 1\n"
	const head = "production " + oneID + " against https://h: 5 addresses"
	base := check.Report{Environment: "production", Snapshots: []string{oneID}, Against: "https://h", Addresses: 5, Requests: 9, Bytes: 2000, Planned: 9, Possible: 9, Complete: true}
	for _, c := range []struct {
		change func(*check.Report)
		all    bool
		want   string
	}{
		{func(*check.Report) {}, false, head + ", 9 requests, 2.0 kB read: no difference\n"},
		{func(r *check.Report) { r.Requests = 0 }, false, head + ", 0 requests, 2.0 kB read: nothing was compared\n"},
		{func(r *check.Report) { r.Requests = 1 }, false, head + ", 1 request, 2.0 kB read: no difference\n"},
		{func(r *check.Report) { r.Complete = false }, false, head + ", 9 requests, 2.0 kB read; not finished: no difference in what was compared\n"},
		{func(r *check.Report) { r.Skipped = 1 }, false, head + ", 1 more were the same before, 9 requests, 2.0 kB read: no difference\n"},
		{func(r *check.Report) { r.Possible = 10 }, false, head + ", 9 requests, 2.0 kB read; 9 of 10 possible requests (--max-requests): no difference\n"},
		{func(r *check.Report) { r.Late = 1 }, false, head + ", 9 requests, 2.0 kB read; 1 answers of a snapshot that caches may still have: no difference\n"},
		{func(r *check.Report) { r.Host = "g"; r.Snapshots = append(r.Snapshots, twoID) }, false, "production " + oneID + ", then " + twoID + " against https://h as g: 5 addresses, 9 requests, 2.0 kB read: no difference\n"},
		{func(r *check.Report) { r.Groups, r.Differences = []check.Group{group(3)}, 3 }, false, "search: another JSON (3)\n" + line + line + line + head + ", 9 requests, 2.0 kB read: 3 differences\n"},
		{func(r *check.Report) { r.Groups, r.Differences = []check.Group{group(4)}, 4 }, false, "search: another JSON (4)\n" + line + line + line + "    …\n" + head + ", 9 requests, 2.0 kB read: 4 differences\n"},
		{func(r *check.Report) { r.Groups, r.Differences = []check.Group{group(4)}, 4 }, true, "search: another JSON (4)\n" + line + line + line + line + head + ", 9 requests, 2.0 kB read: 4 differences\n"},
		{func(r *check.Report) { r.Groups, r.Differences, r.Complete = []check.Group{group(1)}, 1, false }, false, "search: another JSON (1)\n" + line + head + ", 9 requests, 2.0 kB read; not finished: 1 difference\n"},
	} {
		r, out := base, strings.Builder{}
		c.change(&r)
		printCheck(&out, &r, c.all)
		if out.String() != c.want {
			t.Errorf("%s\nwant\n%s", out.String(), c.want)
		}
	}
	for want, d := range map[string]check.Difference{
		"    GET /\n": {Request: "GET /"}, "    GET /: want y\n": {Request: "GET /", Want: "y"}, "    GET /: x\n": {Request: "GET /", Got: "x"}, "    GET /\uFFFD (\uFFFD): \uFFFD, want \uFFFD\n        \uFFFD\n": {Request: "GET /\x1b", Way: "\x1b", Got: "\x1b", Want: "\x1b", Detail: "\x1b"},
	} {
		var out strings.Builder
		if printDifference(&out, d); out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
}

// TestShowsAreWords: what a host shows, in words.
func TestShowsAreWords(t *testing.T) {
	for want, s := range map[string]check.Shown{
		"live 32": {Shows: check.ShowsLive}, "previous 33": {Shows: check.ShowsFormer, Snapshot: oneID, Previous: oneID}, "older 33": {Shows: check.ShowsFormer, Snapshot: oneID, Previous: twoID},
		"several snapshots 33": {Shows: check.ShowsMixed}, "another answer 31": {Shows: check.ShowsOther}, "no answer 31": {Shows: check.ShowsNothing},
	} {
		if text, colour := showsText(s); text+" "+colour != want {
			t.Errorf("%s: %s %s", s.Shows, text, colour)
		}
	}
	if got := hostText(check.Shown{URL: "https://a/b", Host: "h"}); got != "a/b as h" || hostText(check.Shown{URL: "http://a"}) != "http://a" || everyHost(1) != "the host shows" || everyHost(2) != "all 2 hosts show" {
		t.Error(got)
	}
}
