package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/layout"
)

// Verdict is what a setting, or a right, comes to.
type Verdict string

const (
	Right   Verdict = "right"
	Wrong   Verdict = "wrong"   // snapshots can be lost or changed, or regsnap cannot work
	Note    Verdict = "note"    // it works; whether it is meant so only its owner knows
	Unknown Verdict = "unknown" // the store does not say
)

// Setting is one setting of a bucket as a whole, with what it means for snapshots.
type Setting struct {
	Name    string
	Verdict Verdict
	Found   string
	// Fix says what to do; empty where there is nothing to.
	Fix string
}

// untold is a setting that could not be read.
func untold(name string, err error) Setting {
	if Denied(err) {
		return Setting{name, Unknown, "this role may not read it", "ask with a role that may"}
	}
	return Setting{name, Unknown, "the store does not tell", ""}
}

// publicAccess is what anyone can do, without credentials.
type publicAccess struct{ Read, List, Write bool }

// setting makes the settings of a bucket from what it says of public access.
func (p publicAccess) setting() Setting {
	switch {
	case p.Write:
		return Setting{"public access", Wrong, "anyone can write", "allow nobody to write without credentials"}
	case p.List:
		return Setting{"public access", Note, "anyone can list and read", "block public access, unless the edge reads without credentials; nobody needs to list"}
	case p.Read:
		return Setting{"public access", Note, "anyone can read", "block public access, unless the edge reads without credentials"}
	}
	return Setting{"public access", Right, "none: neither reading, listing nor writing", ""}
}

// settings says who may write to the folder: that is all that a folder has.
func (s *fileStore) settings(context.Context, string) []Setting {
	for _, name := range append([]string{""}, layout.Prefixes...) {
		info, err := os.Stat(filepath.Join(s.dir, name))
		if err != nil || info.Mode().Perm()&0o022 == 0 || info.Mode()&fs.ModeSticky != 0 {
			continue
		}
		who, verdict := "the group", Note
		if info.Mode().Perm()&0o002 != 0 {
			who, verdict = "every user of the machine", Wrong
		}
		return []Setting{{"public access", verdict, fmt.Sprintf("%s may write to %s (%s)", who, filepath.Join(s.dir, name), info.Mode()), "chmod -R go-w " + s.dir}}
	}
	return []Setting{{"public access", Right, "only its owner may write", ""}}
}
