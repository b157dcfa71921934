package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/internal/suggest"
)

// didYouMean is what to add to an error about a word that is not one of those
// known; "" when none is like it.
func didYouMean(word string, known []string) string { return suggest.DidYouMean(word, known) }

// unknownKey is how the reader of YAML says that a key is not one of those known.
var unknownKey = regexp.MustCompile(`unknown field "([^"]+)"`)

// suggestKey adds to an error about a configuration which key was meant.
func suggestKey(err error) error {
	found := unknownKey.FindStringSubmatch(err.Error())
	if found == nil {
		return err
	}
	var known []string
	for _, key := range configKeys() {
		for part := range strings.SplitSeq(key, ".") {
			if part != "NAME" && !slices.Contains(known, part) {
				known = append(known, part)
			}
		}
	}
	if hint := didYouMean(found[1], known); hint != "" {
		return fmt.Errorf("there is no key %s%s:\n%w", found[1], hint, err)
	}
	return fmt.Errorf("there is no key %s; regsnap help configuration lists them:\n%w", found[1], err)
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
