package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/regsnap/regsnap/publish/store"
)

// failure is an error as --json shows it, on standard error: {"error": {…}}.
type failure struct {
	// Kind is one word for a program; docs/json.md lists them.
	Kind     string `json:"kind"`
	ExitCode int    `json:"exit_code"`
	Message  string `json:"message"`
	// Store is set where a store failed: what is wrong with which, and what to do.
	Store *storeFailure `json:"store,omitempty"`
}

type storeFailure struct {
	Place   string `json:"place"`
	Kind    string `json:"kind"`
	Problem string `json:"problem"`
	Advice  string `json:"advice"`
	// Detail is what the store or its SDK said.
	Detail string `json:"detail"`
}

// exitCodes are what the program ends with, as the manuals list them.
var exitCodes = []struct {
	code          int
	kind, meaning string
}{
	{0, "", "done"},
	{exitFailure, "failure", "the store, the repository or the network failed"},
	{exitUsage, "usage", "the command line or the configuration is wrong"},
	{exitInvalid, "invalid", "packages are broken, are not signed as they must be, or violate a branch's rules; the report says which"},
	{exitOlder, "older", "a newer snapshot is already live, or already has the image's tag"},
	{exitConflict, "conflict", "someone else published, rolled back, pruned or pushed at the same time: run again"},
	{exitBusy, "busy", "prune found a build or another prune running, and deleted nothing"},
	{exitDamaged, "damaged", "an object of the bucket is damaged or missing"},
	{exitHook, "hook", "the snapshot is live, but a command or webhook of after_publish, or the index of package storage v2, failed"},
	{exitDifferent, "different", "check found a registry that does not answer as the bucket does"},
	{exitDiverged, "diverged", "the snapshot and the live one have diverged, as after a force push"},
	{exitUnordered, "unordered", "which snapshot is newer could not be determined"},
	{exitNewer, "newer", "something in the bucket was written by a newer regsnap: upgrade this one"},
	{exitUnfit, "unfit", "doctor found that a bucket, or a role in it, is not set up right"},
	{exitRender, "render", "the same commits are live, rendered by another version: --allow-render replaces them"},
	{exitLagging, "lagging", "status --watch gave up on hosts that do not show the live snapshot"},
	{exitInterrupted, "interrupted", "stopped by Ctrl-C or SIGTERM"},
}

func kindOf(code int) string {
	for _, e := range exitCodes {
		if e.code == code {
			return e.kind
		}
	}
	return "failure"
}

// failed is what standard error has with --json.
type failed struct {
	Error *failure `json:"error"`
}

// failureOf is an error as --json shows it.
func failureOf(ctx context.Context, err error) *failure {
	code := exitCode(ctx, err)
	f := &failure{Kind: kindOf(code), ExitCode: code, Message: strings.Join(errorLines(err), "; ")}
	if trouble := (*store.Trouble)(nil); errors.As(err, &trouble) {
		f.Store = &storeFailure{clean(trouble.Place), trouble.Kind, clean(trouble.Problem), trouble.Advice, clean(trouble.Err.Error())}
	}
	return f
}

// errorLines is the text of an error: joined errors have a line each.
func errorLines(err error) []string {
	var lines []string
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if line != errReported.Error() {
			lines = append(lines, clean(line))
		}
	}
	return lines
}

// report shows the error that a command ended in, and returns the exit code.
func report(ctx context.Context, err error, w io.Writer, ch choices, s screen) int {
	code, lines := exitCode(ctx, err), errorLines(err)
	var trouble *store.Trouble
	errors.As(err, &trouble)
	if ch.json {
		_ = printJSON(w, failed{failureOf(ctx, err)}) // there is nowhere else to say it
		return code
	}
	if errors.Is(err, errReported) {
		return code
	}
	for _, line := range lines {
		fmt.Fprintf(w, "%s %s\n", s.paint(red, "regsnap:"), line)
	}
	if trouble != nil && ch.verbose {
		fmt.Fprintf(w, "regsnap: the store's own words: %s\n", clean(trouble.Err.Error()))
	} else if trouble != nil {
		fmt.Fprintln(w, "regsnap: --verbose shows every request, and what the store said")
	}
	if code == exitInterrupted {
		fmt.Fprintln(w, "regsnap: stopped; what is live has not changed")
	}
	return code
}
