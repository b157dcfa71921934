package lint

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index"
)

// The parts of SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange
// Format") that findings need. Code scanning tools read it.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool    sarifTool     `json:"tool"`
		Results []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name            string      `json:"name"`
		SemanticVersion string      `json:"semanticVersion,omitempty"`
		Rules           []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string            `json:"ruleId"`
		RuleIndex int               `json:"ruleIndex"`
		Level     string            `json:"level"`
		Message   sarifText         `json:"message"`
		Locations []sarifLocation   `json:"locations,omitempty"`
		Prints    map[string]string `json:"partialFingerprints"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   *sarifRegion  `json:"region,omitempty"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine int `json:"startLine"`
	}
)

// sarifSchema is where the schema is published. It is a name; nothing reads it.
const sarifSchema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

// WriteSARIF writes findings as a SARIF log. release is the version of this
// program if it is a release.
func WriteSARIF(w io.Writer, release string, report index.Findings) error {
	run := sarifRun{Results: []sarifResult{}}
	run.Tool.Driver = sarifDriver{Name: "regsnap", SemanticVersion: strings.TrimPrefix(release, "v"), Rules: []sarifRule{}}
	for _, list := range []struct {
		level    string
		problems []index.Problem
	}{{"error", report.Errors}, {"warning", report.Warnings}} {
		for _, p := range list.problems {
			rule := sarifRule{string(p.Rule)}
			at := slices.Index(run.Tool.Driver.Rules, rule)
			if at < 0 {
				at = len(run.Tool.Driver.Rules)
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, rule)
			}
			run.Results = append(run.Results, sarifOf(p, list.level, at))
		}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(sarifLog{Schema: sarifSchema, Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifOf(p index.Problem, level string, rule int) sarifResult {
	// A path in an archive is no path of the repository: the archive is.
	file, inside, _ := strings.Cut(p.File, "!")
	r := sarifResult{
		RuleID: string(p.Rule), RuleIndex: rule, Level: level, Message: sarifText{message(p)},
		// The line is left out: what stands above it may change.
		Prints: map[string]string{"regsnap/v1": fmt.Sprintf("%s %s %s %s", p.Branch, p.File, p.Rule, p.Detail)},
	}
	if file != "" {
		l := sarifLocation{sarifPhysical{Artifact: sarifArtifact{(&url.URL{Path: file}).EscapedPath()}}}
		if p.Line > 0 && inside == "" {
			l.Physical.Region = &sarifRegion{p.Line}
		}
		r.Locations = []sarifLocation{l}
	}
	return r
}

// message is a finding with whom to ping, as a sentence of plain text.
func message(p index.Problem) string {
	var b strings.Builder
	if p.Package != "" {
		b.WriteString(p.Package)
		if p.Version != "" {
			b.WriteString("-" + p.Version)
		}
		b.WriteString(": ")
	}
	if _, inside, found := strings.Cut(p.File, "!"); found {
		b.WriteString(inside + ": ")
	}
	b.WriteString(p.Detail)
	if p.Owner != "" {
		b.WriteString("; ping @" + strings.TrimPrefix(p.Owner, "@"))
	}
	if c := p.Commit; c != nil {
		fmt.Fprintf(&b, "; last changed by %s in %.8s", c.Author, c.Hash)
	}
	return b.String()
}
