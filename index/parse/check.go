package parse

import (
	"cmp"
	"fmt"
	"path"
	"regexp"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/index"
)

// Releases that the registry knows.
const (
	releaseExperimental = "experimental"
	releaseBeta         = "beta"
	releaseGA           = "ga"
)

func knownRelease(s string) bool {
	return s == releaseExperimental || s == releaseBeta || s == releaseGA
}

func releaseDetail(s string) string {
	return quote(s) + " is not a release: it can be experimental, beta or ga"
}

// manifest reads manifest.yml, checks it and fills in defaults.
func (r *parse) manifest() {
	f, ok := r.files[manifestName]
	if !ok {
		r.fail(manifestName, 0, index.RuleManifestMissing, "does not exist: a package is described by it")
		return
	}
	content, done, flt := r.read(r.tree, f, &r.counts.manifests)
	if flt != nil {
		r.failWith(manifestName, *flt)
		return
	}
	defer done()
	tree, flt := readManifest(content)
	if flt == nil {
		flt = unpack(tree, content, &r.pkg.Manifest)
	}
	if flt != nil {
		r.pkg.Manifest = Manifest{Owner: peekOwner(content)}
		r.failWith(manifestName, *flt)
		return
	}
	r.lines.data = content
	r.identity()
	r.texts()
	r.conditions()
	r.images()
	r.policyTemplates()
	r.defaults()
}

// failAt and warnAt report a finding at a top-level key of the manifest.
func (r *parse) failAt(key string, rule index.Rule, format string, args ...any) {
	r.fail(manifestName, r.lines.of(key), rule, format, args...)
}

func (r *parse) warnAt(key string, rule index.Rule, format string, args ...any) {
	r.warn(manifestName, r.lines.of(key), rule, format, args...)
}

// Identity is what a manifest calls its package, as far as it says so; the rest of
// it is not looked at.
func Identity(manifest []byte) (name, version string) {
	var m struct {
		Name    string `yaml:"name"`
		Version string `yaml:"version"`
	}
	_ = decodeYAML(manifest, &m, index.RuleManifestSyntax, wantManifest)
	return m.Name, m.Version
}

// peekOwner finds the owner in a manifest that cannot be unpacked: someone has
// to be told.
func peekOwner(content []byte) *Owner {
	var m struct {
		Owner struct {
			Github string `yaml:"github"`
		} `yaml:"owner"`
		Dotted string `yaml:"owner.github"`
	}
	// What fits is decoded even if something else does not.
	_ = decodeYAML(content, &m, index.RuleManifestSyntax, wantManifest)
	github := cmp.Or(m.Owner.Github, m.Dotted)
	if found := ownerText.FindSubmatch(content); github == "" && found != nil {
		github = string(found[1]) // what is not YAML can still be read by eye
	}
	return &Owner{Github: github}
}

var ownerText = regexp.MustCompile(`\bgithub: *["']?([A-Za-z0-9][A-Za-z0-9_./-]*)`)

// identity checks what the package is called.
func (r *parse) identity() {
	m := r.pkg
	if m.Name != r.name {
		r.failAt("name", index.RuleNameDirectory, "the name is %s, but the directory is %s: make them the same", quote(m.Name), quote(r.name))
	}
	if v, err := semver.StrictNewVersion(m.Version); err != nil {
		r.failAt("version", index.RuleVersionSyntax, "the version %s is not a semantic version (major.minor.patch): %v", quote(m.Version), err)
	} else {
		m.SemVer = v
	}
	if m.Version != r.version {
		r.failAt("version", index.RuleVersionDirectory, "the version is %s, but the directory is %s: make them the same", quote(m.Version), quote(r.version))
	}
	if m.FormatVersion == "" {
		r.failAt("format_version", index.RuleFormatVersion, "has no format_version: say which version of the package format it follows")
	} else if v, err := semver.StrictNewVersion(m.FormatVersion); err != nil {
		r.failAt("format_version", index.RuleFormatVersion, "the format_version %s is not a semantic version (major.minor.patch): %v", quote(m.FormatVersion), err)
	} else {
		m.SpecMajor, m.SpecMinor = v.Major(), v.Minor()
	}
}

// texts checks what describes the package.
func (r *parse) texts() {
	m := r.pkg
	if m.Title == "" {
		r.failAt("title", index.RuleTitleMissing, "has no title")
	}
	if m.Description == "" {
		r.failAt("description", index.RuleDescriptionMissing, "has no description")
	}
	if m.Owner == nil || m.Owner.Github == "" {
		r.warnAt("owner", index.RuleOwnerMissing, "does not say who owns the package: Kibana refuses to install it; add owner.github")
	}
	if m.Requires != nil {
		r.requires("input", m.Requires.Input)
		r.requires("content", m.Requires.Content)
	}
	if m.Release != "" && !knownRelease(m.Release) {
		r.failAt("release", index.RuleReleaseUnknown, "%s", releaseDetail(m.Release))
	}
	if d := m.Discovery; d != nil {
		r.discovery("fields", d.Fields)
		r.discovery("datasets", d.Datasets)
	}
	known := m.Categories[:0]
	for _, c := range m.Categories {
		if _, ok := lookupCategory(c); ok {
			known = append(known, c)
		} else {
			r.warnAt("categories", index.RuleCategoryUnknown, "the category %s is not one that the registry knows: it is left out", quote(c))
		}
	}
	m.Categories = known
}

func (r *parse) requires(kind string, list []Dependency) {
	for i, d := range list {
		for _, want := range []struct{ key, value string }{{"package", d.Package}, {"version", d.Version}} {
			if want.value == "" {
				r.failAt("requires."+kind, index.RuleRequires, "entry %d of requires.%s has no %s", i+1, kind, want.key)
			}
		}
	}
}

