package parse

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
)

// Package is what the registry knows of one package version, but for what
// depends on its neighbours (a deprecation notice of a newer version) or on the
// source (a signature).
type Package struct {
	Manifest

	SemVer *semver.Version
	// SpecMajor and SpecMinor are those of FormatVersion.
	SpecMajor, SpecMinor uint64
	// KibanaConstraint and AgentConstraint are as the manifest writes them;
	// the parsed forms are nil when it does not restrict the version.
	KibanaConstraint, AgentConstraint string
	KibanaVersions, AgentVersions     *semver.Constraints
	// Capabilities are those that the installation must have.
	Capabilities []string

	// Readme is the URL path of docs/README.md.
	Readme string
	// Assets are the URL paths of the files, those of the root first, then
	// those one directory down, and so on.
	Assets      []string
	DataStreams []DataStream
}

// parse is one run of Parser.Parse.
type parse struct {
	*Parser
	name, version string // of the directories
	tree          index.Tree
	files         map[string]index.File
	dirs          map[string]bool
	// streamDirs are the directories in data_stream/, in order, with the
	// files that each holds where the checks look.
	streamDirs []*streamDir

	lines keyLines // of the manifest
	pkg   *Package
	found index.Findings
}

// streamDir is a directory in data_stream/.
type streamDir struct {
	name      string
	manifest  *index.File
	fields    []index.File
	pipelines bool // it has some
	// stray are the names of the directories in fields/.
	stray []string
}

// Parse reads a package. name and versionDir are the names of its directories.
// Errors tell why it is invalid; all that can be found are reported, and
// then the Package is nil. Warnings are worth telling the author. The File of a
// Problem is a path in the package, and the caller says whose it is (Branch,
// Package, Version, Commit).
func (p *Parser) Parse(name, versionDir string, tree index.Tree) (*Package, index.Findings) {
	r := &parse{Parser: p, name: name, version: versionDir, tree: tree, pkg: new(Package)}
	r.survey()
	r.manifest()
	r.layout()
	for _, dir := range r.streamDirs {
		r.dataStream(dir)
	}
	owner := ""
	if r.pkg.Owner != nil {
		owner = printable(r.pkg.Owner.Github)
	}
	r.found.Own(owner)
	if len(r.found.Errors) > 0 {
		return nil, r.found
	}
	return r.pkg, r.found
}

func (r *parse) fail(file string, line int, rule index.Rule, format string, args ...any) {
	r.failWith(file, fault{rule, line, fmt.Sprintf(format, args...)})
}

func (r *parse) failWith(file string, f fault) { r.found.Error(f.problem(file)) }

func (r *parse) warn(file string, line int, rule index.Rule, format string, args ...any) {
	r.found.Warning(fault{rule, line, fmt.Sprintf(format, args...)}.problem(file))
}

// survey looks once through the files of the package.
func (r *parse) survey() {
	files := r.tree.Files()
	r.files = make(map[string]index.File, len(files))
	r.dirs = make(map[string]bool)
	var dir *streamDir
	for _, f := range files {
		r.files[f.Path] = f
		for d := path.Dir(f.Path); d != "." && d != "/" && !r.dirs[d]; d = path.Dir(d) {
			r.dirs[d] = true
		}
		rest, ok := strings.CutPrefix(f.Path, streamsDir+"/")
		if !ok || strings.Contains(f.Path, ignoredMarker) {
			continue
		}
		name, rest, ok := strings.Cut(rest, "/")
		if !ok {
			continue // a plain file beside the data streams
		}
		if dir == nil || dir.name != name {
			dir = &streamDir{name: name}
			r.streamDirs = append(r.streamDirs, dir)
		}
		dir.add(f, rest)
	}
}

// add sorts a file of a data stream in; rest is its path in the directory.
func (d *streamDir) add(f index.File, rest string) {
	switch in := path.Dir(rest); {
	case rest == manifestName:
		d.manifest = &f
	case in == fieldsDir:
		d.fields = append(d.fields, f)
	case strings.HasPrefix(in, fieldsDir+"/"):
		name, _, _ := strings.Cut(in[len(fieldsDir+"/"):], "/")
		if n := len(d.stray); n == 0 || d.stray[n-1] != name {
			d.stray = append(d.stray, name) // the walk has all its files in a row
		}
	case strings.HasPrefix(rest, pipelinesDir+"/"):
		d.pipelines = true
	}
}

// layout checks and lists the files of the package.
func (r *parse) layout() {
	if _, ok := r.files[readmePath]; !ok {
		r.fail(readmePath, 0, index.RuleReadmeMissing, "does not exist: every package has one")
	}
	for _, dir := range slices.Sorted(maps.Keys(r.dirs)) {
		if strings.Contains(dir, ignoredMarker) {
			continue
		}
		if strings.Contains(path.Base(dir), "-") {
			r.fail(dir, 0, index.RuleDirectoryName, "has a hyphen in its name: rename the directory, for example with an underscore")
		}
	}
	r.pkg.Readme = r.url(readmePath)
	r.pkg.Assets = r.assets()
}

// assets lists the URL paths of the files, level by level. Within a level the
// order is that of the walk, which compares names a path element at a time; of a
// ready-made archive it is that in which the archive lists them.
func (r *parse) assets() []string {
	type asset struct {
		depth int
		path  string
	}
	files := r.tree.Files()
	if archive, ok := r.tree.(*Archive); ok {
		files = archive.listed
	}
	list := make([]asset, 0, len(files))
	for _, f := range files {
		if !strings.Contains(f.Path, ignoredMarker) {
			list = append(list, asset{strings.Count(f.Path, "/"), r.url(f.Path)})
		}
	}
	slices.SortStableFunc(list, func(a, b asset) int { return cmp.Compare(a.depth, b.depth) })
	urls := make([]string, len(list))
	for i, a := range list {
		urls[i] = a.path
	}
	return urls
}

// url is where the registry serves a file of the package.
func (r *parse) url(file string) string {
	return path.Join("/package", r.name, r.version, file)
}

// exists reports whether a path that a manifest gives is a file of the package.
// Manifests may write it with a leading slash.
func (r *parse) exists(src string) bool {
	_, ok := r.files[path.Clean(strings.TrimLeft(src, "/"))]
	return ok
}

// quote shows a value of a manifest in a message, cut to a readable length.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}
