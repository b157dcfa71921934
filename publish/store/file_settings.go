package store

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// settings says who may write to the folder: that is all that a folder has.
func (s *fileStore) settings(context.Context, string) []Setting {
	for _, name := range append([]string{""}, ownPrefixes...) {
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