func (r *parse) discovery(kind string, list []DiscoveryName) {
	for i, d := range list {
		if d.Name == "" {
			r.failAt("discovery."+kind, index.RuleDiscoveryName, "entry %d of discovery.%s has no name", i+1, kind)
		}
	}
}

// conditions parses where the package can be installed.
func (r *parse) conditions() {
	m := r.pkg
	if m.Conditions == nil {
		return
	}
	if c := m.Conditions.Kibana; c != nil {
		m.KibanaConstraint = c.Version
		m.KibanaVersions = r.constraint(c.Version, "kibana", index.RuleKibanaConstraint)
	}
	if c := m.Conditions.Agent; c != nil {
		m.AgentConstraint = c.Version
		m.AgentVersions = r.constraint(c.Version, "agent", index.RuleAgentConstraint)
	}
	if c := m.Conditions.Elastic; c != nil {
		m.Capabilities = c.Capabilities
	}
}

func (r *parse) constraint(text, what string, rule index.Rule) *semver.Constraints {
	c, err := semver.NewConstraint(text)
	if err != nil {
		r.failAt("conditions."+what, rule, "conditions.%s.version %s is not a version constraint such as ^8.0.0: %v", what, quote(text), err)
		return nil
	}
	return c
}

// images checks that icons and screenshots exist and says where they are served.
func (r *parse) images() {
	m := r.pkg
	for i := range m.Icons {
		r.image(&m.Icons[i], "icons", "icons", r.failAt)
	}
	for i := range m.Screenshots {
		r.image(&m.Screenshots[i], "screenshots", "screenshots", r.failAt)
	}
}

// image checks an entry of the list kind, which stands at a top-level key of the
// manifest. What becomes of an image that does not exist is up to missing.
func (r *parse) image(img *Image, kind, key string, missing func(string, index.Rule, string, ...any)) {
	img.Path = r.url(img.Src)
	switch {
	case img.Src == "":
		r.failAt(key, index.RuleImageMissing, "an entry of %s has no src: say which file it is", kind)
	case !r.exists(img.Src):
		missing(key, index.RuleImageMissing, "%s of %s is not a file of the package", quote(img.Src), kind)
	}
}

// policyTemplates checks the policy templates and fills in their defaults.
func (r *parse) policyTemplates() {
	for i := range r.pkg.PolicyTemplates {
		t := &r.pkg.PolicyTemplates[i]
		who := fmt.Sprintf("policy template %d", i+1)
		if t.Name != "" {
			who = "policy template " + quote(t.Name)
		}
		for _, want := range []struct{ key, value string }{{"name", t.Name}, {"title", t.Title}, {"description", t.Description}} {
			if want.value == "" {
				r.failAt("policy_templates", index.RulePolicyTemplate, "%s has no %s", who, want.key)
			}
		}
		for j := range t.Inputs {
			in := &t.Inputs[j]
			if detail := ambiguous("input", j, in.Title, "type", in.Type, in.Package); detail != "" {
				r.failAt("policy_templates", index.RuleInputAmbiguous, "%s: %s", who, detail)
			}
		}
		if modes := t.DeploymentModes; modes != nil && modes.Agentless != nil {
			if rel := modes.Agentless.Release; rel != "" && rel != releaseBeta && rel != releaseGA {
				r.failAt("policy_templates", index.RuleAgentlessRelease, "%s: the agentless release %s can only be beta or ga", who, quote(rel))
			}
		}
		// The reference registry does not look whether these exist, so a
		// package without them is served.
		for j := range t.Icons {
			r.image(&t.Icons[j], "icons", "policy_templates", r.warnAt)
		}
		for j := range t.Screenshots {
			r.image(&t.Screenshots[j], "screenshots", "policy_templates", r.warnAt)
		}
		r.completeTemplate(t)
	}
}

func (r *parse) completeTemplate(t *PolicyTemplate) {
	if t.Multiple == nil {
		multiple := true
		t.Multiple = &multiple
	}
	readme := path.Join("docs", t.Name+".md")
	if _, ok := r.files[readme]; ok {
		url := r.url(readme)
		t.Readme = &url
	} else if r.dirs[readme] {
		r.fail(readme, 0, index.RuleReadmeMissing, "is a directory: it is where the readme of a policy template is looked for")
	}
	if r.pkg.Type == "input" && t.Input != "" {
		t.IngestionMethod = ingestionMethod(t.Input)
	}
}

// defaults fills in what the manifest of the package may leave out.
func (r *parse) defaults() {
	m := r.pkg
	if m.Type == "" {
		m.Type = defaultType
	}
	if m.License == "" {
		m.License = defaultLicense
		if c := m.Conditions; c != nil && c.Elastic != nil && c.Elastic.Subscription != "" {
			m.License = c.Elastic.Subscription
		}
	}
	if m.Release == "" {
		m.Release = releaseGA
		if v := m.SemVer; v != nil && (v.Major() == 0 || v.Prerelease() != "") {
			m.Release = releaseBeta
		}
	}
}

// ambiguous tells what is wrong with an input or stream that must name either
// its own kind or the package that brings it; empty if nothing is.
func ambiguous(what string, i int, title, key, kind, pkg string) string {
	who := fmt.Sprintf("%s %d", what, i+1)
	if title != "" {
		who += " (" + quote(title) + ")"
	}
	switch {
	case kind == "" && pkg == "":
		return fmt.Sprintf("%s has neither %s nor package: give it one of them", who, key)
	case kind != "" && pkg != "":
		return fmt.Sprintf("%s has both %s and package: keep one of them", who, key)
	}
	return ""
}
