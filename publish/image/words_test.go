package image

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

// hub is a repository of a registry, which nobody asks.
func hub(t *testing.T) *target {
	t.Helper()
	repo, err := name.NewRepository("hub.example/packages/registry")
	if err != nil {
		t.Fatal(err)
	}
	return &target{repo: repo, sent: &transfer{}}
}

func requestTo(t *testing.T, method, address string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestExplain: what each refusal means. Without a meaning the error stays as it is.
func TestExplain(t *testing.T) {
	refused := func(status int, codes ...string) error {
		return fmt.Errorf("within: %w", &refusal{place: "PUT x", status: status, codes: codes, words: "words"})
	}
	login := func(status int) error { return tokenError{&transport.Error{StatusCode: status}} }
	for _, c := range []struct {
		what      string
		err       error
		anonymous bool
		want      string
	}{
		{"401, nobody", refused(401), true, "no login for hub.example is known here: run docker login hub.example,"},
		{"401", refused(401), false, "hub.example refuses the login that is known here: run docker login hub.example again"},
		{"no token, nobody", login(401), true, "no login for hub.example is known here"},
		{"no token", login(401), false, "refuses the login that is known"},
		{"no token, 403", login(403), true, "refuses the login that is known"},
		{"no token, 429", login(429), false, "takes no more requests for now"},
		{"no token, 500", login(500), false, ""},
		{"401 before its code", refused(401, "NAME_UNKNOWN"), false, "refuses the login"},
		{"no name", refused(404, "NAME_UNKNOWN"), true, "hub.example has no repository packages/registry"},
		{"no name, and denied", refused(403, "DENIED", "NAME_UNKNOWN"), true, "has no repository"},
		{"tag", refused(400, "TAG_INVALID"), false, "does not take a tag of that name"},
		{"tag, and denied", refused(403, "TAG_INVALID"), false, "does not take a tag of that name"},
		{"denied", refused(400, "DENIED"), false, "hub.example does not let this login push to packages/registry"},
		{"denied, another code first", refused(400, "X", "DENIED"), false, "does not let this login push"},
		{"403", refused(403), true, "does not let this login push"},
		{"413", refused(413), false, "a layer is larger than hub.example"},
		{"429", refused(429), false, "takes no more requests for now"},
		{"405", refused(405), false, "does not take a layer in one request"},
		{"415", refused(415), false, "does not take a layer in one request"},
		{"501", refused(501), false, "does not take a layer in one request"},
		{"unsupported", refused(400, "UNSUPPORTED"), false, "does not take a layer in one request"},
		{"no manifest", refused(400, "MANIFEST_INVALID"), false, "does not take a layer in one request"},
		{"404", refused(404), false, ""},
		{"400", refused(400, "X"), false, ""},
		{"certificate", &tls.CertificateVerificationError{Err: errors.New("x")}, false, "the certificate of hub.example is not one that this machine trusts"},
		{"no TLS", http.ErrSchemeMismatch, false, "hub.example does not speak TLS"},
		{"no host", &net.DNSError{Name: "storage.example", IsNotFound: true}, false, "there is no host storage.example"},
		{"no answer about a host", &net.DNSError{Name: "storage.example", IsTimeout: true}, false, ""},
		{"explained", explained{refused(401)}, true, ""},
		{"another", io.ErrUnexpectedEOF, true, ""},
	} {
		h := hub(t)
		h.anonymous = c.anonymous
		got := h.explain(c.err)
		if !errors.Is(got, c.err) || !strings.HasSuffix(got.Error(), c.err.Error()+")") != (c.want == "") || !strings.Contains(got.Error(), c.want) || c.want == "" && got.Error() != c.err.Error() {
			t.Errorf("%s: %v, want %q", c.what, got, c.want)
		}
	}
}

// TestExplained: what an explained error is about can still be asked for.
func TestExplained(t *testing.T) {
	refused := &refusal{status: 409}
	var got *refusal
	if err := fmt.Errorf("push: %w", explained{fmt.Errorf("advice (%w)", refused)}); !errors.As(err, &got) || got != refused {
		t.Errorf("%v", got)
	}
}

// TestAdvice: what is to be done about a tag that stays depends on the tag.
func TestAdvice(t *testing.T) {
	i := &Image{Manifest: &layout.Manifest{Environment: "production"}}
	for tag, want := range map[string]string{"production": "--no-env-tag", "v1": "give the image another one with --tag", i.Manifest.ID(): "keep that one"} {
		if got := i.adviceFor(tag); !strings.Contains(got, want) {
			t.Errorf("%s: %s", tag, got)
		}
	}
	if got := new(Image).adviceFor("v1.2.3"); !strings.Contains(got, "a release has a tag of its own") {
		t.Error(got)
	}
}

// TestHas: which answers say that a manifest is there, and which say nothing.
func TestHas(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	status, told, cut := 200, "", false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if told != "" {
			w.Header().Set("Docker-Content-Digest", told)
		}
		// Registries give another form of a manifest, or none, to who does not ask for it.
		if accept := r.Header.Get("Accept"); r.URL.Path != "/v2/" && accept != "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, */*" {
			t.Errorf("%s %s asks for %q", r.Method, r.URL.Path, accept)
		}
		if cut && r.Method == http.MethodGet {
			w.Header().Set("Content-Length", "100")
		}
		if r.URL.Path != "/v2/" {
			w.WriteHeader(status)
		}
		_, _ = io.WriteString(w, "short") // a client that is gone needs no answer
	}))
	t.Cleanup(s.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/x")
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	h := &target{repo: repo, retries: retry.Policy{Attempts: 2, Sleep: func(context.Context, time.Duration) error { attempts++; return nil }}, sent: &transfer{}}
	if err := h.connect(t.Context(), nil, "test"); err != nil {
		t.Fatal(err)
	}
	const digest = "sha256:0"
	for _, c := range []struct {
		status    int
		told, ref string
		want      bool
	}{
		{200, digest, "tag", true}, {200, digest, digest, true}, {200, "", digest, true}, {200, "", "tag", false}, {200, "sha256:1", "tag", false}, {200, "sha256:1", digest, false},
		{404, digest, "tag", false}, {404, "", digest, false}, {403, digest, digest, false}, {204, digest, digest, false},
	} {
		status, told = c.status, c.told
		if got, err := h.has(t.Context(), c.ref, &manifest{digest: digest}); got != c.want || err != nil {
			t.Errorf("%+v: %v, %v", c, got, err)
		}
	}
	status, told = 200, ""
	if got := h.digestOf(t.Context(), "tag"); got != "sha256:f9b0078b5df596d2ea19010c001bbd009e651de2c57e8fb7e355f31eb9d3f739" { // sha256sum of short
		t.Errorf("the tag has %s", got)
	}
	if status = 404; h.digestOf(t.Context(), "tag") != "" || attempts != 0 {
		t.Errorf("there is a tag, after %d pauses", attempts)
	}
	status, cut = 200, true
	if got := h.digestOf(t.Context(), "tag"); got != "" || attempts != 1 {
		t.Errorf("an answer that breaks off: %s after %d pauses", got, attempts)
	}
}

