package catalog

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"github.com/regsnap/regsnap/index/parse"
)

// wholeHTML is a document as goldmark and bluemonday make it in one go, without
// anything that is remembered.
func wholeHTML(t testing.TB, m *markdown, source []byte) string {
	t.Helper()
	ctx := parser.NewContext(parser.WithIDs(&ids{taken: map[string]bool{}}))
	ctx.Set(dirKey, "docs")
	doc := m.convert.Parser().Parse(text.NewReader(source), parser.WithContext(ctx))
	var b bytes.Buffer
	if err := m.convert.Renderer().Render(&b, source, doc); err != nil {
		t.Fatal(err)
	}
	return tables.Replace(m.policy.Sanitize(b.String()))
}

// checkDocument: in blocks, and with rows that other documents had, a document is
// what it is as a whole.
func checkDocument(t *testing.T, m *markdown, source []byte) {
	t.Helper()
	blocks := m.blocksOf(source, "docs")
	if got, want := strings.Join(blocks, ""), wholeHTML(t, m, source); got != want {
		t.Errorf("document %q:\n%s\nas a whole:\n%s", source, got, want)
	}
}

var (
	cellTexts = []string{"@timestamp", "", "date", "a `code` b", "`a \\| b`", "a \\| b", "*x*", "**", "_", "<b>", "<script>x", "&amp;", "&", "[ref]", "[up](#top)", "[file](a.md)",
		"![p](img/a.png)", "https://example.com/a", "<https://example.com>", "www.example.com", "a@b.example", "\\", "~~gone~~", "\"q\"", "1+1", "é", "\x00", "/~package~/x", "-", ":--", "`", "#", "- x", "> y"}
	lineTexts = []string{"# Top", "## Top", "text", "", "", "- item", "  | a | b |", "> | a | b |", "```", "    code", "[ref]: https://example.com/ref", "|---|---|", "---", "<div>", "| lone |", "1. one", "\tx"}
)

// randomDocument is Markdown that is mostly tables, of few rows.
func randomDocument(r *rand.Rand) []byte {
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	var b strings.Builder
	for range 1 + r.IntN(6) {
		if r.IntN(3) == 0 {
			fmt.Fprintln(&b, pick(lineTexts))
			continue
		}
		columns := 1 + r.IntN(3)
		row := func(cells int, cell func() string) {
			edge := r.IntN(4)
			b.WriteString(strings.Repeat(" ", r.IntN(5)*r.IntN(2)))
			if edge != 1 {
				b.WriteString("|")
			}
			for i := range cells {
				if i > 0 {
					b.WriteString("|")
				}
				b.WriteString(" " + cell() + " ")
			}
			if edge != 2 {
				b.WriteString("|")
			}
			b.WriteString(pick([]string{"", "", " "}) + "\n")
		}
		row(columns, func() string { return pick(cellTexts) })
		row(columns+r.IntN(8)/7, func() string { return pick([]string{"---", "-", ":-", "-:", ":---:"}) })
		for range r.IntN(6) {
			row(max(1, columns+r.IntN(3)-1), func() string { return pick(cellTexts) })
		}
		b.WriteString(pick([]string{"\n", "\n", ""}))
	}
	return []byte(b.String())
}

func TestDocumentsInBlocks(t *testing.T) {
	r, m := rand.New(rand.NewPCG(1, 2)), newMarkdown()
	for range 2000 {
		if checkDocument(t, m, randomDocument(r)); t.Failed() {
			return
		}
	}
}

func FuzzDocumentsInBlocks(f *testing.F) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 20 {
		f.Add(randomDocument(r), randomDocument(r))
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		m := newMarkdown()
		checkDocument(t, m, first)
		checkDocument(t, m, second)
		checkDocument(t, m, first)
	})
}

// checkFields: entries that are read one by one say what they say together.
func checkFields(t *testing.T, r *Renderer, content []byte) {
	t.Helper()
	got := r.readFields(content)
	want, _ := fieldsOf(content)
	if got.rows.html != want.rows.html || !slices.Equal(got.fields, want.fields) {
		t.Errorf("fields %q:\n%s\nas a whole:\n%s", content, got.rows.html, want.rows.html)
	}
}

var fieldLines = []string{"- name: a", "- name: b", "  type: keyword", "  type: group", "  fields:", "    - name: c", "      type: long", "  description: >", "  description: |-", "    text", "- x", "  \"open",
	"- name: \"open", "close\"", "# note", "", "---", "...", "- &a {name: d}", "- *a", "- [", "]", "name: e", "- - f", "\t", "  external: ecs", "- {name: g, type: ip}", "-", "'"}

