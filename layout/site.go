package layout

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// SiteFormat is the version of the format of the pages that list others.
const SiteFormat = 1

// Site lists the pages of a snapshot's catalogue. Pages that depend on one package
// alone are listed by the package's own list, so that what an edge reads for a
// page, and what a push writes, does not grow with the registry twice.
type Site struct {
	Format int `json:"format"`
	// Script is the hash of the one script, as a Content-Security-Policy has it.
	Script string `json:"script"`
	// Pages are those of the snapshot, by their paths below the catalogue: "" is
	// the index. A path that ends in a slash is a page for people.
	Pages    map[string]Digest      `json:"pages"`
	Packages map[string]SitePackage `json:"packages"`
}

// StylePath is where a catalogue has its style, below it: the path says what the
// Content-Security-Policy has to say of pages that have the style in them.
func StylePath(style []byte) string {
	sum := sha256.Sum256(style)
	return "-/" + hex.EncodeToString(sum[:]) + ".css"
}

// Style is the hash of the style, as a Content-Security-Policy has it; empty for a
// catalogue whose pages have none in them.
func (s *Site) Style() string {
	for path := range s.Pages {
		name, css := strings.CutSuffix(strings.TrimPrefix(path, "-/"), ".css")
		if sum, err := hex.DecodeString(name); css && err == nil && len(sum) == sha256.Size {
			return "sha256-" + base64.StdEncoding.EncodeToString(sum)
		}
	}
	return ""
}

// SitePackage is a package of a catalogue.
type SitePackage struct {
	// List is the digest of the list of its versions, which is a page, too.
	List Digest `json:"list"`
	// Pages are those of the package, by their paths below it: "" is its own.
	Pages map[string]Digest `json:"pages"`
}

// SiteIndex is what the index of a catalogue shows, as a page of its own: a build
// takes from the last one what did not change, and edges need not read it.
type SiteIndex struct {
	Format   int                  `json:"format"`
	Packages map[string]SiteEntry `json:"packages"`
}

// SiteEntry is what the index shows of a package.
type SiteEntry struct {
	// Versions is how many it has.
	Versions int `json:"versions"`
	SiteAbout
}

// IndexPath is where the SiteIndex is, below the catalogue.
const IndexPath = "-/packages.json"

// SiteAbout is what lists of packages show of one version.
type SiteAbout struct {
	Version      string   `json:"version"`
	Title        string   `json:"title"`
	Description  string   `json:"description,omitempty"`
	Icon         string   `json:"icon,omitempty"` // a path below that of the API
	Type         string   `json:"type,omitempty"`
	Release      string   `json:"release,omitempty"`
	Categories   []string `json:"categories,omitempty"`
	Owner        string   `json:"owner,omitempty"`
	Subscription string   `json:"subscription,omitempty"`
	Kibana       string   `json:"kibana,omitempty"` // the constraint
	Agent        string   `json:"agent,omitempty"`
	Deprecated   bool     `json:"deprecated,omitempty"`
}

// SiteList lists the versions of a package, the oldest first.
type SiteList struct {
	Format   int           `json:"format"`
	Name     string        `json:"name"`
	Versions []SiteVersion `json:"versions"`
}

// SiteVersion is a version of a package.
type SiteVersion struct {
	SiteAbout
	Revision string `json:"revision"`
	Page     Digest `json:"page"`
	Branch   string `json:"branch"`
	// Log is what the package's changelog says of it.
	Log []SiteLog `json:"log,omitempty"`
	// Changes are those since the version before; nil if that is not known.
	Changes *SiteChanges `json:"changes,omitempty"`
}

// SiteLog is an entry of a changelog.
type SiteLog struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	Link string `json:"link,omitempty"`
}

// SiteChanges is how two versions of a package differ.
type SiteChanges struct {
	// Since is the revision of the version before.
	Since     string      `json:"since"`
	Files     SiteChanged `json:"files,omitzero"`
	Fields    SiteChanged `json:"fields,omitzero"`
	Variables SiteChanged `json:"variables,omitzero"`
	// Facts are those that differ: constraints, owner, licence.
	Facts []SiteFact `json:"facts,omitempty"`
}