// TestRefusal: what is shown of a registry's words, and which codes mean what.
func TestRefusal(t *testing.T) {
	h := hub(t)
	answered := func(status int, body string) *refusal {
		return h.refusalOf(&answer{&http.Response{StatusCode: status, Request: requestTo(t, "PUT", "https://hub.example/v2/x?signed=1")}, []byte(body)})
	}
	message := func(length int) string {
		return fmt.Sprintf(`{"errors": [{"code": "C", "message": %q}]}`, strings.Repeat("m", length))
	}
	const before = len("404 Not Found, C: ")
	for _, c := range []struct {
		status     int
		body, want string
		codes      int
	}{
		{404, "", "404 Not Found", 0},
		{404, "<html>", "404 Not Found", 0},
		{599, "{}", "599", 0},
		{404, `{"errors": [{"code": "A"}, {"code": "B", "message": "why"}]}`, "404 Not Found, A, B: why", 2},
		{404, message(300 - before), "404 Not Found, C: " + strings.Repeat("m", 300-before), 1},
		{404, message(301 - before), "404 Not Found, C: " + strings.Repeat("m", 300-before) + "…", 1},
		{404, `{"errors": [{"code": "C", "message": "` + strings.Repeat("ä", 200) + `"}]}`, "404 Not Found, C: " + strings.Repeat("ä", 141) + "…", 1},
	} {
		r := answered(c.status, c.body)
		if r.words != c.want || len(r.codes) != c.codes || r.status != c.status || r.Error() != "PUT hub.example/v2/x: "+c.want {
			t.Errorf("%d %s: %v, %q, want %q", c.status, c.body, r, r.codes, c.want)
		}
	}
	if r := answered(400, `{"errors": [{"code": "C", "message": "at https://ada:lovelace@hub.example/"}]}`); strings.Contains(r.Error(), "lovelace") {
		t.Errorf("%v tells a password", r)
	}
	for status, want := range map[int]bool{400: false, 401: false, 403: false, 404: false, 405: true, 409: false, 413: false, 415: true, 501: true, 503: false} {
		if r := (&refusal{status: status}); r.unsupported() != want || r.broken() {
			t.Errorf("%d: broken %v, unsupported %v", status, r.broken(), r.unsupported())
		}
	}
	for code, want := range map[string][2]bool{
		"BLOB_UPLOAD_UNKNOWN": {true, false}, "BLOB_UPLOAD_INVALID": {true, false}, "DIGEST_INVALID": {true, false}, "SIZE_INVALID": {true, false},
		"MANIFEST_BLOB_UNKNOWN": {true, false}, "UNSUPPORTED": {false, true}, "MANIFEST_INVALID": {false, true}, "DENIED": {},
	} {
		r := &refusal{status: 400, codes: []string{"X", code}}
		if r.broken() != want[0] || r.unsupported() != want[1] {
			t.Errorf("%s: broken %v, unsupported %v", code, r.broken(), r.unsupported())
		}
	}
}

