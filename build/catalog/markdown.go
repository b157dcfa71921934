package catalog

import (
	"bytes"
	"html"
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/microcosm-cc/bluemonday"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxMarkdown is how much of a document is rendered, in bytes. The largest of the
// largest storage known has half a megabyte.
const maxMarkdown = 1 << 20

// ownFiles stands in rendered Markdown for the place of the package's files: the
// same text in another version has other links.
const ownFiles = "/~package~/"

// idPrefix is before every id that a document chooses, so that none is one of ours.
const idPrefix = "user-content-"

// markdown renders documents of packages.
type markdown struct {
	convert goldmark.Markdown
	policy  *bluemonday.Policy
}

func newMarkdown() *markdown {
	rules := &rewriter{}
	return &markdown{
		convert: goldmark.New(
			goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)), extension.Strikethrough, extension.Linkify),
			goldmark.WithParserOptions(parser.WithASTTransformers(util.Prioritized(rules, 1000))),
			goldmark.WithRendererOptions(renderer.WithNodeRenderers(util.Prioritized(rules, 1))),
		),
		policy: newPolicy(),
	}
}

// newPolicy is the second fence: whatever the renderer lets through, nothing but
// this comes out.
func newPolicy() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements("p", "br", "hr", "em", "strong", "del", "blockquote", "pre", "code", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td",
		"h3", "h4", "h5", "h6")
	p.AllowURLSchemes("http", "https", "mailto")
	p.AllowRelativeURLs(true)
	p.AllowAttrs("id").Matching(regexp.MustCompile(`^`+idPrefix+`[\p{L}\p{N}_.-]+$`)).OnElements("h3", "h4", "h5", "h6")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^language-[A-Za-z0-9_+-]+$`)).OnElements("code")
	p.AllowAttrs("start").Matching(bluemonday.Integer).OnElements("ol")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(regexp.MustCompile(`^noopener nofollow$`)).OnElements("a")
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^out$`)).OnElements("a")
	p.AllowAttrs("src").Matching(regexp.MustCompile(`^` + regexp.QuoteMeta(ownFiles))).OnElements("img")
	p.AllowAttrs("alt").OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	return p
}

// render makes safe HTML of a document in the folder dir of a package. Places of
// the package's own files begin with ownFiles.
func (m *markdown) render(source []byte, dir string) string {
	source = source[:min(len(source), maxMarkdown)]
	ctx := parser.NewContext(parser.WithIDs(&ids{taken: map[string]bool{}}))
	ctx.Set(dirKey, dir)
	doc := m.convert.Parser().Parse(text.NewReader(source), parser.WithContext(ctx))
	var b bytes.Buffer
	if err := m.convert.Renderer().Render(&b, source, doc); err != nil {
		return "<p>This document cannot be shown.</p>"
	}
	return tables.Replace(m.policy.Sanitize(b.String()))
}

// tables get a frame that scrolls by itself. Text cannot contain these: what is
// sanitised has no "<" of its own.
var tables = strings.NewReplacer(
	"<table>", `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>`,
	"</table>", "</table></div>",
	"<th>", `<th scope="col">`,
)

var dirKey = parser.NewContextKey()

// ids gives headings ids of their own.
type ids struct{ taken map[string]bool }

func (s *ids) Generate(value []byte, _ ast.NodeKind) []byte {
	id := anchor(string(value))
	if strings.Trim(id, "-") == "" {
		id = "section"
	}
	for n := 1; ; n++ {
		try := id
		if n > 1 {
			try += "-" + strconv.Itoa(n)
		}
		if !s.taken[try] {
			s.taken[try] = true
			return []byte(idPrefix + try)
		}
	}
}

func (s *ids) Put(value []byte) { s.taken[string(value)] = true }

// rewriter changes a document on its way from Markdown to HTML: where links lead,
// which pictures there are, and that what looks like HTML is text.
type rewriter struct{}

// firstLevel is that of a document's first headings: below those of the page.
const firstLevel = 3

// Transform rewrites a document before it is rendered.
func (r *rewriter) Transform(doc *ast.Document, reader text.Reader, ctx parser.Context) {
	source := reader.Source()
	dir, _ := ctx.Get(dirKey).(string)
	last := firstLevel - 1
	var drop []ast.Node
	var links []*ast.Link
	// A walk fails only if its function does.
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			n.Level = min(n.Level+firstLevel-1, last+1, 6) // none is left out
			last = n.Level
			n.SetAttribute([]byte("id"), ctx.IDs().Generate(plainText(n, source), n.Kind()))
		case *ast.Link:
			links = append(links, n)
			rewriteLink(n, &n.Destination, dir)
			n.Title = nil
		case *ast.AutoLink:
			if to, own := resolve(string(n.URL(source)), dir); n.AutoLinkType == ast.AutoLinkURL && (own || to == "") {
				drop = append(drop, n)
				break
			}
			n.SetAttribute([]byte("rel"), []byte(outside))
			n.SetAttribute([]byte("class"), []byte("out"))
		case *ast.Image:
			if to, own := resolve(string(n.Destination), dir); own && to != "" && !strings.HasPrefix(to, "#") {
				n.Destination, n.Title = []byte(to), nil
			} else {
				drop = append(drop, n)
			}
		}
		return ast.WalkContinue, nil
	})
	for _, n := range drop {
		// A picture from elsewhere is shown as its text, and so is one at an
		// address outside of the package.
		n.Parent().ReplaceChild(n.Parent(), n, ast.NewString(plainText(n, source)))
	}
	for _, l := range links {
		// A link into the document leads nowhere if no heading is called that.
		if id, ok := strings.CutPrefix(string(l.Destination), "#"); ok && !ctx.IDs().(*ids).taken[strings.TrimPrefix(id, idPrefix)] {
			l.Destination = nil
		}
	}
	name(doc, source)
}

