// Package catalog renders the pages that people look at: an index of an
// environment's packages, a page for each package and each of its versions, feeds,
// and what the environment is made of. Everything that packages say is data of
// strangers: Markdown is sanitised, text is escaped, pictures are only pictures.
//
// The page of a version depends on that version alone, and links to everything
// else by paths that do not change: a push writes few pages. All links are
// relative, so a catalogue works below any path.
package catalog

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"sync"

	"github.com/regsnap/regsnap/layout"
)

//go:embed assets/*.css assets/*.js templates/*.html
var files embed.FS

// edition changes whenever the same package would have another page though
// templates, style and script are the same.
const edition = "1"

var (
	style = asset("assets/catalog.css")
	// One script, so that a page lets in one hash; catalog.js runs what both define.
	script = slices.Concat(asset("assets/live.js"), asset("assets/catalog.js"))

	templates = template.Must(template.New("").Funcs(functions).ParseFS(files, "templates/*.html"))
)

func asset(name string) []byte {
	content, err := files.ReadFile(name)
	if err != nil {
		panic(fmt.Sprintf("catalog: %s: %v", name, err)) // it is embedded
	}
	return content
}

// Render is the digest of all that pages are made with: under the same one the same
// version has the same page.
var Render = sync.OnceValue(func() layout.Digest {
	h := sha256.New()
	h.Write([]byte(edition))
	// The names come sorted, and what is embedded can be walked.
	_ = fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			fmt.Fprintf(h, "\n%s\n%s", name, asset(name))
		}
		return err
	})
	return layout.Digest(hex.EncodeToString(h.Sum(nil))[:layout.DigestLen])
})

// Script is the hash of the script, as a Content-Security-Policy and the integrity
// of a script element have it.
func Script() string {
	sum := sha256.Sum256(script)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// stylePath and scriptPath name the assets by what they say.
func stylePath() string  { return layout.StylePath(style) }
func scriptPath() string { return "-/" + string(layout.DigestOf(script)[:12]) + ".js" }

// Assets are the style and the script, by their paths.
func Assets() map[string][]byte {
	return map[string][]byte{stylePath(): style, scriptPath(): script}
}

// frame is what every page has.
type frame struct {
	Title, Description string
	// Root leads to the index of the catalogue, API to the root of the API.
	Root, API string
	// Kind is what the script goes by.
	Kind string
	// Styled: the page has the style in it. It is shown sooner, by the time that a
	// request takes, and is larger.
	Styled bool
	// Feed is the path of the page's feed, if it has one.
	Feed   string
	Crumbs []crumb
	Body   any
}

// crumb is a step of the way to a page.
type crumb struct{ Text, Href string }

func (f frame) Style() string     { return f.Root + stylePath() }
func (f frame) CSS() template.CSS { return template.CSS(style) }
func (f frame) ScriptSrc() string { return f.Root + scriptPath() }
func (f frame) Integrity() string { return Script() }

// newFrame is that of a page which is so many levels below the index.
func newFrame(kind string, depth int, title string) frame {
	root := ""
	for range depth {
		root += "../"
	}
	api := root + "../"
	if root == "" {
		root = "./"
	}
	return frame{Kind: kind, Title: title, Root: root, API: api}
}

// execute renders a page.
func execute(name string, f frame) []byte { return run(name, f) }

// fragment renders a part of a page.
func fragment(name string, data any) string { return string(run(name, data)) }

// run executes a template. That fails only if it is wrong, which every test would show.
func run(name string, data any) []byte {
	var b bytes.Buffer
	if err := templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("catalog: %s: %v", name, err))
	}
	return b.Bytes()
}
