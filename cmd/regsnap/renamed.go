package main

import (
	"fmt"
	"slices"
	"strings"
)

// renamed is a flag that has another name now. The old one works and says so.
type renamed struct {
	command string // with those above it: "edge cloudflare"
	old     string
	now     string
	// isSwitch is for one that takes no value; value then is what the new one gets.
	isSwitch bool
	value    string
	// unit is put behind the value: what was a number of days is a length of time.
	unit string
}

var renamedFlags = []renamed{
	{command: "prune", old: "keep-days", now: "keep-within", unit: "d"},
	{command: "mirror", old: "no-publish", now: "publish", isSwitch: true, value: "false"},
	{command: "import", old: "from", now: "registry"},
	{command: "import", old: "rate", now: "max-rate"},
	{command: "import", old: "connections", now: "max-connections"},
	{command: "check", old: "rate", now: "max-rate"},
	{command: "serve", old: "max-requests", now: "max-concurrent"},
	{command: "serve", old: "cache-bytes", now: "max-cache-bytes"},
	{command: "promote", old: "push", now: "remote"},
	{command: "inspect", old: "package", now: "why"},
}

// oldName finds what a flag of a command is called now.
func oldName(path []string, name string) (renamed, bool) {
	command := strings.Join(path, " ")
	i := slices.IndexFunc(renamedFlags, func(r renamed) bool { return r.command == command && r.old == name })
	if i < 0 {
		return renamed{}, false
	}
	return renamedFlags[i], true
}

// typed is the word, or the two words, of a call as the flag is written now.
func (r renamed) typed(word, next string) []string {
	_, value, attached := strings.Cut(word, "=")
	switch {
	case r.isSwitch:
		return []string{"--" + r.now + "=" + r.value}
	case attached:
		return []string{"--" + r.now + "=" + value + r.unit}
	}
	return []string{"--" + r.now, next + r.unit}
}

func (r renamed) notice() string {
	now := "--" + r.now
	if r.isSwitch {
		now += "=" + r.value
	}
	return fmt.Sprintf("--%s is called %s now; the old name still works", r.old, now)
}
