package lint

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// full is a writer that has room for some bytes.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

// A report that cannot be written whole is an error, wherever it breaks off.
func TestReportsBreakOff(t *testing.T) {
	for name, write := range map[string]func(io.Writer) error{
		"SARIF": func(w io.Writer) error { return WriteSARIF(w, "v1.2.3", sample().Report) },
		"JUnit": func(w io.Writer) error { return WriteJUnit(w, sample()) },
	} {
		var whole strings.Builder
		if err := write(&whole); err != nil {
			t.Fatal(err)
		}
		for _, room := range []int{0, len(xml.Header) - 1, len(xml.Header), whole.Len() / 2, whole.Len() - 2, whole.Len() - 1} {
			if err := write(&full{room}); !errors.Is(err, errFull) {
				t.Errorf("%s: %d of %d bytes: %v", name, room, whole.Len(), err)
			}
		}
		if err := write(&full{whole.Len()}); err != nil {
			t.Errorf("%s: all of its bytes: %v", name, err)
		}
		if !strings.HasSuffix(whole.String(), "\n") || !strings.Contains(whole.String(), "\n  ") {
			t.Errorf("%s: lines that people can read: %q", name, whole.String())
		}
	}
}

// A message names the package, where in an archive it is, whom to ask and who changed it:
// as far as each is known.
func TestMessage(t *testing.T) {
	commit := &index.Commit{Hash: "0123456789abcdef", Author: "Ada"}
	for want, p := range map[string]index.Problem{
		"is wrong":                             {Detail: "is wrong"},
		"web: is wrong":                        {Package: "web", Detail: "is wrong"},
		"is wrong, too":                        {Version: "1.0.0", Detail: "is wrong, too"},
		"web-1.0.0: is wrong":                  {Package: "web", Version: "1.0.0", File: "packages/web/1.0.0/a", Detail: "is wrong"},
		"web-1.0.0: a/b!c: is wrong":           {Package: "web", Version: "1.0.0", File: "packages/web/web-1.0.0.zip!a/b!c", Detail: "is wrong"},
		"is wrong; ping @acme/web":             {Detail: "is wrong", Owner: "acme/web"},
		"is wrong; ping @acme":                 {Detail: "is wrong", Owner: "@acme"},
		"is; last changed by Ada in 01234567":  {Detail: "is", Commit: commit},
		"a; ping @b; last changed by Ada in 0": {Detail: "a", Owner: "b", Commit: &index.Commit{Hash: "0", Author: "Ada"}},
	} {
		if got := message(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A fingerprint is that of the finding, wherever its line is. A result has a place only
// where there is one, and a line only of a file that is there.
func TestSARIFResults(t *testing.T) {
	p := index.Problem{Branch: "production", File: "packages/a b/1.0.0/x", Line: 1, Rule: "r", Detail: "d"}
	r := sarifOf(p, "warning", 3)
	if r.RuleID != "r" || r.RuleIndex != 3 || r.Level != "warning" || len(r.Locations) != 1 || r.Locations[0].Physical.Artifact.URI != "packages/a%20b/1.0.0/x" ||
		r.Locations[0].Physical.Region == nil || r.Locations[0].Physical.Region.StartLine != 1 {
		t.Errorf("%+v", r)
	}
	moved, other := p, p
	moved.Line, other.Detail = 9, "e"
	if at := fmt.Sprint(r.Prints); fmt.Sprint(sarifOf(moved, "warning", 3).Prints) != at || fmt.Sprint(sarifOf(other, "warning", 3).Prints) == at {
		t.Errorf("fingerprints of %s", at)
	}
	p.Line = 0
	if r = sarifOf(p, "error", 0); r.Locations[0].Physical.Region != nil {
		t.Errorf("a line that there is not: %+v", r)
	}
	p.File = ""
	if r = sarifOf(p, "error", 0); len(r.Locations) > 0 {
		t.Errorf("a place that there is not: %+v", r)
	}
	var b strings.Builder
	if err := WriteSARIF(&b, "", index.Findings{Errors: []index.Problem{{Rule: "r", Detail: "<a> & b"}}}); err != nil || !strings.Contains(b.String(), "<a> & b") || strings.Contains(b.String(), "semanticVersion") {
		t.Errorf("%s, %v", b.String(), err)
	}
}

// The first error is the message of a failure, all are its text; what is about no version
// that changed is the branch's.
func TestJUnitCases(t *testing.T) {
	var b strings.Builder
	r := &Result{
		Branch:  "a\x01<b>",
		Changes: []index.Change{{New: index.Entry{Name: "web", Version: "1.0.0"}}},
		Report: index.Findings{
			Errors: []index.Problem{
				{Package: "web", Version: "1.0.0", File: "f", Line: 1, Rule: "one", Detail: "first"}, {Package: "web", Version: "1.0.0", File: "g", Rule: "two", Detail: "second"},
				{Package: "old", Version: "1.0.0", File: "h", Rule: "three", Detail: "third"},
			},
			Warnings: []index.Problem{{File: "i", Rule: "four", Detail: "beside\nit \ufffe\uffff\x1f end"}},
		},
	}
	if err := WriteJUnit(&b, r); err != nil {
		t.Fatal(err)
	}
	var got junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &got); err != nil || !strings.HasPrefix(b.String(), xml.Header) {
		t.Fatalf("%v: %s", err, b.String())
	}
	s := got.Suite
	if s.Name != "regsnap lint a\ufffd<b>" || s.Tests != 2 || s.Failures != 2 || len(s.Cases) != 2 {
		t.Fatalf("%+v", s)
	}
	branch, web := s.Cases[0], s.Cases[1]
	if branch.Class != "a\ufffd<b>" || branch.Name != branch.Class || web.Class != branch.Class || web.Name != "web-1.0.0" || web.Out != "" {
		t.Errorf("%+v", s.Cases)
	}
	if f := web.Failure; f == nil || f.Message != "f:1: web-1.0.0: first [one]" || f.Type != "one" || f.Text != "f:1: web-1.0.0: first [one]\ng: web-1.0.0: second [two]\n" {
		t.Errorf("%+v", f)
	}
	if f := branch.Failure; f == nil || f.Text != "h: old-1.0.0: third [three]\n" || branch.Out != "warning: i: beside\ufffdit \ufffd\ufffd\ufffd end [four]\n" {
		t.Errorf("%+v, %q", f, branch.Out)
	}
}

// Close ends what is written to.
func (f *full) Close() error { return nil }

// TestPackagesThatCannotBeSent: wherever the pipe ends, and where a package cannot be read,
// that is the error.
func TestPackagesThatCannotBeSent(t *testing.T) {
	long := strings.Repeat("x", 5000) // more than is written at once
	content := func(files ...string) Content {
		return Content{Dir: "packages/p/1.0.0", Each: func(_ context.Context, fn func(string, []byte) error) error {
			for _, f := range files {
				if err := fn(f, []byte(long)); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	packages := []Content{content("a", "b"), content(), content(strings.Repeat("c", 5000))}
	const most = 1 << 20
	whole := &full{most}
	if err := send(t.Context(), whole, packages); err != nil {
		t.Fatal(err)
	}
	size := most - whole.room
	for room := 0; room < size; room += 97 {
		if err := send(t.Context(), &full{room}, packages); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes of %d: %v", room, size, err)
		}
	}
	if err := send(t.Context(), &full{size}, packages); err != nil {
		t.Errorf("all of its bytes: %v", err)
	}
	broken := errors.New("the disk is gone")
	unreadable := Content{Each: func(context.Context, func(string, []byte) error) error { return broken }}
	if err := send(t.Context(), &full{most}, []Content{content("a"), unreadable, content("b")}); !errors.Is(err, broken) {
		t.Errorf("a package that cannot be read: %v", err)
	}
}