// passes reports whether a request that ended in an error is made again.
func passes(err error) bool {
	n := 0
	_ = retry.Policy{Attempts: 2, Sleep: func(context.Context, time.Duration) error { return nil }}.Do(context.Background(), func() error { n++; return err })
	return n == 2
}

// TestAgain: which errors may pass.
func TestAgain(t *testing.T) {
	for _, c := range []struct {
		err  error
		want bool
	}{
		{nil, false}, {io.ErrUnexpectedEOF, true}, {errors.New("connection reset"), true}, {&net.DNSError{IsTimeout: true}, true}, {&net.DNSError{IsNotFound: true}, false},
		{&tls.CertificateVerificationError{Err: errors.New("x")}, false}, {http.ErrSchemeMismatch, false}, {fmt.Errorf("%w: there", errLeads), false},
		{&fs.PathError{Op: "open", Path: "layer", Err: fs.ErrNotExist}, false}, {&transport.Error{StatusCode: 401}, false}, {&transport.Error{StatusCode: 404}, false},
		{&transport.Error{StatusCode: 408}, true}, {&transport.Error{StatusCode: 429}, true}, {&transport.Error{StatusCode: 499}, true}, {&transport.Error{StatusCode: 500}, true},
		{&transport.Error{StatusCode: 501}, false}, {&transport.Error{StatusCode: 502}, true}, {&transport.Error{StatusCode: 503}, true}, {&transport.Error{StatusCode: 504}, true},
		{&transport.Error{StatusCode: 522}, true},
	} {
		if got := again(c.err); passes(got) != c.want || !errors.Is(got, c.err) {
			t.Errorf("%v passes: %v", c.err, !c.want)
		}
	}
}

// TestUnsigned: no error shows what may be signed.
func TestUnsigned(t *testing.T) {
	inner := errors.New("inner")
	token := &transport.Error{StatusCode: 403, Request: requestTo(t, "GET", "https://auth.example/token?secret=1")}
	for _, c := range []struct {
		err  error
		want string
	}{
		{inner, "inner"},
		{&url.Error{Op: "Put", URL: "https://hub.example/v2/x?secret=1", Err: inner}, "Put https://hub.example/v2/x: inner"},
		{&url.Error{Op: "Put", URL: "https://hub.example/v2/x", Err: inner}, "Put https://hub.example/v2/x: inner"},
		{&url.Error{Op: "Get", URL: "https://hub.example/v2/?secret=2", Err: token}, "GET auth.example/token: 403 Forbidden"},
		{&transport.Error{StatusCode: 500}, "tokens of the registry: 500 Internal Server Error"},
	} {
		got := unsigned(c.err)
		if got.Error() != c.want || c.err != inner && errors.Is(c.err, inner) != errors.Is(got, inner) {
			t.Errorf("%v, want %q", got, c.want)
		}
	}
	if got := unsigned(nil); got != nil {
		t.Errorf("nothing is %v", got)
	}
}

// TestMayGo: a registry may lead to other hosts, but not to those that only this
// machine reaches.
func TestMayGo(t *testing.T) {
	at := func(host string) *url.URL { return &url.URL{Scheme: "https", Host: host, Path: "/x"} }
	for host, want := range map[string]bool{
		"hub.example": true, "storage.example": true, "203.0.113.7": true, "8.8.8.8:443": true, "[2001:db8::1]": true,
		"10.0.0.1": false, "192.168.1.1:80": false, "172.16.0.1": false, "127.0.0.1": false, "[::1]:80": false, "169.254.169.254": false, "[fe80::1]": false, "0.0.0.0": false, "[fd00::1]": false,
	} {
		err := mayGo(at("hub.example"), at(host))
		if (err == nil) != want || err != nil && (!errors.Is(err, errLeads) || !strings.Contains(err.Error(), host)) {
			t.Errorf("%s: %v", host, err)
		}
		if err := mayGo(at(host), at(host)); err != nil {
			t.Errorf("%s leads to itself: %v", host, err)
		}
	}
	if err := mayGo(at("10.0.0.1:5000"), at("10.0.0.1:80")); err != nil {
		t.Errorf("another port: %v", err)
	}
}

