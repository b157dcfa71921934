package main

import (
	"fmt"

	"github.com/urfave/cli/v2"
	"github.com/xrash/smetrics"
)

// alike is how alike two words must be, from 0 to 1, for one to be suggested
// where the other was typed. Words that share a beginning count as more alike.
const alike = 0.84

// didYouMean is what to add to an error about a word that is not one of those
// known; "" when none is like it.
func didYouMean(word string, known []string) string {
	best, score := "", alike
	for _, k := range known {
		if s := smetrics.JaroWinkler(word, k, 0.7, 4); s >= score {
			best, score = k, s
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}

// commandNames are the names that a command can be called by.
func commandNames(commands []*cli.Command) []string {
	var out []string
	for _, c := range commands {
		if !c.Hidden {
			out = append(out, c.Names()...)
		}
	}
	return out
}

// flagNames are the flags of a command as they are typed.
func flagNames(flags []cli.Flag) []string {
	var out []string
	for _, f := range flags {
		for _, name := range f.Names() {
			if len(name) > 1 {
				out = append(out, "--"+name)
			}
		}
	}
	return out
}
