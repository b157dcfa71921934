package rightsproxy

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// S3 stands before a server that speaks as S3 does. Its fields may be changed between
// requests, by Set.
type S3 struct {
	// Addr is the host and port to talk to.
	Addr string

	target string
	root   aws.Credentials
	mu     sync.Mutex
	rules  S3Rules
}

// S3Rules say what a caller may do, and what the store makes of conditions.
type S3Rules struct {
	// Role and Bucket are the policies of the caller and of the bucket.
	Role, Bucket []Policy
	// Anyone are the policies of who has no credentials.
	Anyone []Policy
	// IgnoreConditions and RefuseConditions: a store that writes whatever the
	// condition says, or does not know conditions.
	IgnoreConditions, RefuseConditions bool
	// Lifecycle, if set, is what the store answers about lifecycle rules.
	Lifecycle string
}

// StartS3 runs a proxy before the server at target, with the server's credentials.
func StartS3(t testing.TB, target, accessKey, secretKey string) *S3 {
	t.Helper()
	p := &S3{target: target, root: aws.Credentials{AccessKeyID: accessKey, SecretAccessKey: secretKey}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.Addr = strings.TrimPrefix(s.URL, "http://")
	return p
}

// Set changes the rules.
func (p *S3) Set(r S3Rules) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rules = r
}

func (p *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	rules := p.rules
	p.mu.Unlock()
	policies := rules.Role
	if r.Header.Get("Authorization") == "" {
		policies = rules.Anyone
	}
	policies = append(append([]Policy(nil), policies...), rules.Bucket...)
	if r.Method == http.MethodPost && r.URL.Query().Has("delete") {
		p.deleteBatch(w, r, policies)
		return
	}
	asked := s3Request(r)
	conditional := r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Match") != ""
	switch {
	case !allowed(policies, asked):
		refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodPut && conditional && rules.RefuseConditions:
		refuse(w, http.StatusNotImplemented, "NotImplemented")
	case r.URL.Query().Has("lifecycle") && rules.Lifecycle != "":
		fmt.Fprint(w, rules.Lifecycle)
	default:
		p.forward(w, r, rules.IgnoreConditions)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%[1]s</Message></Error>", code)
}

// s3Request reads what is asked, as the Service Authorization Reference of AWS names it.
func s3Request(r *http.Request) request {
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	q := r.URL.Query()
	out := request{resource: "arn:aws:s3:::" + bucket, ifNoneMatch: r.Header.Get("If-None-Match") != ""}
	if key == "" {
		out.action = "s3:GetBucketSettings"
		if r.Method == http.MethodGet && (q.Has("list-type") || len(q) == 0) {
			out.action = "s3:ListBucket"
		}
		return out
	}
	out.resource += "/" + key
	switch {
	case r.Method == http.MethodGet, r.Method == http.MethodHead:
		out.action = "s3:GetObject"
	case r.Method == http.MethodDelete && q.Has("uploadId"):
		out.action = "s3:AbortMultipartUpload"
	case r.Method == http.MethodDelete:
		out.action = "s3:DeleteObject"
	default:
		out.action = "s3:PutObject"
		out.creates = r.Method == http.MethodPut && !q.Has("partNumber") || r.Method == http.MethodPost && q.Has("uploadId")
	}
	return out
}

// deleteBatch judges each object of a DeleteObjects request for itself, and deletes those
// that may be, as the API Reference of S3 says.
func (p *S3) deleteBatch(w http.ResponseWriter, r *http.Request, policies []Policy) {
	var batch struct {
		Object []struct{ Key string }
	}
	if err := xml.NewDecoder(r.Body).Decode(&batch); err != nil {
		refuse(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	type failure struct{ Key, Code, Message string }
	result := struct {
		XMLName xml.Name  `xml:"http://s3.amazonaws.com/doc/2006-03-01/ DeleteResult"`
		Error   []failure `xml:"Error"`
	}{}
	for _, o := range batch.Object {
		one := httptest.NewRequestWithContext(r.Context(), http.MethodDelete, strings.TrimSuffix(r.URL.Path, "/")+"/"+o.Key, nil)
		if !allowed(policies, s3Request(one)) {
			result.Error = append(result.Error, failure{o.Key, "AccessDenied", "Access Denied"})
			continue
		}
		answer := httptest.NewRecorder()
		if p.forward(answer, one, false); answer.Code >= 300 && answer.Code != http.StatusNotFound {
			result.Error = append(result.Error, failure{o.Key, "InternalError", answer.Body.String()})
		}
	}
	w.Header().Set("Content-Type", "application/xml")
	_ = xml.NewEncoder(w).Encode(result) // a client that is gone needs none
}

// forward signs a request again, as the server's owner, and makes it.
func (p *S3) forward(w http.ResponseWriter, r *http.Request, ignoreConditions bool) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest")
		return
	}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "Authorization") || ignoreConditions && strings.HasPrefix(name, "If-") {
			continue
		}
		out.Header[name] = values
	}
	hash := r.Header.Get("X-Amz-Content-Sha256")
	if hash == "" {
		hash = "UNSIGNED-PAYLOAD"
		out.Header.Set("X-Amz-Content-Sha256", hash)
	}
	err = v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }).
		SignHTTP(r.Context(), p.root, out, hash, "s3", "us-east-1", time.Now())
	var resp *http.Response
	if err == nil {
		resp, err = http.DefaultTransport.RoundTrip(out)
	}
	if err != nil {
		refuse(w, http.StatusBadGateway, "InternalError")
		return
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // the client notices what is missing
}
