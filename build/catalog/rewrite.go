package catalog

import (
	"bytes"
	"html"
	"net/url"
	"path"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

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
			if to, _ := resolve(string(n.URL(source)), dir); n.AutoLinkType == ast.AutoLinkURL && to == "" {
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
