package main

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/export"
)

// contextOf is a command at work, whose two outputs are one.
func contextOf(out *strings.Builder) *cli.Context {
	return cli.NewContext(&cli.App{Writer: out, ErrWriter: out, Metadata: map[string]any{}}, nil, nil)
}

// TestAddresses: what is an address and not a path, and what of it may be shown.
func TestAddresses(t *testing.T) {
	for path, want := range map[string]bool{
		"storage": false, "./a:b": false, "https://h/x": true, "ssh://git@h/x": true, "file:///x": true, "git@h:x/y": true, "a/git@h:x": false, "h:x": false, "C:\\x": false, "a@b": false, "": false,
	} {
		if got := isURL(path); got != want {
			t.Errorf("%q: %t", path, got)
		}
	}
	for address, want := range map[string]string{
		"https://u:p@h/x/y": "https://h/x/y", "https://h/x/": "https://h/x", "git@h:x/y": "h:x/y", "https://a@b@h": "https://h", "h": "h", "https://h/a@b": "https://h/a@b",
	} {
		if got := withoutUser(address); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
	if err := errGitURL("git:https://u:p@h/x", "https://u:p@h/x"); strings.Contains(err.Error(), "u:p") || !strings.Contains(err.Error(), `source "git:https://h/x"`) {
		t.Error(err)
	}
	cfg := config{Environments: map[string]environment{"a": {Hostname: "A.example", Branches: []string{"x"}}, "b": {Hostname: "b.example", Branches: []string{"x", "y"}}, "c": {Branches: []string{"x", "y", "z"}}}}
	for _, c := range []struct{ url, host, want string }{
		{"https://a.example", "", "a"}, {"https://a.example:8443/x", "", "a"}, {"https://A.EXAMPLE", "", "a"}, {"https://other", "b.example", "b"}, {"https://a.example", "b.example:443", "b"},
		{"https://a.example", "other", ""}, {"https://other", "", ""}, {"", "", ""}, {"https://", "", ""}, {":", "", ""},
	} {
		if got := cfg.environmentAt(c.url, c.host); got != c.want {
			t.Errorf("%s as %q: %q, want %q", c.url, c.host, got, c.want)
		}
	}
}

// TestConfigAtItsBounds: each key of an environment, of a hook and of previews.
func TestConfigAtItsBounds(t *testing.T) {
	for text, want := range map[string]string{
		"overwrite: never": "", "overwrite: if-needed": "", "overwrite: always": "", "overwrite: Never": "overwrite: ",
		"diverged: allow": "", "diverged: refuse": "", "diverged: never": "diverged: ", "specification: off": "", "specification: strict": "", "specification: all": "specification: ",
		"regsnap: main": "", "regsnap: v1.2.3": "", "regsnap: 1.2.3-rc.1": "", "regsnap: v1.2": "regsnap: ", "regsnap: v1.2.3+x": "regsnap: ", "service_version: 1.40.1": "", "service_version: x": "service_version: ",
		"catalog: on": "", "catalog: off": "", "catalog: yes": "catalog: ", "manifest: whole": "", "manifest: lists": "", "manifest: list": "manifest: ", "package_storage: v2": "", "package_storage: v3": "package_storage: ",
		"cache: {index: 31536000s}": "", "cache: {index: 31536001s}": "cache: ", "cache: {content: 31536001s}": "cache: ", "cache: {index: 0s, content: 0s}": "",
		"branches: [x, y]": "", "branches: [x, '']": "branches: ", "branches: []": "branches: ",
		"after_publish: [{command: [a]}]": "", "after_publish: [{webhook: 'https://h/x'}]": "", "after_publish: [{webhook: 'http://h'}]": "", "after_publish: [{webhook: 'https://h', secret_env: A, timeout: 1s}]": "",
		"after_publish: [{}]": "want either", "after_publish: [{command: [a], webhook: 'https://h'}]": "want either", "after_publish: [{command: ['']}]": "has no name", "after_publish: [{command: [a], secret_env: A}]": "only what is posted",
		"after_publish: [{command: [a], timeout: 0s}]": "want a time", "after_publish: [{webhook: 'ftp://h'}]": "want a URL", "after_publish: [{webhook: 'https:///x'}]": "want a URL", "after_publish: [{command: [a]}, {}]": "after_publish[1]",
	} {
		whole := "environments: {a: {" + text + "}}"
		if !strings.HasPrefix(text, "branches") {
			whole = "environments: {a: {branches: [x], " + text + "}}"
		}
		_, err := parseConfig([]byte(whole))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for text, want := range map[string]string{
		"previews: {ttl: 1s}": "", "previews: {ttl: 0s}": "previews.ttl: ", "previews: {}": "", "previews: {hostname: '*.p.example'}": "", "previews: {hostname: 'p.example'}": "previews.hostname: ",
		"previews: {hostname: '*.r.example'}\nenvironments: {a: {branches: [x], hostname: a.r.example}}":  "is one of previews.hostname",
		"previews: {hostname: '*.r.example'}\nenvironments: {a: {branches: [x], hostname: a.r.example.}}": "is one of previews.hostname",
		"previews: {hostname: '*.r.example'}\nenvironments: {a: {branches: [x], hostname: a.example}}":    "",
		"responses: {max: 0, bytes: 0}": "", "environments: {a: {branches: [x]}, b: {branches: [x]}}": "",
	} {
		if _, err := parseConfig([]byte(text)); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for _, c := range []struct {
		diverged, overwrite string
		want                bool
	}{{"", "never", false}, {"", "if-needed", true}, {"", "always", true}, {"allow", "never", true}, {"refuse", "always", false}} {
		if got := (environment{Diverged: c.diverged, Overwrite: c.overwrite}).allowsDiverged(); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	ttl := duration(time.Hour)
	for _, c := range []struct {
		previews *previews
		preview  bool
		want     time.Duration // 0 for no preview
	}{{nil, true, 0}, {&previews{}, false, 0}, {&previews{}, true, 14 * 24 * time.Hour}, {&previews{TTL: &ttl}, true, time.Hour}} {
		cfg := config{Previews: c.previews, Environments: map[string]environment{"a": {preview: c.preview}}}
		got := cfg.previewFrom("a", noon.Add(time.Millisecond))
		if (got != nil) != (c.want > 0) || got != nil && !got.Until.Equal(noon.Add(c.want)) {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	cfg := config{Environments: map[string]environment{"b": {Branches: []string{"x"}}, "a": {Branches: []string{"x"}}, "c": {Branches: []string{"x", "y"}}}}
	if got := strings.Join(cfg.names(), " "); got != "a b c" {
		t.Error(got)
	}
	for names, want := range map[string]string{"": "--branches needs one", "a b": "--branches needs one", "a": "is configured", "A": "a name has small letters"} {
		if err := cfg.preview(strings.Fields(names), []string{"x"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", names, err)
		}
	}
	if err := cfg.preview([]string{"d"}, []string{"x", "x"}); err == nil || !strings.Contains(err.Error(), "twice there") {
		t.Error(err)
	}
	if err := cfg.preview([]string{"d"}, []string{"x"}); err != nil {
		t.Error(err)
	}
	if p := cfg.Environments["d"]; !p.preview || p.cachePolicy() != (layout.CachePolicy{Index: 0, Content: 5}) || !p.allowsDiverged() || p.Overwrite != "never" || p.ServiceVersion != defaultServiceVersion {
		t.Errorf("a preview: %+v", p)
	}
	if (environment{Manifest: "lists"}).inline() != layout.InlineLists || (environment{Manifest: "whole"}).inline() != 0 || (environment{}).inline() != 0 {
		t.Error("which manifests keep what they list beside them")
	}
}

// TestBuiltIsTold: what became of each snapshot.
func TestBuiltIsTold(t *testing.T) {
	all := layout.Coverage{Queries: 9, Distinct: 4, Rendered: 4}
	const tail = "; 9 classes of queries have 4 distinct answers, all rendered ahead\n"
	pin := &layout.Pin{By: "Ada", At: noon}
	for want, s := range map[string]builtSnapshot{
		"   1 package, built, not live" + tail:           {Packages: 1},
		"   2 packages, live" + tail:                     {Packages: 2, Published: true},
		"   2 packages, live already" + tail:             {Packages: 2, Published: true, Unchanged: true, Previous: oneID},
		"   2 packages, live (was " + oneID + ")" + tail: {Packages: 2, ID: twoID, Published: true, Previous: oneID},
		"   3 packages, live" + tail:                     {Packages: 3, ID: oneID, Published: true, Previous: oneID},
		"   2 packages, built, not live: the environment is pinned by Ada at 2024-05-06 12:00 UTC" + tail: {Packages: 2, Held: true, Pinned: pin, Published: true},
		"   2 packages, live; it leaves the history that was live, as after a force push, of a, b" + tail: {Packages: 2, Published: true, Diverged: []string{"a", "b"}},
	} {
		var out strings.Builder
		s.Coverage = all
		if printCoverage(&out, s); out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
	if got := coverage(layout.Coverage{Queries: 9, Distinct: 4, Rendered: 3, Assembled: 1}); got != "9 classes of queries: 3 distinct answers rendered ahead, at most 1 classes left to assembly" {
		t.Error(got)
	}
	if were(1, "revision") != "1 revision was" || were(2, "revision") != "2 revisions were" || were(0, "revision") != "0 revisions were" {
		t.Error("were")
	}
	for _, c := range []struct {
		pin, changed  bool
		done, planned string
	}{
		{true, true, "e is pinned to " + oneID, "e would be pinned to " + oneID},
		{true, false, "e was pinned already, to " + oneID + ", by Ada at 2024-05-06 12:00 UTC", "e was pinned already, to " + oneID + ", by Ada at 2024-05-06 12:00 UTC"},
		{false, true, "e is no longer pinned, as it was by Ada at 2024-05-06 12:00 UTC", "e would no longer be pinned, as it is by Ada at 2024-05-06 12:00 UTC"},
		{false, false, "e was not pinned", "e was not pinned"},
	} {
		m := &publish.Moved{Environment: "e", Live: oneID, Changed: c.changed, Pin: pin}
		if done, planned := pinText(m, c.pin), pinPlanText(m, c.pin); done != c.done || planned != c.planned {
			t.Errorf("%s\n%s", done, planned)
		}
	}
	var out strings.Builder
	sayUnrecorded(&out, &publish.Moved{})
	if sayUnrecorded(&out, &publish.Moved{Unrecorded: "down\n"}); out.String() != "warning: this move is not in the audit log yet, the next one records it: down\uFFFD\n" {
		t.Errorf("%q", out.String())
	}
	out.Reset()
	say := sayWaiting(&out)
	say(layout.Lease{By: "Ada", Since: noon})
	say(layout.Lease{By: "Ada", Since: noon})
	sayWaiting(&out)(layout.Lease{})
	if out.String() != "waiting: Ada is pruning the bucket since 2024-05-06 12:00 UTC\nwaiting: someone is pruning the bucket\n" {
		t.Errorf("%q", out.String())
	}
}

// TestDiffIsTold: 20 of each kind, unless all are asked for.
func TestDiffIsTold(t *testing.T) {
	diff := func(n int) *publish.Diff {
		d := &publish.Diff{Old: publish.SnapshotRef{Environment: "e", ID: oneID}, New: publish.SnapshotRef{Environment: "e", ID: twoID}}
		for i := range n {
			name := fmt.Sprintf("/a/%02d", i)
			d.Answers = append(d.Answers, answer.AnswerChange{Added: []string{"a-1"}, Removed: []string{"b-1"}, Changed: []string{"c-1"}})
			d.Documents, d.Archives, d.Files, d.Pages = append(d.Documents, name), append(d.Archives, name), append(d.Files, name), append(d.Pages, name)
		}
		return d
	}
	for n, cut := range map[int]int{1: 0, 20: 0, 21: 1, 25: 5} {
		var some, all strings.Builder
		printDiff(&some, diff(n), false)
		printDiff(&all, diff(n), true)
		if got := strings.Count(some.String(), fmt.Sprintf("… and %d more (--all lists them)", cut)); got != 5*min(cut, 1) || strings.Contains(all.String(), "more") {
			t.Errorf("%d: %d lists are cut\n%s", n, got, some.String())
		}
		if got := strings.Count(some.String(), "\n  /a/"); got != 4*min(n, 20) || strings.Count(all.String(), "\n  /a/") != 4*n {
			t.Errorf("%d: %d paths", n, got)
		}
		if !strings.Contains(some.String(), "\npackages: 0 added, 0 removed, 0 changed\n") || !strings.Contains(some.String(), fmt.Sprintf("\ndocuments: %d\n", n)) || !strings.Contains(some.String(), "    +a-1, -b-1, ~c-1\n") {
			t.Errorf("%d:\n%s", n, some.String())
		}
	}
	var out strings.Builder
	if printDiff(&out, diff(0), false); !strings.HasSuffix(out.String(), "\nno request answers differently\n") {
		t.Error(out.String())
	}
	for _, alone := range []*publish.Diff{{Pages: []string{"/x"}}, {Documents: []string{"/x"}}} {
		out.Reset()
		if printDiff(&out, alone, false); strings.Contains(out.String(), "no request") {
			t.Error(out.String())
		}
	}
	for n, want := range map[int]string{20: "", 21: ", … and 1 more"} {
		a := answer.AnswerChange{Added: strings.Fields(strings.Repeat("a ", n))}
		if got := entryText(a, false); !strings.HasSuffix(got, "+a"+want) || entryText(a, true) != strings.TrimSuffix(strings.Repeat("+a, ", n), ", ") {
			t.Errorf("%d: %s", n, got)
		}
	}
}

// TestFindingsAreGrouped: package by package, those with errors last, and 20 warnings in all.
func TestFindingsAreGrouped(t *testing.T) {
	problem := func(pkg, file string, line int) index.Problem {
		return index.Problem{Package: pkg, Version: strings.Repeat("1", min(len(pkg), 1)), File: file, Line: line, Detail: "is wrong", Rule: "rule", Owner: "acme"}
	}
	print := func(errs, warnings []index.Problem) string {
		var out strings.Builder
		printGroups(&out, screen{}, findings(errs), findings(warnings))
		return out.String()
	}
	got := print([]index.Problem{problem("b", "x.yml", 3), problem("b", "x.yml", 0)}, []index.Problem{problem("c", "", 0), problem("", "y.yml", 1), problem("b", "z", 0)})
	if want := "warning: y.yml:1: is wrong [rule]\nping @acme\nc-1\n  warning: is wrong [rule]\n  ping @acme\nb-1\n  warning: z: is wrong [rule]\n  error: x.yml:3: is wrong [rule]\n  error: x.yml: is wrong [rule]\n  ping @acme\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	for n, hidden := range map[int]int{19: 0, 20: 0, 21: 1, 30: 10} {
		var warnings []index.Problem
		for i := range n {
			warnings = append(warnings, problem(fmt.Sprintf("p%02d", i/5), "x", i))
		}
		got := print(nil, warnings)
		more := fmt.Sprintf("… and %d more warnings (--json lists all)\n", hidden)
		if strings.Count(got, "warning: ") != n-hidden || strings.HasSuffix(got, more) != (hidden > 0) {
			t.Errorf("%d warnings:\n%s", n, got)
		}
		var out strings.Builder
		printFindings(&out, screen{}, nil, findings(warnings))
		if strings.Count(out.String(), "warning: ") != n-hidden || strings.HasSuffix(out.String(), more) != (hidden > 0) {
			t.Errorf("%d warnings, one by one:\n%s", n, out.String())
		}
	}
	var out strings.Builder
	printAnnotations(&out, findings([]index.Problem{{File: "e"}}), findings([]index.Problem{{File: "w", Branch: "b", Package: "p"}}))
	if want := "::warning file=w,title=b%3A p:: []\n::error file=e,title=:: []\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
}

// TestWrapped: lines that come in pieces, and what no line break has ended.
func TestWrapped(t *testing.T) {
	var out strings.Builder
	w := &wrapped{to: &out, width: 10}
	for _, piece := range []string{"one\ntwo", " three four\nfi", "ve"} {
		if n, err := w.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	}
	w.flush()
	w.flush()
	if want := "one\ntwo three\n    four\nfive"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	if _, err := (&wrapped{to: full{}, width: 10}).Write([]byte("x\n")); err == nil {
		t.Error("an output that takes no more")
	}
}

// TestExportedIsTold: what an export did, or would do.
func TestExportedIsTold(t *testing.T) {
	for want, r := range map[string]*export.Result{
		"e " + oneID + " is in /d\n   2 files: 1.0 kB written and checked, 1 are links to what was there\n":                       {Written: export.Written{Files: 2, Bytes: 1000, Linked: 1}},
		"e " + oneID + " is in /d, a slice of " + twoID + "\n   1 file: 0 B written and checked, 0 are links to what was there\n": {Of: twoID, Written: export.Written{Files: 1}},
		"e " + oneID + " is in /d, before " + twoID + "\n   the snapshot was already there; the configuration was rewritten\n":    {Previous: twoID, Present: true},
		"e " + oneID + " is in /d\n   the snapshot was already there; the configuration was rewritten\n":                          {Previous: oneID, Present: true},
	} {
		var out strings.Builder
		r.Environment, r.Snapshot, r.Dir = "e", oneID, "/d"
		if printExported(contextOf(&out), r); out.String() != want {
			t.Errorf("%q, want %q", out.String(), want)
		}
	}
	if err := inEnvironment("e", errors.New("x")); err == nil || !strings.Contains(err.Error(), "e: x") {
		t.Error(err)
	}
}

// TestGreeting: which addresses are shown to click.
func TestGreeting(t *testing.T) {
	address := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8080}
	show := func(cfg config, o serve.Options, admin net.Addr) string {
		var out strings.Builder
		greet(contextOf(&out), cfg, o, address, admin)
		return strings.TrimPrefix(out.String(), "serving on 127.0.0.1:8080; Ctrl-C stops\n")
	}
	environments := []serve.Environment{{Name: "a", Hostnames: []string{"a.example"}}, {Name: "b", Hostnames: []string{"b.localhost"}}}
	if got, want := show(config{Environments: map[string]environment{"a": {Catalog: "on"}}}, serve.Options{Environments: environments, Prefix: "/x/", Previews: "*.p.example"}, address), `  a          http://a.example:8080/x/catalog/
             http://a.example:8080/x/search?prerelease=true
             curl -H 'Host: a.example' http://localhost:8080/search
  b          http://b.localhost:8080/x/search?prerelease=true
  previews   *.p.example
  metrics    http://127.0.0.1:8080/metrics
`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	var out strings.Builder
	greet(contextOf(&out), config{}, serve.Options{Environments: environments}, &net.UnixAddr{Name: "/socket"}, address)
	if out.String() != "serving on /socket\n" {
		t.Errorf("without a port: %q", out.String())
	}
	if got, want := show(config{}, serve.Options{Environments: environments[:1], Default: "a"}, nil), "  a          http://localhost:8080/search?prerelease=true\n"; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

// TestSliceIsTold: 20 queries and 20 packages of a slice.
func TestSliceIsTold(t *testing.T) {
	var out strings.Builder
	if printSlice(&out, nil); out.String() != "" {
		t.Error(out.String())
	}
	for n, cut := range map[int]int{20: 0, 21: 1} {
		s := &layout.SliceOf{Snapshot: oneID}
		for i := range n {
			s.Queries = append(s.Queries, layout.SliceQuery{Query: fmt.Sprintf("q=%d", i), Versions: i})
			s.Packages = append(s.Packages, fmt.Sprintf("p%d", i))
		}
		s.Queries[0].Query = ""
		out.Reset()
		printSlice(&out, s)
		text := out.String()
		if !strings.HasPrefix(text, "slice of "+oneID+"\n  (no parameter)\n  q=1 (1 version)\n  q=2 (2 versions)\n") || strings.Count(text, "\n") != 41+2*cut || strings.Contains(text, "… and 1 more queries (--json lists all)") != (cut > 0) || strings.Contains(text, "… and 1 more package (--json lists all)") != (cut > 0) {
			t.Errorf("%d:\n%s", n, text)
		}
	}
}
