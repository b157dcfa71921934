package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// outline is what a page says, a line for each block: headings begin with a "#" for each
// level, items with "-", cells of tables with "|", links are [text](address), pictures
// {address}. Sections begin with their id.
func outline(t testing.TB, page string) (lines []string) {
	t.Helper()
	var line, prefix strings.Builder
	end := func() {
		if text := strings.Join(strings.Fields(line.String()), " "); text != "" {
			lines = append(lines, prefix.String()+text)
		}
		line.Reset()
		prefix.Reset()
	}
	var to []string
	z := html.NewTokenizer(strings.NewReader(page))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			end()
			return lines
		}
		token := z.Token()
		attribute := func(name string) string {
			if i := slices.IndexFunc(token.Attr, func(a html.Attribute) bool { return a.Key == name }); i >= 0 {
				return token.Attr[i].Val
			}
			return ""
		}
		switch {
		case kind == html.TextToken:
			line.WriteString(token.Data)
			continue
		case token.Data == "a" && kind == html.StartTagToken:
			to = append(to, attribute("href"))
			line.WriteString(" [")
			continue
		case token.Data == "a":
			line.WriteString("](" + to[len(to)-1] + ")")
			to = to[:len(to)-1]
			continue
		case token.Data == "img":
			fmt.Fprintf(&line, " {%s}", attribute("src"))
			continue
		case token.Data == "td", token.Data == "th":
			if kind == html.StartTagToken {
				line.WriteString(" | ")
			}
			continue
		case token.Data == "code", token.Data == "span", token.Data == "strong", token.Data == "em", token.Data == "time", token.Data == "label":
			continue
		}
		end()
		if kind != html.StartTagToken {
			continue
		}
		switch token.Data {
		case "h1", "h2", "h3", "h4", "h5", "h6":
			prefix.WriteString(strings.Repeat("#", int(token.Data[1]-'0')) + " ")
		case "li":
			prefix.WriteString("- ")
		case "section":
			lines = append(lines, "("+attribute("id")+")")
		case "option":
			fmt.Fprintf(&prefix, "(%s) ", attribute("value"))
		}
	}
}

// mainOf is the outline of what a page has beside its frame.
func mainOf(t testing.TB, page []byte) []string {
	t.Helper()
	_, rest, found := strings.Cut(string(page), `<main id="main">`)
	body, _, closed := strings.Cut(rest, "</main>")
	if !found || !closed {
		t.Fatalf("no main in\n%s", page)
	}
	return outline(t, body)
}

func compareLines(t *testing.T, what string, got []string, want string) {
	t.Helper()
	if text := strings.Join(got, "\n"); text != strings.TrimSpace(want) {
		t.Errorf("%s is\n%s\nwant\n%s", what, text, strings.TrimSpace(want))
	}
}

// packageFiles are the files of a package, from pairs of path and content.
func packageFiles(pairs ...string) (files []File) {
	for i := 0; i < len(pairs); i += 2 {
		sum := sha256.Sum256([]byte(pairs[i+1]))
		files = append(files, File{Path: pairs[i], SHA256: hex.EncodeToString(sum[:]), Size: int64(len(pairs[i+1])), Content: []byte(pairs[i+1])})
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files
}