// SiteChanged counts what came, went and changed, and names the first of each.
type SiteChanged struct {
	Added   SiteNames `json:"added,omitzero"`
	Removed SiteNames `json:"removed,omitzero"`
	Changed SiteNames `json:"changed,omitzero"`
}

// SiteNames are some of so many names.
type SiteNames struct {
	Count int      `json:"count"`
	Names []string `json:"names"`
}

// SiteFact is a fact that differs.
type SiteFact struct {
	Name   string `json:"name"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// ListPath is where a package's list is, below the package.
const ListPath = "versions.json"

// DecodeSite reads the list of a catalogue's pages.
func DecodeSite(data []byte) (*Site, error) {
	s := new(Site)
	if err := siteFormat.read(data, s); err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, siteFormat.damaged(err)
	}
	return s, siteFormat.exact(data, Encode(s, ""))
}

// DecodeSiteIndex reads what the index of a catalogue shows.
func DecodeSiteIndex(data []byte) (*SiteIndex, error) {
	i := new(SiteIndex)
	if err := indexFormat.read(data, i); err != nil {
		return nil, err
	}
	return i, indexFormat.exact(data, Encode(i, ""))
}

// DecodeSiteList reads the list of a package's versions.
func DecodeSiteList(data []byte) (*SiteList, error) {
	l := new(SiteList)
	if err := listFormat.read(data, l); err != nil {
		return nil, err
	}
	for _, v := range l.Versions {
		if _, err := ParseDigest(string(v.Page)); err != nil {
			return nil, listFormat.damaged(fmt.Errorf("%s: %w", v.Version, err))
		}
	}
	return l, listFormat.exact(data, Encode(l, ""))
}

func (s *Site) validate() error {
	if err := checkPages(s.Pages); err != nil {
		return err
	}
	for name, p := range s.Packages {
		if _, err := ParseDigest(string(p.List)); err != nil || !ValidPackageName(name) {
			return fmt.Errorf("package %q: its name or the digest of its list is malformed", name)
		}
		if err := checkPages(p.Pages); err != nil {
			return fmt.Errorf("package %s: %w", name, err)
		}
	}
	return nil
}

func checkPages(pages map[string]Digest) error {
	for path, d := range pages {
		if _, err := ParseDigest(string(d)); err != nil {
			return fmt.Errorf("page %q: %w", path, err)
		}
	}
	return nil
}

// Find looks a path below the catalogue up. If the page is one that a package's
// list has, it gives that list's digest and the version instead.
func (s *Site) Find(path string) (page, list Digest, version string) {
	if d, ok := s.Pages[path]; ok {
		return d, "", ""
	}
	name, rest, ok := strings.Cut(path, "/")
	p, known := s.Packages[name]
	if !ok || !known {
		return "", "", ""
	}
	if d, ok := p.Pages[rest]; ok {
		return d, "", ""
	}
	if rest == ListPath {
		return p.List, "", ""
	}
	if version, ok = strings.CutSuffix(rest, "/"); !ok {
		return "", "", ""
	}
	return "", p.List, version
}

// Page is the page of a version; empty if there is no such version.
func (l *SiteList) Page(version string) Digest {
	for _, v := range l.Versions {
		if v.Version == version {
			return v.Page
		}
	}
	return ""
}

// validateSite checks that the format goes with what the routes have.
func (r *Routes) validateSite() error {
	if r.Site == "" && r.Format == catalogueRoutes || r.Site != "" && r.Format == bareRoutes {
		return errors.New("the format does not go with what they say of a catalogue")
	}
	if r.Site == "" {
		return nil
	}
	_, err := ParseDigest(string(r.Site))
	return err
}

// MissingDepths is for how many depths there are pages for people who ask for what is
// not there: links are relative, and the page stands where it was asked for.
const MissingDepths = 5

// MissingPage is the path of such a page, for addresses so many levels below the
// index. It is no address itself.
func MissingPage(depth int) string { return fmt.Sprintf("404 %d", depth) }

// Missing is the page for a path without a page; empty if it is too deep.
func (s *Site) Missing(path string) Digest { return s.Pages[MissingPage(strings.Count(path, "/"))] }