func TestFieldsByEntries(t *testing.T) {
	r, rd := rand.New(rand.NewPCG(5, 6)), NewRenderer()
	for range 5000 {
		var lines []string
		for range 1 + r.IntN(8) {
			lines = append(lines, fieldLines[r.IntN(len(fieldLines))])
		}
		if checkFields(t, rd, []byte(strings.Join(lines, "\n")+strings.Repeat("\n", r.IntN(2)))); t.Failed() {
			return
		}
	}
	many := []byte(strings.Repeat("- name: a\n  type: long\n", maxFields+5))
	checkFields(t, rd, many)
}

// TestRowsAsTemplates: what is written by hand is what html/template writes.
func TestRowsAsTemplates(t *testing.T) {
	pages := template.Must(template.New("").Funcs(functions).Parse(`{{define "files"}}{{$path := .Path}}{{range .Files}}
<tr data-sum="{{slice .Sum 0 16}}"><td><a href="../../..{{$path}}/{{path .Path}}">{{.Path}}</a></td><td class="num">{{size .Size}}</td></tr>{{end}}{{end}}
{{define "vars"}}{{range .}}
<tr data-key="{{.Name}}"><td><code>{{.Name}}</code>{{if .Required}} <span class="badge">required</span>{{end}}</td><td>{{.Type}}{{if .Multi}}, several{{end}}</td><td>{{with .Title}}<strong>{{.}}</strong> {{end}}{{.Description}}</td><td>{{if eq .Type "password"}}{{else if ne .Default nil}}{{$v := value .Default}}{{if gt (len $v) 100}}<details><summary>{{len $v}} characters</summary><pre><code>{{$v}}</code></pre></details>{{else}}<code>{{$v}}</code>{{end}}{{end}}</td></tr>{{end}}{{end}}`))
	executed := func(name string, data any) string {
		var b bytes.Buffer
		if err := pages.ExecuteTemplate(&b, name, data); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	r := rand.New(rand.NewPCG(7, 8))
	random := func() string {
		letters := []rune("ab/.-_~ !\"#$%&'()*+,:;<=>?@[]^`{|}\\\x00\x01\x7f\u00a0é\u2028\ufdd0\ufffd\U0001f600")
		var b strings.Builder
		for range r.IntN(12) {
			b.WriteRune(letters[r.IntN(len(letters))])
		}
		return b.String() + []string{"", "", "", "\xff", strings.Repeat("long ", 30)}[r.IntN(5)]
	}
	for range 500 {
		files := []shownFile{{random(), strings.Repeat("ab", 32), r.Int64N(5e6)}, {"a/" + random(), strings.Repeat("0", 64), r.Int64N(2000)}}
		if got, want := fileRows("/package/a/1.0.0+b", files), executed("files", map[string]any{"Path": "/package/a/1.0.0+b", "Files": files}); got != want {
			t.Fatalf("files %v:\n%s\nwant\n%s", files, got, want)
		}
		vars := []parse.Variable{
			{Name: random(), Type: []string{"text", "password", random()}[r.IntN(3)], Title: random(), Description: random(), Multi: r.IntN(2) == 0, Required: r.IntN(2) == 0,
				Default: []any{nil, random(), 5, true, []any{random()}}[r.IntN(5)]},
		}
		if got, want := variableRows(vars, []string{value(vars[0].Default)}), executed("vars", vars); got != want {
			t.Fatalf("variables %v:\n%s\nwant\n%s", vars, got, want)
		}
	}
}

// TestPageInPieces: whatever pieces a page has, it is one gzip member of one text.
func TestPageInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	long := newPiece(strings.Repeat("<tr><td>shared</td></tr>\n", minShared/8))
	for range 200 {
		p, want := &Page{}, ""
		for range r.IntN(6) {
			s := []*piece{long, newPiece(strings.Repeat("x", r.IntN(2*minShared))), newPiece("")}[r.IntN(3)]
			p.piece(s)
			p.text("between\n")
			want += s.html + "between\n"
		}
		p.endRun()
		z, err := gzip.NewReader(bytes.NewReader(p.Gzip()))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(z)
		sum := sha256.Sum256([]byte(want))
		if d := p.Sum(); err != nil || string(got) != want || d.Size != int64(len(want)) || d.SHA256 != hex.EncodeToString(sum[:]) {
			t.Fatalf("a page of %d bytes came out as %d (%v), %v", len(want), len(got), err, d)
		}
	}
}

