package dev

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"

	"github.com/regsnap/regsnap/index"
)

//go:embed reload.js
var script string

//go:embed banner.css
var style string

// scriptHash lets the browser run our script and no other.
var scriptHash = func() string {
	sum := sha256.Sum256([]byte(script))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}()

// page answers with a page of the catalogue, with a banner if something is wrong and
// the script that loads it again. Both are in what is sent, never in what was built.
func (r *Registry) page(w http.ResponseWriter, req *http.Request, s State) {
	plain := req.Clone(req.Context())
	for _, h := range []string{"Accept-Encoding", "If-None-Match", "If-Modified-Since", "If-Match", "If-Unmodified-Since", "Range", "If-Range"} {
		plain.Header.Del(h)
	}
	if plain.Method == http.MethodHead {
		plain.Method = http.MethodGet
	}
	got := &recorded{header: http.Header{}, status: http.StatusOK}
	r.handler.ServeHTTP(got, plain)
	body := got.body.Bytes()
	if strings.HasPrefix(got.header.Get("Content-Type"), "text/html") {
		body = inject(body, s)
		if policy := got.header.Get("Content-Security-Policy"); policy != "" {
			got.header.Set("Content-Security-Policy", strings.Replace(policy, "script-src ", "script-src "+scriptHash+" ", 1))
		}
		for _, h := range []string{"Etag", "Last-Modified"} {
			got.header.Del(h)
		}
		got.header.Set("Cache-Control", "no-store")
	}
	got.header.Del("Access-Control-Allow-Origin")
	for name, values := range got.header {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(got.status)
	if req.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// recorded is an answer that is looked at before it is sent.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }

// inject puts the banner at the top of a page and the script at its end, wherever the
// page has them.
func inject(page []byte, s State) []byte {
	top := 0
	if at := bytes.Index(page, []byte("<body")); at >= 0 {
		if end := bytes.IndexByte(page[at:], '>'); end >= 0 {
			top = at + end + 1
		}
	}
	end := bytes.LastIndex(page, []byte("</body>"))
	if end < top {
		end = len(page)
	}
	var out bytes.Buffer
	out.Write(page[:top])
	out.WriteString(banner(s))
	out.Write(page[top:end])
	fmt.Fprintf(&out, `<script data-generation="%d" data-events="%s">%s</script>`, s.Generation, eventsPath, script)
	out.Write(page[end:])
	return out.Bytes()
}

// mostShown is how many findings a banner lists.
const mostShown = 20

// banner says what is wrong, for people; nothing if nothing is.
func banner(s State) string {
	if len(s.Errors) == 0 && s.Failure == "" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<link rel="stylesheet" href="%s"><details open class="dev-banner" role="status"><summary>`, stylePath)
	switch {
	case s.Failure != "":
		b.WriteString("The registry could not be built again")
	case len(s.Errors) == 1:
		b.WriteString("1 error")
	default:
		fmt.Fprintf(&b, "%d errors", len(s.Errors))
	}
	if len(s.Kept) > 0 {
		fmt.Fprintf(&b, "; shown as before the change: %s", html.EscapeString(strings.Join(s.Kept, ", ")))
	}
	if len(s.Missing) > 0 {
		fmt.Fprintf(&b, "; not shown: %s", html.EscapeString(strings.Join(s.Missing, ", ")))
	}
	b.WriteString("</summary><ul>")
	if s.Failure != "" {
		fmt.Fprintf(&b, "<li>%s</li>", html.EscapeString(s.Failure))
	}
	for i, p := range s.Errors {
		if i == mostShown {
			fmt.Fprintf(&b, `<li>… and %d more: <a href="%s">all as JSON</a></li>`, len(s.Errors)-i, FindingsPath)
			break
		}
		fmt.Fprintf(&b, "<li><code>%s</code> %s <b>%s</b></li>", html.EscapeString(place(p)), html.EscapeString(p.Detail), html.EscapeString(string(p.Rule)))
	}
	b.WriteString("</ul></details>")
	return b.String()
}

// place is the file and line of a finding.
func place(p index.Problem) string {
	if p.Line == 0 {
		return p.File
	}
	return p.File + ":" + strconv.Itoa(p.Line)
}

// emptyPage is the page while there is nothing to show.
func emptyPage(w http.ResponseWriter, req *http.Request, s State) {
	title, text := "No package to show yet", ""
	if s.Building != nil {
		title, text = "The registry is being built", s.Building.text()
	}
	body := inject(fmt.Appendf(nil, `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>regsnap dev</title></head><body><main><h1>%s</h1><p>%s</p></main></body></html>`, title, html.EscapeString(text)), s)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; script-src "+scriptHash)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(http.StatusServiceUnavailable)
	if req.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
