package main

import (
	"strings"
	"testing"
)

// TestChoicesOf: how output is to look is read before the flags are, wherever they stand
// and however they are written.
func TestChoicesOf(t *testing.T) {
	for line, want := range map[string]choices{
		"regsnap status":                          {colour: "auto"},
		"regsnap status --verbose":                {colour: "auto", verbose: true},
		"regsnap status -verbose":                 {colour: "auto", verbose: true},
		"regsnap status -v":                       {colour: "auto", verbose: true},
		"regsnap -v":                              {colour: "auto"}, // the version
		"regsnap status --verbose=false":          {colour: "auto"},
		"regsnap status --quiet":                  {colour: "auto", quiet: true},
		"regsnap status -q":                       {colour: "auto", quiet: true},
		"regsnap status --quiet=false":            {colour: "auto"},
		"regsnap status --json":                   {colour: "auto", json: true},
		"regsnap status --json=false":             {colour: "auto"},
		"regsnap status --color never":            {colour: "never"},
		"regsnap status --color=always":           {colour: "always"},
		"regsnap status --color":                  {colour: "auto"},
		"regsnap status -- --json --verbose":      {colour: "auto"},
		"regsnap status json verbose":             {colour: "auto"},
		"regsnap status --json --quiet --verbose": {colour: "auto", json: true, quiet: true, verbose: true},
	} {
		if got := choicesOf(strings.Fields(line)); got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}
