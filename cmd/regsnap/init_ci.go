package main

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/docs/ci"
)

// ciFolders says where the files of each system go, by the folder of docs/ci.
var ciFolders = map[string]string{"buildkite": ".buildkite", "github": ".github/workflows", "gitlab": ".gitlab", "jenkins": "."}

// scriptsFolder is where the scripts go that every system runs.
const scriptsFolder = ".regsnap"

// ciSystems are those that there are files for.
func ciSystems() (names []string) {
	for name := range ciFolders {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// ciFiles are the files of a system and the scripts; none for "none".
func ciFiles(system string) (files []initialFile, err error) {
	folder, known := ciFolders[system]
	if !known {
		return nil, nil
	}
	for from, to := range map[string]string{system: folder, "scripts": scriptsFolder} {
		err := fs.WalkDir(ci.Files, from, func(name string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			content, err := ci.Files.ReadFile(name)
			f := initialFile{path.Join(to, strings.TrimPrefix(name, from)), content, 0o666}
			if path.Ext(name) == ".sh" {
				f.mode = 0o777
			}
			files = append(files, f)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(a, b initialFile) int { return strings.Compare(a.path, b.path) })
	return files, nil
}
