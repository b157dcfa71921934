package rightsproxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// Binding gives a caller a role of Google Cloud Storage for what an expression names.
type Binding struct {
	Role   string // "objectViewer", "objectCreator" or "objectUser"
	Names  []string
	Prefix []string // of names
}

// permissions are those of the roles that docs/rights.md uses.
var permissions = map[string][]string{
	"objectViewer":  {"get", "list"},
	"objectCreator": {"create"},
	"objectUser":    {"get", "list", "create", "delete", "update"},

	"registryDeleter": {"delete"},
}

func (b Binding) gives(permission, name string) bool {
	has := false
	for _, p := range permissions[b.Role] {
		has = has || p == permission
	}
	if len(b.Names)+len(b.Prefix) == 0 || !has {
		return has
	}
	for _, n := range b.Names {
		if n == name {
			return true
		}
	}
	for _, p := range b.Prefix {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

var (
	bindingLine  = regexp.MustCompile(`--role=(?:roles/storage\.|projects/PROJECT/roles/)(\w+)(?: \\\n)?\s+--condition=(?:None|"title=\w+,expression=(.*?)")\n`)
	bindingStart = regexp.MustCompile(`resource\.name\.startsWith\('\$objects/([^']+)'\)`)
	bindingName  = regexp.MustCompile(`resource\.name == '\$objects/([^']+)'`)
)

// GCSFromManual are the bindings of docs/rights.md: of the publisher of production,
// and of prune.
func GCSFromManual(t testing.TB) (publisher, pruner []Binding) {
	t.Helper()
	text := manual(t)
	blocks := strings.Split(text, "member=serviceAccount:")
	if len(blocks) != 3 {
		t.Fatalf("docs/rights.md has %d members, want 2", len(blocks)-1)
	}
	read := func(block string) (out []Binding) {
		for _, m := range bindingLine.FindAllStringSubmatch(block, -1) {
			b := Binding{Role: m[1]}
			for _, s := range bindingStart.FindAllStringSubmatch(m[2], -1) {
				b.Prefix = append(b.Prefix, s[1])
			}
			for _, n := range bindingName.FindAllStringSubmatch(m[2], -1) {
				b.Names = append(b.Names, n[1])
			}
			out = append(out, b)
		}
		if len(out) < 3 {
			t.Fatalf("docs/rights.md: %d bindings for a member: %v", len(out), out)
		}
		return out
	}
	return read(blocks[1]), read(blocks[2])
}

// GCS stands before a server that speaks as Google Cloud Storage does.
type GCS struct {
	Addr string

	target string
	mu     sync.Mutex
	rules  GCSRules
}

// GCSRules say what the caller may do.
type GCSRules struct {
	Bindings []Binding
	// Bucket, if set, are attributes that are put into what the server says of the
	// bucket.
	Bucket map[string]any
	// IgnoreConditions: a store that writes whatever the condition says.
	IgnoreConditions bool
}

// StartGCS runs a proxy before the server at target.
func StartGCS(t testing.TB, target string) *GCS {
	t.Helper()
	p := &GCS{target: target}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.Addr = strings.TrimPrefix(s.URL, "http://")
	return p
}

// Set changes the rules.
func (p *GCS) Set(r GCSRules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = r
}

func (p *GCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	rules := p.rules
	p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	permission, name := gcsRequest(r, body)
	may := func(permission string) bool {
		for _, b := range rules.Bindings {
			if b.gives(permission, name) {
				return true
			}
		}
		return permission == "" // what is about the bucket
	}
	if !may(permission) || permission == "create" && !may("delete") && p.exists(r, name) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `{"error": {"code": 403, "message": "the caller does not have storage.objects.%s access to %s"}}`, permission, name)
		return
	}
	p.forward(w, r, body, rules, permission == "" && r.Method == http.MethodGet)
}

// gcsRequest reads what is asked: of the JSON API, and of the XML API by which the
// client reads contents.
func gcsRequest(r *http.Request, body []byte) (permission, name string) {
	path := r.URL.EscapedPath()
	switch {
	case strings.HasPrefix(path, "/upload/"):
		name = r.URL.Query().Get("name")
		if name == "" {
			name = uploadName(r, body)
		}
		return "create", name
	case strings.HasPrefix(path, "/storage/v1/b/") || strings.HasPrefix(path, "/b/"):
		rest := strings.TrimPrefix(strings.TrimPrefix(path, "/storage/v1"), "/b/")
		_, object, isObject := strings.Cut(rest, "/o")
		if !isObject {
			return "", ""
		}
		name, _ = url.PathUnescape(strings.TrimPrefix(object, "/"))
		switch {
		case name == "":
			return "list", ""
		case r.Method == http.MethodDelete:
			return "delete", name
		case r.Method == http.MethodGet:
			return "get", name
		}
		return "update", name
	}
	_, object, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	name, _ = url.PathUnescape(object)
	return "get", name
}

// uploadName finds the name of an object in the first part of its upload.
func uploadName(r *http.Request, body []byte) string {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextPart()
	if err != nil {
		return ""
	}
	var object struct{ Name string }
	if json.NewDecoder(part).Decode(&object) != nil {
		return ""
	}
	return object.Name
}

var uploadBucket = regexp.MustCompile(`/b/([^/]+)/o`)

// exists asks the server for an object that is about to be overwritten.
func (p *GCS) exists(r *http.Request, name string) bool {
	m := uploadBucket.FindStringSubmatch(r.URL.Path)
	if m == nil {
		return false
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, "http://"+p.target+"/storage/v1/b/"+m[1]+"/o/"+url.PathEscape(name), nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func (p *GCS) forward(w http.ResponseWriter, r *http.Request, body []byte, rules GCSRules, isBucket bool) {
	u := *r.URL
	u.Scheme, u.Host = "http", p.target
	if q := u.Query(); rules.IgnoreConditions {
		q.Del("ifGenerationMatch")
		u.RawQuery = q.Encode()
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, u.String(), bytes.NewReader(body))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	out.Header = r.Header.Clone()
	out.Host = p.target // by which the server tells its two APIs apart
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	content := io.Reader(resp.Body)
	if isBucket && len(rules.Bucket) > 0 && resp.StatusCode == http.StatusOK {
		attributes := map[string]any{}
		if json.NewDecoder(resp.Body).Decode(&attributes) == nil {
			for k, v := range rules.Bucket {
				attributes[k] = v
			}
		}
		changed, _ := json.Marshal(attributes) // it was JSON
		content = bytes.NewReader(changed)
		resp.Header.Del("Content-Length")
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, content) // the client notices what is missing
}
