// Package commit tells what a program was built from.
package commit

import "runtime/debug"

// digits is how much of a commit's id is told.
const digits = 12

// Of is the commit that a program was built from, as the go command noted it, and
// whether that was modified; empty when it did not note any.
func Of(info *debug.BuildInfo) string {
	at, dirty := "", ""
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			at = s.Value
		case "vcs.modified":
			if s.Value == "true" {
				dirty = ", modified"
			}
		}
	}
	if at == "" {
		return ""
	}
	return at[:min(len(at), digits)] + dirty
}
