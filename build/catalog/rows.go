package catalog

import (
	"html/template"
	"strconv"

	"github.com/regsnap/regsnap/index/parse"
)

// Rows of tables are most of a page, and a template takes a microsecond for each
// value in them. So they are written here, and held out of the template.

// mark is around the number of what is held out of a template. It is in no text:
// templates write another character for it.
const mark = "\x00"

// hold keeps chunks for a place in the page.
func (p *versionPage) hold(chunks ...chunk) template.HTML {
	p.held = append(p.held, chunks)
	return template.HTML(mark + strconv.Itoa(len(p.held)-1) + mark)
}

// escape appends a text as html/template writes it into elements and attributes.
func escape(dst []byte, s string) []byte {
	from := 0
	for i := range len(s) {
		var by string
		switch s[i] {
		case 0:
			by = "\uFFFD"
		case '"':
			by = "&#34;"
		case '&':
			by = "&amp;"
		case '\'':
			by = "&#39;"
		case '+':
			by = "&#43;"
		case '<':
			by = "&lt;"
		case '>':
			by = "&gt;"
		default:
			continue
		}
		dst = append(append(dst, s[from:i]...), by...)
		from = i + 1
	}
	return append(dst, s[from:]...)
}

// fileRows are those of a package's files, whose addresses begin with base.
func fileRows(base string, files []shownFile) string {
	var b []byte
	prefix := string(escape(nil, "../../.."+base+"/"))
	for _, f := range files {
		b = append(b, "\n<tr data-sum=\""...)
		b = append(b, f.Sum[:16]...)
		b = append(b, `"><td><a href="`...)
		b = append(b, prefix...)
		b = escape(b, escapePath(f.Path))
		b = append(b, `">`...)
		b = escape(b, f.Path)
		b = append(b, `</a></td><td class="num">`...)
		b = append(b, size(f.Size)...)
		b = append(b, "</td></tr>"...)
	}
	return string(b)
}

// maxDefault is how long the default of a variable may be to be shown at once.
const maxDefault = 100

// variableRows are those of variables that belong together; values are their
// defaults as texts.
func variableRows(vars []parse.Variable, values []string) string {
	var b []byte
	for i, v := range vars {
		b = append(b, "\n<tr data-key=\""...)
		b = escape(b, v.Name)
		b = append(b, `"><td><code>`...)
		b = escape(b, v.Name)
		b = append(b, "</code>"...)
		if v.Required {
			b = append(b, ` <span class="badge">required</span>`...)
		}
		b = append(b, "</td><td>"...)
		b = escape(b, v.Type)
		if v.Multi {
			b = append(b, ", several"...)
		}
		b = append(b, "</td><td>"...)
		if v.Title != "" {
			b = append(b, "<strong>"...)
			b = escape(b, v.Title)
			b = append(b, "</strong> "...)
		}
		b = escape(b, v.Description)
		b = append(b, "</td><td>"...)
		if v.Type != "password" && v.Default != nil {
			b = defaultOf(b, values[i])
		}
		b = append(b, "</td></tr>"...)
	}
	return string(b)
}

func defaultOf(b []byte, value string) []byte {
	if len(value) <= maxDefault {
		b = append(b, "<code>"...)
		b = escape(b, value)
		return append(b, "</code>"...)
	}
	b = append(b, "<details><summary>"...)
	b = strconv.AppendInt(b, int64(len(value)), 10)
	b = append(b, " characters</summary><pre><code>"...)
	b = escape(b, value)
	return append(b, "</code></pre></details>"...)
}
