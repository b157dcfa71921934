package catalog

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"

	"github.com/regsnap/regsnap/layout"
)

// feed is an Atom feed (RFC 4287). Its addresses are relative to it, since the same
// feed may be served at several places; ids are names that no place changes.
type feed struct {
	XMLName xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	ID      string      `xml:"id"`
	Title   string      `xml:"title"`
	Updated string      `xml:"updated"`
	Author  author      `xml:"author"`
	Links   []feedLink  `xml:"link"`
	Entries []feedEntry `xml:"entry"`
}

type author struct {
	Name string `xml:"name"`
}

type feedLink struct {
	Rel  string `xml:"rel,attr"`
	Href string `xml:"href,attr"`
	Type string `xml:"type,attr,omitempty"`
}

type feedEntry struct {
	ID      string   `xml:"id"`
	Title   string   `xml:"title"`
	Updated string   `xml:"updated"`
	Link    feedLink `xml:"link"`
	Content content  `xml:"content"`
}

type content struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// maxEntries is how many versions a feed has.
const maxEntries = 50

// undated is the time of every entry, and of a feed that depends on a package alone. A
// snapshot does not know when a version came: that takes the whole history, which a
// build need not have. Who reads a feed sees that a version is new by its id.
const undated = "1970-01-01T00:00:00Z"

// PackageFeed is the feed of a package's versions, the newest first.
func PackageFeed(l *layout.SiteList) []byte {
	title := l.Versions[Newest(l.Versions)].Title
	f := newFeed("package:"+l.Name, title+": new versions")
	f.Links = []feedLink{{"self", "feed.xml", "application/atom+xml"}, {"alternate", "./", "text/html"}}
	for i := len(l.Versions) - 1; i >= 0 && len(f.Entries) < maxEntries; i-- {
		f.Entries = append(f.Entries, entryOf(l.Name, l.Versions[i], ""))
	}
	return f.encode()
}

// Feed is the feed of an environment: the newest version of each package. Since its
// branches are what it is made of, it is as old as the newest of their commits.
func (e Environment) Feed() []byte {
	f := newFeed("environment:"+e.Name, "Packages of "+e.Name)
	var newest time.Time
	for _, b := range e.Branches {
		if b.Time.After(newest) {
			newest = b.Time
		}
	}
	if !newest.IsZero() {
		f.Updated = newest.UTC().Format(time.RFC3339)
	}
	f.Links = []feedLink{{"self", "feed.xml", "application/atom+xml"}, {"alternate", "../", "text/html"}}
	for _, p := range e.Packages {
		f.Entries = append(f.Entries, entryOf(p.Name, layout.SiteVersion{SiteAbout: p.SiteAbout}, "../"+p.Name+"/"))
	}
	return f.encode()
}

func newFeed(id, title string) *feed {
	return &feed{ID: "urn:regsnap:" + id, Title: xmlText(title), Updated: undated, Author: author{"regsnap"}}
}

func entryOf(name string, v layout.SiteVersion, to string) feedEntry {
	return feedEntry{
		ID: "urn:regsnap:version:" + name + ":" + v.Version, Title: xmlText(v.Title + " " + v.Version), Updated: undated,
		Link:    feedLink{"alternate", to + escapePath(v.Version) + "/", "text/html"},
		Content: content{"text", xmlText(summary(v))},
	}
}

// summary says in a few lines what is new in a version.
func summary(v layout.SiteVersion) string {
	var b strings.Builder
	for _, l := range v.Log {
		fmt.Fprintf(&b, "%s: %s\n", l.Kind, l.Text)
	}
	if c := v.Changes; c != nil {
		for _, f := range c.Facts {
			fmt.Fprintf(&b, "%s: %q, before %q\n", f.Name, f.After, f.Before)
		}
		for _, s := range []struct {
			noun string
			layout.SiteChanged
		}{{"field", c.Fields}, {"variable", c.Variables}, {"file", c.Files}} {
			if n := s.Added.Count + s.Changed.Count + s.Removed.Count; n > 0 {
				fmt.Fprintf(&b, "%ss: %d added, %d changed, %d removed\n", s.noun, s.Added.Count, s.Changed.Count, s.Removed.Count)
			}
		}
	}
	if b.Len() == 0 {
		return v.Description
	}
	return b.String()
}

func (f *feed) encode() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	if err := e.Encode(f); err != nil {
		panic(fmt.Sprintf("catalog: feed: %v", err)) // plain structs of text
	}
	b.WriteByte('\n')
	return b.Bytes()
}

// xmlText leaves out what XML cannot say.
func xmlText(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' || r >= 0x20 && r <= 0xD7FF || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 {
			return r
		}
		return -1
	}, s)
}
