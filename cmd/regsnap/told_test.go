package main

import (
	"flag"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/find"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/dev"
)

func TestPackageStatusIsPrinted(t *testing.T) {
	origin := &publish.Branch{Commit: "0123456789abcdef", Author: "Ada", Subject: "one"}
	in := func(env string) liveIn {
		return liveIn{env, find.Period{Since: noon.Add(-time.Hour), Branch: "b", Origin: origin}}
	}
	next := func(change func(*nextBranch)) *nextBranch {
		n := &nextBranch{From: "s", To: "p", Command: "regsnap promote"}
		change(n)
		return n
	}
	p := &packageStatus{Package: "web", Versions: []versionStatus{
		{Version: "1.1.0", Branches: []string{"s"}, Next: next(func(n *nextBranch) {
			n.Since, n.Checked, n.Owner, n.ByPullRequest = noon.Add(-time.Hour), true, "@acme", true
		})},
		{Version: "1.0.0", Branches: []string{"p", "s"}, LiveIn: []liveIn{in("prod"), in("stage")}},
		{Version: "0.9.0", Next: next(func(n *nextBranch) {
			n.Since, n.AtLeast, n.Checked = noon.Add(-time.Hour), true, true
			n.Errors = findings([]index.Problem{{Branch: "s", File: "x.yml", Detail: "is wrong", Rule: "rule"}})
		})},
		{Version: "0.8.0", Next: next(func(n *nextBranch) {
			n.Checked, n.Warnings = true, findings([]index.Problem{{Branch: "s", File: "y.yml", Detail: "is odd", Rule: "rule"}})
		})},
	}}
	const table = `
web
VERSION  BRANCHES  LIVE IN  SINCE                 COMMIT        AUTHOR  SUBJECT
1.1.0    s         nowhere
1.0.0    p, s      prod     2024-05-06 11:00 UTC  0123456789ab  Ada     one
                   stage    2024-05-06 11:00 UTC  0123456789ab  Ada     one
0.9.0              nowhere
0.8.0              nowhere

1.1.0 is in s and not in p, since 1 h ago (2024-05-06 11:00 UTC)
  owner: @acme
  p changes by pull request: those who may merge there approve
  lint has no objection
  regsnap promote

0.9.0 is in s and not in p, since before 1 h ago (2024-05-06 11:00 UTC)
error: s: x.yml: is wrong [rule]
  once that is mended:
  regsnap promote

0.8.0 is in s and not in p
warning: s: y.yml: is odd [rule]
  regsnap promote
`
	printed(t, "with a source", func(w *strings.Builder) error { return printPackageStatus(w, screen{}, p, true, noon) }, table)
	printed(t, "without one", func(w *strings.Builder) error { return printPackageStatus(w, screen{}, p, false, noon) }, table+"\n--source git:PATH also says what each branch holds, and what is missing to move on\n")
}

func TestImageIsPrinted(t *testing.T) {
	base := imageResult{Environment: "e", Snapshot: oneID, Digest: "sha256:1", Tags: []string{"e"}, Platforms: []string{"linux/amd64"}, Layers: 1, Bytes: 1000}
	const head = "e " + oneID + " sha256:1"
	for want, change := range map[string]func(*imageResult){
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag e\n":                                                          func(*imageResult) {},
		head + ", a slice of " + twoID + "\n   1.0 kB in 2 layers, for linux/amd64\n   tag e\n":                               func(r *imageResult) { r.SliceOf, r.Layers = twoID, 2 },
		head + "\n   1.0 kB in 1 layer, for linux/amd64 and linux/arm64\n   tags e and f\n":                                   func(r *imageResult) { r.Tags, r.Platforms = []string{"e", "f"}, []string{"linux/amd64", "linux/arm64"} },
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag f; e stays where it is\n":                                     func(r *imageResult) { r.Tags = []string{"f"} },
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag e\n   /l: 1 blob added, 5 B\n":                                func(r *imageResult) { r.Layout = &image.Written{Blobs: 1, Bytes: 5} },
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag e\n   /l had all of it\n":                                     func(r *imageResult) { r.Layout = &image.Written{} },
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag e\n   /t: docker load --input /t\n   pushed a\n   pushed b\n": func(r *imageResult) { r.Tarball, r.Pushed = "/t", []string{"a", "b"} },
		head + "\n   1.0 kB in 1 layer, for linux/amd64\n   tag e\n" + dryRunText + "\n":                                      func(r *imageResult) { r.DryRun = true },
	} {
		var out strings.Builder
		flags := flag.NewFlagSet("", flag.ContinueOnError)
		flags.String("layout", "/l", "")
		r := base
		change(&r)
		if printImage(cli.NewContext(&cli.App{Writer: &out, ErrWriter: &out}, flags, nil), &r); out.String() != want {
			t.Errorf("%q\nwant %q", out.String(), want)
		}
	}
}

// TestDevIsTold: what a change came to, and each finding once until it is gone.
func TestDevIsTold(t *testing.T) {
	var out strings.Builder
	firsts := 0
	d := &devTeller{c: contextOf(&out), bar: newProgress(io.Discard, true), first: func() { firsts++ }}
	at := regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d`)
	one, two := index.Problem{Package: "a", File: "x", Detail: "is wrong", Rule: "r"}, index.Problem{Package: "b", File: "y", Detail: "is wrong", Rule: "r"}
	for i, c := range []struct {
		s    dev.State
		want string
	}{
		{dev.State{Generation: 1, Own: 1, Packages: 2, Seconds: 0.5}, "T 1 version built in 500 ms; 2 package versions\n"},
		{dev.State{Generation: 2, Packages: 2}, ""},
		{dev.State{Generation: 3, Packages: 2, Changed: []string{"a", "b", "c"}}, "T a, b, c rebuilt in 0 ms; 2 package versions\n"},
		{dev.State{Generation: 4, Packages: 1, Changed: []string{"a", "b", "c", "d"}}, "T 4 versions rebuilt in 0 ms; 1 package version\n"},
		{dev.State{Generation: 5, Packages: 1, Changed: []string{"a"}, Kept: []string{"k"}, Missing: []string{"m", "n"}, Findings: index.Findings{Errors: []index.Problem{one}}}, "T a rebuilt in 0 ms; 1 package version\na\n  error: x: is wrong [r]\nshown as before the change: k\nnot shown: m, n\n"},
		{dev.State{Generation: 6, Packages: 1, Kept: []string{"k"}, Findings: index.Findings{Errors: []index.Problem{one}}}, ""},
		{dev.State{Generation: 7, Packages: 1, Findings: index.Findings{Errors: []index.Problem{one, two}}}, "b\n  error: y: is wrong [r]\n"},
		{dev.State{Generation: 8, Packages: 1, Failure: "disk\n", Changed: []string{"a"}}, "T not built, the registry stays as it was: disk\uFFFD\n"},
		{dev.State{Generation: 9, Packages: 1, Findings: index.Findings{Errors: []index.Problem{one}}}, "a\n  error: x: is wrong [r]\n"},
		{dev.State{Generation: 10, Packages: 1}, "T all packages are valid\n"},
		{dev.State{Generation: 11, Packages: 1}, ""},
	} {
		out.Reset()
		if d.tell(c.s); at.ReplaceAllString(out.String(), "T") != c.want || firsts != 1 {
			t.Errorf("%d: %q, want %q; begun %d times", i, out.String(), c.want, firsts)
		}
	}
}
