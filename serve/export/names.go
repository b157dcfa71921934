package export

import (
	"encoding/hex"
	"path"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/regsnap/regsnap/layout"
)

// Folders of an exported snapshot, and of the tree.
const (
	treeFolder  = "tree"
	dataFolder  = "data"
	nginxFolder = "nginx"

	packagesFolder = treeFolder + "/package"
	archivesFolder = treeFolder + "/epr"
)

// routesName and manifestName are files of the data.
const (
	routesName   = dataFolder + "/routes.json"
	manifestName = dataFolder + "/manifest.json"
)

// documentNames lie beside the files of a package: its document, and the form of
// it for clients that take gzip.
var documentNames = []string{documentName, documentName + layout.GzipSuffix}

const documentName = "index.json"

// fileOf is the file of an object of a package or of a response, below the folder
// of its snapshot. edge/nginx/tree.js is its twin. Archives and files of packages
// have the paths of the API, with the names that they have in the package.
func fileOf(key string) string {
	part := strings.SplitN(key, "/", 5)
	if part[0]+"/" != layout.PackagesPrefix || len(part) < 5 {
		return dataFolder + "/" + key
	}
	name, version, rest := part[1], part[2], part[4]
	tail, file := strings.CutPrefix(rest, "files/")
	switch {
	case rest == "contents.json":
		return dataFolder + "/" + key
	case !file:
		return path.Join(archivesFolder, name, plainName(rest))
	}
	elements := strings.Split(tail, "/")
	for i, e := range elements {
		elements[i] = plainName(e)
	}
	if slices.Contains(documentNames, elements[0]) {
		elements[0] = "=" + elements[0]
	}
	return path.Join(packagesFolder, name, plainName(version), path.Join(elements...))
}

// documentFile is the document of a package version.
func documentFile(name, version string) string {
	rev := layout.Revision{Name: name, Version: version}
	return path.Join(packagesFolder, name, plainName(strings.Split(rev.ContentsKey(), "/")[2]), documentName)
}

// kept matches the elements of keys that stay as they are: those that are cut
// short, that have a "=" in their name, which tells the ones from the others, or
// whose name a system would not take for one or shows badly.
var kept = regexp.MustCompile(`=-|=3D|=2F|=[01]|=7F|^(=2E)+$`)

var escaped = regexp.MustCompile(`=(..)`)

// plainName is the name that an element of a key stands for. No two elements
// have the same: what stays as it is holds a "=", and no other does.
func plainName(element string) string {
	if !strings.Contains(element, "=") || kept.MatchString(element) {
		return element
	}
	name := escaped.ReplaceAllStringFunc(element, func(s string) string {
		b, err := hex.DecodeString(s[1:])
		if err != nil {
			return s // keys hold nothing like that
		}
		return string(b)
	})
	if !utf8.ValidString(name) {
		return element
	}
	return name
}
