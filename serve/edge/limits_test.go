package edge_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// maxEvent is what Lambda@Edge takes of a function, headers included, in bytes.
const maxEvent = 1 << 20

// result is what a function returns: a response, or the request as it is to go
// on.
type result struct {
	Status       string
	Body         string
	BodyEncoding string
	URI          string
	Headers      map[string][]struct{ Value string }
	Origin       struct{ Custom struct{ DomainName string } }
	size         int
}

func (r result) header(name string) string {
	if list := r.Headers[name]; len(list) > 0 {
		return list[0].Value
	}
	return ""
}

// invoke gives a function events.
func invoke(t *testing.T, module string, events ...any) []result {
	t.Helper()
	raw, err := functionHost.invoke(module, events)
	if err != nil {
		t.Fatal(err)
	}
	results := make([]result, len(raw))
	for i, text := range raw {
		if err := json.Unmarshal(text, &results[i]); err != nil {
			t.Fatal(err)
		}
		results[i].size = len(text)
	}
	return results
}

// functionHost is the one process of Node that runs functions. It ends with this one.
var functionHost host

type host struct {
	mu  sync.Mutex
	in  *json.Encoder
	out *json.Decoder
}

func (h *host) invoke(module string, events []any) ([]json.RawMessage, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.in == nil {
		cmd := exec.Command("node", "test/invoke.js")
		in, err := cmd.StdinPipe()
		if err != nil {
			return nil, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		h.in, h.out = json.NewEncoder(in), json.NewDecoder(out)
	}
	if err := h.in.Encode(map[string]any{"module": module, "events": events}); err != nil {
		return nil, err
	}
	var said struct {
		Results []json.RawMessage
		Error   string
	}
	if err := h.out.Decode(&said); err != nil {
		return nil, err
	}
	if said.Error != "" {
		return nil, errors.New(said.Error)
	}
	return said.Results, nil
}

type object = map[string]any

// requestEvent is the event of a GET request.
func requestEvent(target, acceptEncoding string) any {
	uri, query, _ := strings.Cut(target, "?")
	headers := object{}
	if acceptEncoding != "" {
		headers["accept-encoding"] = []object{{"key": "Accept-Encoding", "value": acceptEncoding}}
	}
	request := object{"method": "GET", "uri": uri, "querystring": query, "headers": headers}
	return object{"Records": []object{{"cf": object{"request": request}}}}
}

// TestCloudFrontLimits: no answer is larger than the platform takes, and each
// gets to the client all the same, if the client or the operator lets it.
func TestCloudFrontLimits(t *testing.T) {
	const (
		stored = "/search?prerelease=true"
		some   = "/search?all=true&type=input&kibana.version=8.5.0&prerelease=true"
		most   = "/search?all=true&kibana.version=8.5.0&prerelease=true"
		every  = "/search?all=true&prerelease=true"
	)
	s := edgetest.NewSynthetic(t, 10_000)
	large := make([]byte, 900<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(large)
	key := s.Response(t, stored)
	if err := os.WriteFile(filepath.Join(s.Dir, filepath.FromSlash(key)+".gz"), large, 0o666); err != nil {
		t.Fatal(err)
	}
	o := edge.CloudFrontOptions{Environment: s.Env, Origin: edgetest.ServeFolder(t, s.Dir), Pointer: time.Minute}
	module, _ := functions(t, o)
	out := invoke(t, module, requestEvent(stored, "gzip"), requestEvent(some, "gzip"), requestEvent(some, ""), requestEvent(every, ""))
	// More than a function puts together.
	more := edgetest.NewSynthetic(t, 20_000)
	m := edge.CloudFrontOptions{Environment: more.Env, Origin: edgetest.ServeFolder(t, more.Dir), Pointer: time.Minute}
	module, _ = functions(t, m)
	out = append(out, invoke(t, module, requestEvent(most, "gzip"))...)

	if r := out[0]; r.URI != "/"+key+".gz" || !strings.Contains(r.header("x-regsnap-answer"), `"content-encoding":"gzip"`) {
		t.Errorf("a large response is not left to CloudFront: %+v", r)
	}
	r := out[1]
	if r.Status != "200" || r.header("content-encoding") != "gzip" || !strings.HasSuffix(r.header("etag"), `-gzip"`) || r.size > maxEvent {
		t.Errorf("an answer that was put together: status %s, %d bytes, %v", r.Status, r.size, r.Headers)
	}
	if n := entries(t, r.Body); n < 500 {
		t.Errorf("it has %d entries", n)
	}
	for _, r := range out[2:] {
		if r.Status != "503" || r.header("cache-control") != "max-age=0, private, no-store" || r.URI != "" {
			t.Errorf("an answer that is too large: %+v", r)
		}
	}

	o.Fallback, m.Fallback = "serve.example.org", "serve.example.org"
	module, _ = functions(t, o)
	out = invoke(t, module, requestEvent(some, ""))
	module, _ = functions(t, m)
	for _, r := range append(out, invoke(t, module, requestEvent(most, "gzip"))...) {
		if r.Origin.Custom.DomainName != "serve.example.org" || r.header("host") != "serve.example.org" || r.URI != "/search" {
			t.Errorf("not left to the fallback: %+v", r)
		}
	}
}

// TestDamagedCatalog: of a part of the catalog that is cut short, says something
// else, or is not there, no answer is made.
func TestDamagedCatalog(t *testing.T) {
	const target = "/search?agent.version=8.5.0"
	s := edgetest.NewSynthetic(t, 2_000)
	module, _ := functions(t, edge.CloudFrontOptions{Environment: s.Env, Origin: edgetest.ServeFolder(t, s.Dir), Pointer: time.Minute})
	parts, err := filepath.Glob(filepath.Join(s.Dir, "responses", "*.part"))
	if err != nil || len(parts) != 1 {
		t.Fatalf("parts of the catalog: %v, %v", parts, err)
	}
	whole, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	if r := invoke(t, module, requestEvent(target, "gzip"))[0]; r.Status != "200" {
		t.Fatalf("the whole catalog: %+v", r)
	}
	other := bytes.Clone(whole)
	clear(other[1:200])
	for what, body := range map[string][]byte{"cut short": whole[:len(whole)-1], "zeros": make([]byte, len(whole)), "zeros in a block": other} {
		if err := os.WriteFile(parts[0], body, 0o666); err != nil {
			t.Fatal(err)
		}
		if r := invoke(t, module, requestEvent(target, "gzip"))[0]; r.Status != "502" {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if err := os.Remove(parts[0]); err != nil {
		t.Fatal(err)
	}
	if r := invoke(t, module, requestEvent(target, "gzip"))[0]; r.Status != "502" {
		t.Errorf("not there: %+v", r)
	}
}

// TestDamagedResponses: a response that the store cut short, or to which it added
// something, is not an answer; nor is a document that says something else.
func TestDamagedResponses(t *testing.T) {
	dir := t.TempDir()
	edgetest.PublishTo(t, "file://"+filepath.ToSlash(dir), demoSource(t), build.DefaultBudget)
	module, _ := functions(t, edge.CloudFrontOptions{Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute})
	targets := []string{"/search", "/search?all=true&prerelease=true", "/package/old_agent/1.2.0/", "/search?package=old_agent"}
	statuses := func() (all []string) {
		var events []any
		for _, target := range targets {
			events = append(events, requestEvent(target, ""))
		}
		for _, r := range invoke(t, module, events...) {
			all = append(all, r.Status)
		}
		return all
	}
	if got := statuses(); !slices.Equal(got, []string{"200", "200", "200", "200"}) {
		t.Fatalf("of a sound bucket: %v", got)
	}
	files, err := filepath.Glob(filepath.Join(dir, "responses", "*.json*"))
	if err != nil {
		t.Fatal(err)
	}
	sound := map[string][]byte{}
	for _, file := range files {
		if sound[file], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	for what, change := range map[string]func([]byte) []byte{
		"cut short": func(b []byte) []byte { return b[:len(b)-1] },
		"empty":     func([]byte) []byte { return nil },
		"longer":    func(b []byte) []byte { return append(b, ' ') },
		"changed":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	} {
		for file, body := range sound {
			if err := os.WriteFile(file, change(bytes.Clone(body)), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		want := []string{"502", "502", "502", "502"}
		if what == "changed" { // of a search that is stored plain only the length is known
			want[3] = "200"
		}
		if got := statuses(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
}

// entries counts those of an encoded search.
func entries(t *testing.T, body string) int {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(body)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var list []struct{ Name string }
	if err := json.Unmarshal(plain, &list); err != nil {
		t.Fatal(err)
	}
	return len(list)
}

// TestCloudFrontFailures: what the bucket says to CloudFront is not what clients
// of the registry are told.
func TestCloudFrontFailures(t *testing.T) {
	_, module := functions(t, edge.CloudFrontOptions{Environment: "production", Origin: edge.Origin{URL: "https://bucket.example"}})
	response := func(status string, answered bool) any {
		request := object{"method": "GET", "uri": "/packages/a/1.0.0/x", "querystring": "", "headers": object{}}
		if answered {
			request["headers"] = object{"x-regsnap-answer": []object{{"value": `{"content-type":"application/zip","cache-control":"max-age=600, public","etag":"\"x\""}`}}}
		}
		headers := object{"x-amz-id-2": []object{{"value": "1"}}, "server": []object{{"value": "AmazonS3"}}, "last-modified": []object{{"value": "now"}}, "content-type": []object{{"value": "application/xml"}}}
		return object{"Records": []object{{"cf": object{"request": request, "response": object{"status": status, "headers": headers}}}}}
	}
	out := invoke(t, module, response("200", true), response("304", true), response("403", true), response("404", true), response("503", true), response("500", false))
	for _, r := range out[:2] {
		if r.header("etag") != `"x"` || r.header("content-type") != "application/zip" || r.header("access-control-allow-origin") != "*" || r.header("server")+r.header("x-amz-id-2")+r.header("last-modified") != "" {
			t.Errorf("of an object that is there: %+v", r)
		}
	}
	for _, r := range out[2:5] {
		body, err := base64.StdEncoding.DecodeString(r.Body)
		if err != nil || r.Status != "502" || string(body) != "the object store of this registry does not answer\n" || r.header("cache-control") != "max-age=0, private, no-store" {
			t.Errorf("of an object that cannot be had: %+v", r)
		}
	}
	sized := func(length string) any {
		return object{"Records": []object{{"cf": object{
			"request": object{"method": "GET", "uri": "/packages/a/1.0.0/x", "querystring": "", "headers": object{
				"x-regsnap-answer": []object{{"value": `{"content-type":"application/zip","content-length":"10"}`}}}},
			"response": object{"status": "200", "headers": object{"content-length": []object{{"value": length}}}},
		}}}}
	}
	for i, r := range invoke(t, module, sized("10"), sized("9"), sized("11")) {
		if want := []string{"200", "502", "502"}[i]; r.Status != want {
			t.Errorf("an object that is not as long as it is to be: %+v, want %s", r, want)
		}
	}
	if r := out[5]; r.Status != "500" || r.header("server") != "AmazonS3" {
		t.Errorf("what no function forwarded was changed: %+v", r)
	}
}