// outside is what a link to elsewhere says of itself.
const outside = "noopener nofollow"

func rewriteLink(n ast.Node, destination *[]byte, dir string) {
	to, own := resolve(string(*destination), dir)
	*destination = []byte(to)
	if !own && to != "" {
		n.SetAttribute([]byte("rel"), []byte(outside))
		n.SetAttribute([]byte("class"), []byte("out"))
	}
}

// name gives links that show nothing, because their picture is gone, their address
// as a text.
func name(doc ast.Node, source []byte) {
	_ = ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if l, ok := n.(*ast.Link); ok && entering && len(bytes.TrimSpace(plainText(l, source))) == 0 {
			l.AppendChild(l, ast.NewString(bytes.Clone(l.Destination)))
		}
		return ast.WalkContinue, nil
	})
}

// resolve says where a link or a picture of a document leads: own tells that it is
// in the package or in the document. Empty is nowhere.
func resolve(destination, dir string) (to string, own bool) {
	u, err := url.Parse(strings.TrimSpace(destination))
	if err != nil || strings.ContainsAny(destination, "\\\x00\t\r\n") {
		return "", true
	}
	switch strings.ToLower(u.Scheme) {
	case "http", "https":
		if u.Host == "" {
			return "", true
		}
		return u.String(), false
	case "mailto":
		return u.String(), false
	case "":
	default:
		return "", true
	}
	if u.Host != "" || u.User != nil || strings.HasPrefix(destination, "//") {
		return "", true
	}
	if u.Path == "" {
		if u.Fragment == "" {
			return "", true
		}
		return "#" + idPrefix + url.PathEscape(anchor(u.Fragment)), true
	}
	p := u.Path
	if strings.HasPrefix(p, "/app/") || strings.HasPrefix(p, "/plugins/") {
		return "", true // of Kibana itself, which is not here
	}
	if !strings.HasPrefix(p, "/") {
		p = path.Join("/", dir, p)
	}
	return ownFiles + escapePath(strings.TrimPrefix(path.Clean(p), "/")), true
}

// plainText is the text of a node, and the descriptions of its pictures.
func plainText(n ast.Node, source []byte) []byte {
	var b bytes.Buffer
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			switch n := n.(type) {
			case *ast.Text:
				b.Write(n.Segment.Value(source))
			case *ast.String:
				b.Write(n.Value)
			case *ast.AutoLink:
				b.Write(n.Label(source))
			case *ast.RawHTML:
				for i := range n.Segments.Len() {
					s := n.Segments.At(i)
					b.Write(s.Value(source))
				}
			}
		}
		return ast.WalkContinue, nil
	})
	return b.Bytes()
}

// RegisterFuncs replaces how some nodes are written.
func (r *rewriter) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindRawHTML, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			raw := n.(*ast.RawHTML)
			for i := range raw.Segments.Len() {
				s := raw.Segments.At(i)
				_, _ = w.WriteString(html.EscapeString(string(s.Value(source))))
			}
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindHTMLBlock, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		block := n.(*ast.HTMLBlock)
		_, _ = w.WriteString("<pre><code>")
		for i := range block.Lines().Len() {
			s := block.Lines().At(i)
			_, _ = w.WriteString(html.EscapeString(string(s.Value(source))))
		}
		if block.HasClosure() {
			_, _ = w.WriteString(html.EscapeString(string(block.ClosureLine.Value(source))))
		}
		_, _ = w.WriteString("</code></pre>\n")
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindImage, func(w util.BufWriter, source []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			img := n.(*ast.Image)
			_, _ = w.WriteString(`<img loading="lazy" src="` + html.EscapeString(string(img.Destination)) + `" alt="` + html.EscapeString(string(plainText(img, source))) + `">`)
		}
		return ast.WalkSkipChildren, nil
	})
	reg.Register(ast.KindLink, func(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
		l := n.(*ast.Link)
		switch {
		case len(l.Destination) == 0: // it leads nowhere: only its text is left
		case !entering:
			_, _ = w.WriteString("</a>")
		default:
			_, _ = w.WriteString(`<a href="` + html.EscapeString(string(l.Destination)) + `"`)
			for _, a := range l.Attributes() {
				_, _ = w.WriteString(" " + string(a.Name) + `="` + string(a.Value.([]byte)) + `"`)
			}
			_, _ = w.WriteString(">")
		}
		return ast.WalkContinue, nil
	})
}
