package catalog

import (
	"strings"
	"testing"
)

// TestMarkdown: what a document's Markdown becomes: the HTML of https://commonmark.org
// without anything that runs, leads astray or fetches from elsewhere.
func TestMarkdown(t *testing.T) {
	const out = ` rel="noopener nofollow" class="out">`
	m := newMarkdown()
	for source, want := range map[string]string{
		// Headings begin below those of the page, and none is left out.
		"# One\n\n### Three\n\n# One": `<h3 id="user-content-one">One</h3><h4 id="user-content-three">Three</h4><h3 id="user-content-one-2">One</h3>`,
		"###### Deep\n\n## Über x_9":  `<h3 id="user-content-deep">Deep</h3><h4 id="user-content--ber-x_9">Über x_9</h4>`,
		"# ?\n\n## ?":                 `<h3 id="user-content-section">?</h3><h4 id="user-content-section-2">?</h4>`,
		"# A `b` *c*":                 `<h3 id="user-content-a-b-c">A <code>b</code> <em>c</em></h3>`,
		// Text.
		"a *b* **c** ~~d~~ `e`":          "<p>a <em>b</em> <strong>c</strong> <del>d</del> <code>e</code></p>",
		"a  \nb\n\n---\n\n> c":           "<p>a<br>b</p><hr><blockquote><p>c</p></blockquote>",
		"- a\n- b\n\n3. c\n":             `<ul><li>a</li><li>b</li></ul><ol start="3"><li>c</li></ol>`,
		"```yaml\na: <b>\n```\n":         `<pre><code class="language-yaml">a: &lt;b&gt;</code></pre>`,
		"``` \"><script>\nx\n```\n":      "<pre><code>x</code></pre>",
		"| a | b |\n|---|--:|\n| c |\n":  `<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr><th scope="col">a</th><th scope="col">b</th></tr></thead><tbody><tr><td>c</td><td></td></tr></tbody></table></div>`,
		"a <b>c</b> <script>d</script>":  "<p>a &lt;b&gt;c&lt;/b&gt; &lt;script&gt;d&lt;/script&gt;</p>",
		"<div onclick=x>\n*a*\n</div>\n": "<pre><code>&lt;div onclick=x&gt;*a*&lt;/div&gt;</code></pre>",
		"<script>\nx\n</script>\ny":      "<pre><code>&lt;script&gt;x&lt;/script&gt;</code></pre><p>y</p>",
		"<!-- a -->\n":                   "<pre><code>&lt;!-- a --&gt;</code></pre>",
		// Links to elsewhere say so.
		"[a](https://example.com/x?y#z)":                      `<p><a href="https://example.com/x?y#z"` + out + "a</a></p>",
		"[a](HTTP://example.com \"title\")":                   `<p><a href="http://example.com"` + out + "a</a></p>",
		"[a](mailto:a@b.example)":                             `<p><a href="mailto:a@b.example"` + out + "a</a></p>",
		"https://example.com/a":                               `<p><a href="https://example.com/a"` + out + "https://example.com/a</a></p>",
		"www.example.com":                                     `<p><a href="http://www.example.com"` + out + "www.example.com</a></p>",
		"a@b.example":                                         `<p><a href="mailto:a@b.example"` + out + "a@b.example</a></p>",
		"<https://example.com>":                               `<p><a href="https://example.com"` + out + "https://example.com</a></p>",
		"[](https://example.com)":                             `<p><a href="https://example.com"` + out + "https://example.com</a></p>",
		"[![a](http://b.example/c.png)](https://example.com)": `<p><a href="https://example.com"` + out + "a</a></p>",
		// Those that lead nowhere, or are of something else, are their text.
		"[a](javascript:alert(1))": "<p>a</p>",
		"[a](data:text/html,x)":    "<p>a</p>",
		"[a](//example.com/x)":     "<p>a</p>",
		"[a](http:///x)":           "<p>a</p>",
		"[a](/app/kibana#/x)":      "<p>a</p>",
		"[a](/plugins/x)":          "<p>a</p>",
		"[a]()":                    "<p>a</p>",
		"[a](#gone)":               "<p>a</p>",
		"[a](<b\\c>)":              "<p>a</p>",
		"[a](%zz)":                 "<p>a</p>",
		"<ftp://example.com/x>":    "<p>ftp://example.com/x</p>",
		"# Here\n\n[a](#here)":     `<h3 id="user-content-here">Here</h3><p><a href="#user-content-here">a</a></p>`,
		"[a](#Here)\n\n# Here":     `<p><a href="#user-content-here">a</a></p><h3 id="user-content-here">Here</h3>`,
		// The package's own files, as seen from the folder of the document.
		"[a](b.md)":                `<p><a href="/~package~/docs/b.md">a</a></p>`,
		"[a](./b.md#c)":            `<p><a href="/~package~/docs/b.md">a</a></p>`,
		"[a](../img/b c.png)":      "<p>[a](../img/b c.png)</p>",
		"[a](<../img/b c.png>)":    `<p><a href="/~package~/img/b%20c.png">a</a></p>`,
		"[a](../../../etc/passwd)": `<p><a href="/~package~/etc/passwd">a</a></p>`,
		"[a](/img/b.png)":          `<p><a href="/~package~/img/b.png">a</a></p>`,
		"![a \"b\"](../img/b.png)": `<p><img loading="lazy" src="/~package~/img/b.png" alt="a &#34;b&#34;"></p>`,
		// Pictures from elsewhere are their text: nobody learns who reads.
		"![a](https://example.com/b.png)": "<p>a</p>",
		"![a](data:image/png;base64,x)":   "<p>a</p>",
		"![a *b*](#c)":                    "<p>a b</p>",
		"![a]()":                          "<p>a</p>",
		"![](https://example.com/b.png)":  "<p></p>",
	} {
		blocks := m.blocksOf([]byte(source), "docs")
		if got := strings.ReplaceAll(strings.Join(blocks, ""), "\n", ""); got != want {
			t.Errorf("%q is\n%s\nwant\n%s", source, got, want)
		}
	}
}

