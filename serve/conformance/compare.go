package conformance

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/regsnap/regsnap/layout/answer"
)

// Options say which registry to compare, and how to ask it.
type Options struct {
	// BaseURL is where the registry is: "http://127.0.0.1:8080".
	BaseURL string
	// Host is sent as the Host header, if it is not that of BaseURL.
	Host string
	// Gzip asks for gzip-encoded answers, and compares what they decode to.
	Gzip bool
	// Client sends the requests; http.DefaultTransport does if nil. Redirects
	// are never followed.
	Client *http.Client
	// Parallel is how many requests are sent at once; 1 if 0.
	Parallel int
	// OneLine lets the lines of a header come as one with commas between, which
	// says the same (RFC 9110, section 5.3): some platforms send no other.
	OneLine bool
}

// Report is the outcome of a comparison.
type Report struct {
	Requests int
	// Encoded counts the answers that came gzip-encoded.
	Encoded int
	// Differences are in the order of the recording.
	Differences []Difference
}

// Difference is one thing that is not as it was recorded.
type Difference struct {
	Request   string // method and path
	What      string // "status", "body", ...
	Got, Want string
}

func (d Difference) String() string {
	return fmt.Sprintf("%s: %s is %s, recorded was %s", d.Request, d.What, d.Got, d.Want)
}

// Lines are the differences, at most that many, and how many more there are.
func (r *Report) Lines(most int) []string {
	var out []string
	for i, d := range r.Differences {
		if i == most {
			return append(out, fmt.Sprintf("… and %d more", len(r.Differences)-i))
		}
		out = append(out, d.String())
	}
	return out
}

// Compare sends every recorded request again and compares the answers. The
// error is only about asking: that the registry differs is in the report.
func Compare(ctx context.Context, r *Recording, o Options) (*Report, error) {
	if _, err := url.Parse(o.BaseURL); err != nil {
		return nil, err
	}
	client := http.Client{}
	if o.Client != nil {
		client = *o.Client
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	found := make([][]Difference, len(r.Answers))
	var encoded, next atomic.Int64
	var workers sync.WaitGroup
	for range max(1, o.Parallel) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(r.Answers) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				got, err := ask(ctx, &client, o, r.Answers[i])
				if err != nil {
					cancel(err)
					return
				}
				if got.encoded {
					encoded.Add(1)
				}
				found[i] = r.compare(got, r.Answers[i], o.OneLine)
			}
		})
	}
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return &Report{Requests: len(r.Answers), Encoded: int(encoded.Load()), Differences: slices.Concat(found...)}, nil
}

// answer is what came back, decoded.
type reply struct {
	status  int
	header  http.Header
	body    []byte
	encoded bool
}

func ask(ctx context.Context, client *http.Client, o Options, a Answer) (*reply, error) {
	req, err := http.NewRequestWithContext(ctx, a.Method, strings.TrimSuffix(o.BaseURL, "/")+a.Path, nil)
	if err != nil {
		return nil, err
	}
	req.Host = o.Host
	// Set either way: the transport must not ask for, and undo, an encoding of
	// its own.
	req.Header.Set("Accept-Encoding", "identity")
	if o.Gzip {
		req.Header.Set("Accept-Encoding", "gzip")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.Method, a.Path, err)
	}
	defer resp.Body.Close()
	got := &reply{status: resp.StatusCode, header: resp.Header}
	body := io.Reader(resp.Body)
	if resp.Header.Get("Content-Encoding") == "gzip" {
		got.encoded = true
		if body, err = gzip.NewReader(resp.Body); err != nil {
			return nil, fmt.Errorf("%s %s: %w", a.Method, a.Path, err)
		}
	}
	if got.body, err = io.ReadAll(body); err != nil {
		return nil, fmt.Errorf("%s %s: %w", a.Method, a.Path, err)
	}
	return got, nil
}

func (r *Recording) compare(got *reply, want Answer, oneLine bool) []Difference {
	var out []Difference
	request := want.Method + " " + want.Path
	differ := func(what string, got, want any) {
		out = append(out, Difference{request, what, fmt.Sprint(got), fmt.Sprint(want)})
	}
	if got.status != want.Status {
		differ("status", got.status, want.Status)
	}
	if t := got.header.Get("Content-Type"); t != want.ContentType {
		differ("content type", t, want.ContentType)
	}
	if l := got.header.Get("Location"); l != want.Location {
		differ("location", l, want.Location)
	}
	if c := got.header["Cache-Control"]; !slices.Equal(c, want.CacheControl) &&
		(!oneLine || strings.Join(c, ", ") != strings.Join(want.CacheControl, ", ")) {
		differ("Cache-Control", fmt.Sprintf("%q", c), fmt.Sprintf("%q", want.CacheControl))
	}
	switch {
	case want.Entries != nil:
		if text := compareEntries(got.body, want.Entries); text != "" {
			differ("archive", text, fmt.Sprintf("%d entries", len(want.Entries)))
		}
	case !bodyCounts(want):
	default:
		if sum := sha256.Sum256(got.body); hex.EncodeToString(sum[:]) != want.SHA256 {
			line, recorded := r.firstDifference(got.body, want)
			differ("body", line, recorded)
		}
	}
	return out
}

// bodyCounts reports whether the body of an answer is to be compared.
func bodyCounts(a Answer) bool {
	path, query, _ := strings.Cut(a.Path, "?")
	switch {
	case path == "/favicon.ico", a.Status >= 300 && a.Status < 400:
		return false
	case a.Status == http.StatusBadRequest && (path == "/search" || path == "/categories"):
		return badParameters(query, path == "/categories") <= 1
	}
	return true
}

// badParameters counts the parameters of a query that are refused each by
// itself. Of one that is repeated the values belong together.
func badParameters(query string, counting bool) int {
	values, _ := url.ParseQuery(query)
	bad := 0
	for name, list := range values {
		if _, err := answer.ParseQuery(url.Values{name: list}.Encode(), counting); err != nil {
			bad++
		}
	}
	return bad
}

// firstDifference shows where a body first differs from the recorded one.
func (r *Recording) firstDifference(got []byte, a Answer) (line, recorded string) {
	want, err := r.body(a)
	if err != nil {
		return fmt.Sprintf("%d bytes", len(got)), fmt.Sprintf("%d bytes, with SHA-256 %s (%v)", a.Length, a.SHA256, err)
	}
	g, w := bytes.SplitAfter(got, []byte("\n")), bytes.SplitAfter(want, []byte("\n"))
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || !bytes.Equal(g[i], w[i]) {
			return fmt.Sprintf("%d bytes, line %d %q", len(got), i+1, at(g, i)), fmt.Sprintf("%d bytes, %q", len(want), at(w, i))
		}
	}
	return fmt.Sprintf("%d bytes", len(got)), fmt.Sprintf("%d bytes; the recording's own bodies disagree with its list", len(want))
}

func at(lines [][]byte, i int) []byte {
	const most = 120
	if i >= len(lines) {
		return nil
	}
	return lines[i][:min(len(lines[i]), most)]
}
