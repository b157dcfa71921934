package catalog

import (
	"bytes"
	"regexp"
	"strings"
	"sync"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// Most of what READMEs say is in tables of fields, whose rows are the same from
// version to version and from package to package. A row that was rendered once is
// left out of what is parsed, and put back into what is rendered.

// rowCache remembers rendered rows.
type rowCache struct {
	mu    sync.RWMutex
	rows  map[rowKey]string
	bytes int
}

// rowKey is all that a row's HTML depends on.
type rowKey struct {
	columns int
	line    string
}

// shortTable is a table of which only some rows were parsed.
type shortTable struct {
	columns int
	// rows are the HTML of all its rows; empty for those that were parsed.
	rows []string
	// lines are those that were parsed, if others may use them.
	lines []string
}

// shortTables are those of a document.
type shortTables struct {
	of map[ast.Node]*shortTable
	// failed: a paragraph became something else without the rows that are known.
	failed bool
}

var shortTablesKey = parser.NewContextKey()

// rowTransformer makes tables of paragraphs, as goldmark's does.
type rowTransformer struct {
	cache *rowCache
	whole parser.ParagraphTransformer
}

// delimiter is the second line of a table.
var delimiter = regexp.MustCompile(`^ {0,3}\|? *:?-+:? *(?:\| *:?-+:? *)+\|?[ \n]*$`)

// Transform makes a table of a paragraph that is one, without the rows that are known.
func (t *rowTransformer) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	known, _ := pc.Get(shortTablesKey).(*shortTables)
	all := *node.Lines() // what Lines returns is overwritten by SetLines
	lines, source, parent := &all, reader.Source(), node.Parent()
	if known == nil || lines.Len() < 3 || parent.Kind() != ast.KindDocument {
		return // the usual transformer comes next
	}
	second := lines.At(1)
	head := second.Value(source)
	if !delimiter.Match(head) {
		return
	}
	s := &shortTable{columns: dashes(head), rows: make([]string, 0, lines.Len()-2)}
	fresh := text.NewSegments()
	fresh.Append(lines.At(0))
	fresh.Append(second)
	t.cache.mu.RLock()
	for i := 2; i < lines.Len(); i++ {
		at := lines.At(i)
		line := bytes.TrimRight(at.Value(source), "\n")
		html := t.cache.rows[rowKey{s.columns, string(line)}]
		s.rows = append(s.rows, html)
		if html == "" {
			fresh.Append(at)
			s.lines = append(s.lines, lineKey(line, at))
		}
	}
	t.cache.mu.RUnlock()
	before, after := node.PreviousSibling(), node.NextSibling()
	node.SetLines(fresh)
	t.whole.Transform(node, reader, pc)
	if node.Parent() != nil {
		known.failed = known.failed || node.NextSibling() != after
		node.SetLines(lines) // its first line is no head for the second
		return
	}
	table := parent.FirstChild()
	if before != nil {
		table = before.NextSibling()
	}
	known.of[table] = s
}

// dashes counts the columns that the second line of a table makes.
func dashes(line []byte) (n int) {
	for i, c := range line {
		if c == '-' && (i == 0 || line[i-1] != '-') {
			n++
		}
	}
	return n
}

// lineKey is a line that says the same in every document: no link of it is
// explained elsewhere, or leads to a heading.
func lineKey(line []byte, at text.Segment) string {
	if at.Padding != 0 || bytes.IndexByte(line, '[') >= 0 {
		return ""
	}
	return string(line)
}

// complete puts the rows into a table that was rendered without them. It is false if
// the table is not what it was taken for.
func (c *rowCache) complete(html string, s *shortTable) (string, bool) {
	const body, end = "<tbody>\n", "</tbody>\n"
	head, rest, ok := strings.Cut(html, "</thead>\n")
	if !ok {
		return "", false
	}
	rows, foot, ok := strings.Cut(strings.TrimPrefix(rest, body), end)
	if !ok {
		rows, foot = "", rest
	}
	var fresh []string
	for rows != "" {
		i := strings.Index(rows, "</tr>\n")
		if i < 0 {
			return "", false
		}
		fresh, rows = append(fresh, rows[:i+len("</tr>\n")]), rows[i+len("</tr>\n"):]
	}
	if len(fresh) != len(s.lines) {
		return "", false
	}
	c.remember(s, fresh)
	size := len(html) + len(body) + len(end)
	for _, r := range s.rows {
		size += len(r)
	}
	var b strings.Builder
	b.Grow(size)
	b.WriteString(head)
	b.WriteString("</thead>\n" + body)
	for _, r := range s.rows {
		if r == "" {
			r, fresh = fresh[0], fresh[1:]
		}
		b.WriteString(r)
	}
	b.WriteString(end)
	b.WriteString(foot)
	return b.String(), true
}

func (c *rowCache) remember(s *shortTable, fresh []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, line := range s.lines {
		if line == "" {
			continue
		}
		if c.rows == nil || c.bytes > maxKept {
			c.rows, c.bytes = map[rowKey]string{}, 0
		}
		html := strings.Clone(fresh[i])
		c.rows[rowKey{s.columns, line}] = html
		c.bytes += len(line) + len(html)
	}
}

func newRowTransformer() *rowTransformer {
	return &rowTransformer{cache: &rowCache{}, whole: extension.NewTableParagraphTransformer()}
}