// TestOwnFiles: what is linked to is at the place of the package's files, if the package
// has it.
func TestOwnFiles(t *testing.T) {
	r := NewRenderer()
	doc := packageFiles("docs/README.md", "before [a](b%20c.md?x) ![p](../img/p.png) [gone](d.md) ![lost](e.png) ![](f.png) after\n")[0]
	var got strings.Builder
	for _, c := range r.manual(doc, "/package/a/1.0.0+b", map[string]bool{"docs/b c.md": true, "img/p.png": true}) {
		got.WriteString(c.text)
	}
	want := `<p>before <a href="../../../package/a/1.0.0+b/docs/b%20c.md">a</a> <img loading="lazy" src="../../../package/a/1.0.0+b/img/p.png" alt="p"> <a>gone</a> lost  after</p>` + "\n"
	if got.String() != want {
		t.Errorf("%s\nwant\n%s", &got, want)
	}
}

// TestLongDocument: a document is rendered up to 1 MiB.
func TestLongDocument(t *testing.T) {
	m := newMarkdown()
	text := func(source string) (n int) {
		for _, p := range m.render([]byte(source), "docs").parts {
			n += strings.Count(p.shared.html, "x")
		}
		return n
	}
	paragraphs := strings.Repeat(strings.Repeat("a", 1022)+"\n\n", 1<<20/1024)
	for source, want := range map[string]int{paragraphs[2:] + "xx": 2, paragraphs + "xx": 0, paragraphs[1:] + "xx": 1} {
		if got := text(source); got != want {
			t.Errorf("of %d bytes %d of the last two are shown, want %d", len(source), got, want)
		}
	}
}

// TestLargeBlocks: blocks that pages share stay where they are among the others.
func TestLargeBlocks(t *testing.T) {
	large := strings.Repeat("b", minShared-len("<p></p>\n"))
	if parts := newMarkdown().render([]byte("first\n\n"+large[1:]+"\n\nlast\n"), "docs").parts; len(parts) != 1 {
		t.Errorf("with a block that is a byte too short there are %d parts", len(parts))
	}
	doc := newMarkdown().render([]byte("first\n\n"+large+"\n\nsecond\n\n"+large+"\n\nlast\n"), "docs")
	var got []string
	for _, p := range doc.parts {
		got = append(got, strings.ReplaceAll(p.shared.html, large, "large"))
	}
	if want := "<p>first</p>\n|<p>large</p>\n|<p>second</p>\n|<p>large</p>\n|<p>last</p>\n"; strings.Join(got, "|") != want {
		t.Errorf("%q", got)
	}
	if doc.parts[1].shared != doc.parts[3].shared {
		t.Error("the same block is two pieces")
	}
	if n := doc.size(); n != 2*minShared+len("<p>first</p>\n<p>second</p>\n<p>last</p>\n") {
		t.Errorf("it is said to have %d bytes", n)
	}
}

// TestKnownRows: the rows of a table are remembered by their columns, until they are too
// many, and what is no table without them is read as a whole.
func TestKnownRows(t *testing.T) {
	m := newMarkdown()
	checkDocument(t, m, []byte("| a | b |\n|---|---|\n| x | y |\n| [x] | y |\n| z |\n"))
	cache := m.rows.cache
	for _, key := range []rowKey{{2, "| x | y |"}, {2, "| z |"}} {
		if html := cache.rows[key]; !strings.HasPrefix(html, "<tr>\n<td>") {
			t.Errorf("%v: %q", key, html)
		}
	}
	if len(cache.rows) != 2 || cache.bytes == 0 {
		t.Errorf("%d rows with %d bytes: %v", len(cache.rows), cache.bytes, cache.rows)
	}
	if _, ok := m.html([]byte("| c | d |\n|---|---|\n| x | y |\n| z |\n| new | y |\n"), "docs", true); !ok {
		t.Error("a table of rows that are known is not made of them")
	}
	// Its second line is one of a table only where the third is known.
	checkDocument(t, m, []byte("| a |\n|---|---|\n| x | y |\n|---|---|\n| c | d |\n"))
	cache.bytes = maxKept
	checkDocument(t, m, []byte("| a | b |\n|---|---|\n| more | y |\n"))
	before := len(cache.rows)
	checkDocument(t, m, []byte("| a | b |\n|---|---|\n| last | y |\n"))
	if before < 3 || len(cache.rows) != 1 {
		t.Errorf("%d rows, then %d: too many are kept, or too few", before, len(cache.rows))
	}
}
