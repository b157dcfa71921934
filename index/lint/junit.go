package lint

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/regsnap/regsnap/index"
)

// The elements of a JUnit report that CI systems agree on.
type (
	junitSuites struct {
		XMLName xml.Name   `xml:"testsuites"`
		Suite   junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitFailure `xml:"failure"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitFailure struct {
		Message string `xml:"message,attr"`
		Type    string `xml:"type,attr"`
		Text    string `xml:",chardata"`
	}
)

// WriteJUnit writes a result as a JUnit report: a case for each version that
// changed, and one for the branch. Errors are failures, warnings its output.
func WriteJUnit(w io.Writer, r *Result) error {
	suite := junitSuite{Name: "regsnap lint " + xmlText(r.Branch)}
	at := map[version]int{}
	add := func(v version, name string) {
		at[v] = len(suite.Cases)
		suite.Cases = append(suite.Cases, junitCase{Class: xmlText(r.Branch), Name: xmlText(name)})
	}
	add(version{}, r.Branch)
	for _, c := range r.Changes {
		e := c.Entry()
		add(versionOf(e), e.Name+"-"+e.Version)
	}
	find := func(p index.Problem) *junitCase {
		return &suite.Cases[at[version{p.Package, p.Version}]] // the branch's, if there is none
	}
	for _, p := range r.Report.Errors {
		c := find(p)
		line := junitLine(p)
		if c.Failure == nil {
			suite.Failures++
			c.Failure = &junitFailure{Message: line, Type: string(p.Rule)}
		}
		c.Failure.Text += line + "\n"
	}
	for _, p := range r.Report.Warnings {
		find(p).Out += "warning: " + junitLine(p) + "\n"
	}
	suite.Tests = len(suite.Cases)
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(junitSuites{Suite: suite}); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}

func junitLine(p index.Problem) string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", at, p.Line)
	}
	return xmlText(fmt.Sprintf("%s: %s [%s]", at, message(p), p.Rule))
}

// xmlText leaves out control characters and line breaks. What else no XML document can
// hold the encoder replaces.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(s, string(utf8.RuneError)))
}
