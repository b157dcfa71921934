package catalog

import (
	"bufio"
	"bytes"
	"net/url"
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
	rows    *rowTransformer
	// blocks are sanitised, by what they were before.
	blocks memo[string]
	pieces memo[*piece]
}

func newMarkdown() *markdown {
	rules, rows := &rewriter{}, newRowTransformer()
	return &markdown{
		rows: rows,
		convert: goldmark.New(
			goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone)), extension.Strikethrough, extension.Linkify),
			goldmark.WithParserOptions(
				parser.WithASTTransformers(util.Prioritized(rules, 1000)),
				parser.WithParagraphTransformers(util.Prioritized(rows, 199)), // goldmark's own for tables has 200
			),
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

// rendered is safe HTML of a document, with the package's own files left open.
type rendered struct{ parts []part }

// part is a piece of HTML, or a link to a file of the package or its picture.
type part struct {
	shared *piece
	// file is what is linked to. The link is before and after the place of the
	// package's files, or missing if the package has no such file.
	file, before, after, missing string
}

func (r *rendered) size() (n int) {
	for _, p := range r.parts {
		if p.shared != nil {
			n += len(p.shared.html)
		}
	}
	return n
}

// render makes safe HTML of a document in the folder dir of a package.
func (m *markdown) render(source []byte, dir string) *rendered {
	out := &rendered{}
	var small strings.Builder
	flush := func() {
		if small.Len() > 0 {
			out.parts = append(out.parts, part{shared: newPiece(small.String())})
			small.Reset()
		}
	}
	for _, b := range m.blocksOf(source[:min(len(source), maxMarkdown)], dir) {
		if len(b) >= minShared && !strings.Contains(b, ownFiles) {
			flush()
			out.parts = append(out.parts, part{shared: m.pieces.of(sumOf([]byte(b)), func() (*piece, int) { return newPiece(b), len(b) })})
			continue
		}
		for {
			at := ownLinks.FindStringSubmatchIndex(b)
			if at == nil {
				break
			}
			small.WriteString(b[:at[0]])
			flush()
			out.parts = append(out.parts, newOwnLink(b[at[0]:at[1]], b[at[2]:at[3]]))
			b = b[at[1]:]
		}
		small.WriteString(b)
	}
	flush()
	return out
}

func newOwnLink(tag, file string) part {
	p := part{missing: "<a>"}
	// A path that cannot be read is that of no file.
	p.file, _ = url.PathUnescape(file)
	p.before, p.after, _ = strings.Cut(tag, ownFiles)
	if alt := altText.FindStringSubmatch(tag); alt != nil {
		p.missing = alt[1]
	}
	return p
}

// ownLinks are links to files of the package, and pictures, in sanitised HTML: no
// text has a "<" of its own there, and no attribute a quote.
var (
	ownLinks = regexp.MustCompile(`<(?:a|img)[^>]* (?:href|src)="` + regexp.QuoteMeta(ownFiles) + `([^"?#]*)[^"]*"[^>]*>`)
	altText  = regexp.MustCompile(`^<img[^>]* alt="([^"]*)"`)
)

// blocksOf makes safe HTML of a document, a block after the other. Places of the
// package's own files begin with ownFiles.
func (m *markdown) blocksOf(source []byte, dir string) []string {
	blocks, ok := m.html(source, dir, true)
	if !ok {
		blocks, _ = m.html(source, dir, false)
	}
	return blocks
}

// html makes the blocks of a document; with short, it parses no row of a table that
// is known. It is false if a table is another without those.
func (m *markdown) html(source []byte, dir string, short bool) (blocks []string, ok bool) {
	ctx := parser.NewContext(parser.WithIDs(&ids{taken: map[string]bool{}}))
	ctx.Set(dirKey, dir)
	known := &shortTables{of: map[ast.Node]*shortTable{}}
	if short {
		ctx.Set(shortTablesKey, known)
	}
	doc := m.convert.Parser().Parse(text.NewReader(source), parser.WithContext(ctx))
	if known.failed {
		return nil, false
	}
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		b.Reset()
		if err := m.convert.Renderer().Render(w, source, n); err != nil {
			return []string{"<p>This document cannot be shown.</p>"}, true
		}
		html := m.sanitise(b.Bytes())
		if s := known.of[n]; s != nil {
			if html, ok = m.rows.cache.complete(html, s); !ok {
				return nil, false
			}
		}
		blocks = append(blocks, html)
	}
	return blocks, true
}

// sanitise makes safe HTML of a block.
func (m *markdown) sanitise(block []byte) string {
	return m.blocks.of(sumOf(block), func() (string, int) {
		html := tables.Replace(m.policy.Sanitize(string(block)))
		return html, len(html)
	})
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