// TestMarksOfPackages: no text of a package is taken for the place of what is held out of
// the template.
func TestMarksOfPackages(t *testing.T) {
	const text = `a\u00000\u0000b`
	mark := "a\x000\x00b"
	document := `{"name":"a","title":"` + text + `","version":"1.0.0","description":"` + text + `","type":"` + text + `","release":"` + text + `","categories":["` + text + `"],
		"owner":{"github":"` + text + `"},"format_version":"` + text + `","license":"` + text + `","path":"/package/a/1.0.0",
		"screenshots":[{"title":"` + text + `","path":"/package/a/1.0.0/img/a.png","src":"/img/a.png","size":"1x1"}],
		"policy_templates":[{"name":"` + text + `","title":"` + text + `","description":"` + text + `","inputs":[{"type":"` + text + `","title":"` + text + `","vars":[{"name":"` + text + `","type":"` + text + `","title":"` + text + `","default":"` + text + `"}]}]}],
		"data_streams":[{"title":"` + text + `","dataset":"` + text + `","type":"` + text + `","path":"log"}],
		"vars":[{"name":"` + text + `","type":"` + text + `","description":"` + text + `"}]}`
	quoted := "\"" + `a\00\0b` + "\""
	in := Input{Document: []byte(document)}
	for file, content := range map[string]string{
		"docs/README.md": "# " + mark + "\n\n|a|b|\n|-|-|\n|" + mark + "|`" + mark + "`|\n", "docs/" + mark + ".md": mark, mark + ".txt": mark,
		"changelog.yml":                     "- version: " + quoted + "\n  changes:\n    - description: " + quoted + "\n      type: " + quoted + "\n      link: " + quoted + "\n",
		"data_stream/log/fields/fields.yml": "- name: " + quoted + "\n  type: " + quoted + "\n  description: " + quoted + "\n",
		"kibana/dashboard/a.json":           `{"attributes":{"title":"` + text + `"}}`,
	} {
		sum := sha256.Sum256([]byte(content))
		in.Files = append(in.Files, File{Path: file, SHA256: hex.EncodeToString(sum[:]), Size: int64(len(content)), Content: []byte(content)})
	}
	slices.SortFunc(in.Files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	v, err := NewRenderer().Version(in)
	if err != nil {
		t.Fatal(err)
	}
	var page strings.Builder
	if _, err := v.Page.WriteTo(&page); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(page.String(), "a\uFFFD0\uFFFDb"); strings.Contains(page.String(), "\x00") || n < 15 {
		t.Errorf("%d texts with their NULs replaced, want all, in\n%q", n, page.String())
	}
	for _, mark := range []string{"7", "1", "-1", "x"} {
		if _, err := assemble("a\x00"+mark+"\x00b", [][]chunk{nil}); err == nil {
			t.Errorf("a mark that nothing is held for is taken: %s", mark)
		}
	}
}

// TestRowsArePutBack: the rows that are known stand where they were among those that were
// rendered, also where none was; a table that is not what it was taken for is refused.
func TestRowsArePutBack(t *testing.T) {
	row := func(text string) string { return "<tr>\n<td>" + text + "</td>\n</tr>\n" }
	const head, body, end, foot = "<table>\n<thead>\n</thead>\n", "<tbody>\n", "</tbody>\n", "</table>\n"
	for name, c := range map[string]struct {
		html        string
		rows, lines []string
		want        string
		kept        string // of line "x"
	}{
		"all are known":   {head + foot, []string{row("1"), row("2")}, nil, head + body + row("1") + row("2") + end + foot, ""},
		"some are":        {head + body + row("x") + row("3") + end + foot, []string{row("1"), "", row("2"), ""}, []string{"x", ""}, head + body + row("1") + row("x") + row("2") + row("3") + end + foot, row("x")},
		"none is":         {head + body + row("x") + end + foot, []string{""}, []string{"x"}, head + body + row("x") + end + foot, row("x")},
		"no head":         {"<table>\n" + foot, []string{row("1")}, nil, "", ""},
		"a row too few":   {head + body + row("x") + end + foot, []string{"", ""}, []string{"x", "y"}, "", ""},
		"a row too many":  {head + body + row("x") + row("y") + end + foot, []string{""}, []string{"x"}, "", ""},
		"half a row":      {head + body + row("x")[:9] + end + foot, []string{""}, []string{"x"}, "", ""},
		"a row too early": {head + row("x") + foot, []string{row("1")}, nil, head + body + row("1") + end + row("x") + foot, ""},
	} {
		cache := &rowCache{}
		got, ok := cache.complete(c.html, &shortTable{columns: 2, rows: c.rows, lines: c.lines})
		if ok != (c.want != "") || got != c.want {
			t.Errorf("%s: %q, %t; want %q", name, got, ok, c.want)
		}
		if kept := cache.rows[rowKey{2, "x"}]; kept != c.kept || len(cache.rows) > 1 {
			t.Errorf("%s: %v is kept", name, cache.rows)
		}
	}
}