// TestUploadTo: where a layer is to be sent, and what of that is kept as it is.
func TestUploadTo(t *testing.T) {
	h := hub(t)
	for location, want := range map[string]string{
		"/upload/1": "https://hub.example/upload/1?digest=sha256%3A0", "2": "https://hub.example/v2/blobs/uploads/2?digest=sha256%3A0",
		"https://storage.example/3?a=b%2Bc&d": "https://storage.example/3?a=b%2Bc&d&digest=sha256%3A0", "/4?": "https://hub.example/4?digest=sha256%3A0",
		"": "does not say where to send the layer: Location \"\"", "http://%zz": "does not say where", "http://10.0.0.1/5": "leads to the private address 10.0.0.1",
	} {
		a := &answer{&http.Response{Request: requestTo(t, "POST", "https://hub.example/v2/blobs/uploads/"), Header: http.Header{"Location": {location}}}, nil}
		to, err := h.uploadTo(a, "sha256:0")
		if strings.HasPrefix(want, "https:") != (err == nil) || err == nil && to.String() != want || err != nil && (!strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "POST hub.example/v2/blobs/uploads/") || to != nil) {
			t.Errorf("%q: %v, %v, want %s", location, to, err, want)
		}
	}
}

// TestStored: which answers say that something is there.
func TestStored(t *testing.T) {
	h := hub(t)
	for _, c := range []struct {
		status     int
		told, body string
		want       string
		again      bool
	}{
		{200, "", "", "", false}, {201, "", "", "", false}, {204, "", "", "", false}, {201, "sha256:0", "", "", false}, {202, "", "", "202 Accepted", false},
		{201, "sha256:1", "", "the registry says that it holds sha256:1", false}, {404, "sha256:0", "", "404", false}, {400, "", `{"errors": [{"code": "DIGEST_INVALID"}]}`, "DIGEST_INVALID", true},
		{400, "", `{"errors": [{"code": "OTHER"}]}`, "OTHER", false},
	} {
		a := &answer{&http.Response{StatusCode: c.status, Request: requestTo(t, "PUT", "https://hub.example/x"), Header: http.Header{}}, []byte(c.body)}
		if c.told != "" {
			a.Header.Set("Docker-Content-Digest", c.told)
		}
		err := h.stored(a, "sha256:0")
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) || passes(err) != c.again {
			t.Errorf("%d %s: %v", c.status, c.told, err)
		}
	}
}

// TestTransfer: what is sent twice counts once, and what failed not at all.
func TestTransfer(t *testing.T) {
	var done, total int64
	sent := &transfer{told: func(d, n int64) { done, total = d, n }}
	sent.add(0, 10)
	body, count := sent.counting(&blob{size: 10, open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("0123456789")), nil }})
	open := func() io.ReadCloser {
		r, err := body.open()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := open()
	if _, err := io.CopyN(io.Discard, first, 4); err != nil || done != 4 || total != 10 {
		t.Errorf("%d of %d, %v", done, total, err)
	}
	second := open()
	if done != 0 {
		t.Errorf("opened again: %d", done)
	}
	if _, err := io.ReadAll(first); err != nil || done != 0 {
		t.Errorf("the reader before goes on: %d, %v", done, err)
	}
	if _, err := io.ReadAll(second); err != nil || done != 10 || total != 10 || body.size != 10 || body.mediaType != "application/octet-stream" {
		t.Errorf("%d of %d, %v", done, total, err)
	}
	if count.reset(); done != 0 {
		t.Errorf("what failed: %d", done)
	}
	broken := errors.New("broken")
	body, _ = sent.counting(&blob{open: func() (io.ReadCloser, error) { return nil, broken }})
	if r, err := body.open(); err != broken || r != nil {
		t.Errorf("%v, %v", r, err)
	}
}

// TestRedirects: ten are followed, and none to where a registry may not lead.
func TestRedirects(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	left := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v2/" {
			return
		}
		if left--; left >= 0 {
			http.Redirect(w, r, "/again", http.StatusTemporaryRedirect)
		}
	}))
	t.Cleanup(s.Close)
	repo, err := name.NewRepository(strings.TrimPrefix(s.URL, "http://") + "/x")
	if err != nil {
		t.Fatal(err)
	}
	h := &target{repo: repo, retries: retry.Policy{Attempts: 1}, sent: &transfer{}}
	if err := h.connect(t.Context(), nil, "test"); err != nil || !h.anonymous {
		t.Fatal(err, h.anonymous)
	}
	for n, want := range map[int]bool{0: true, 1: true, 10: true, 11: false, 12: false} {
		left = n
		_, err := h.ask(t.Context(), http.MethodHead, h.url("manifests/x"), nil)
		if (err == nil) != want || err != nil && !errors.Is(err, errLeads) {
			t.Errorf("%d redirects: %v", n, err)
		}
	}
}
