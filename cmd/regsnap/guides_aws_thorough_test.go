//go:build thorough

package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/internal/child"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestAWSGuide runs the guide of AWS: the AWS CLI against an endpoint that looks at
// what is sent, regsnap against a server with the API of S3.
func TestAWSGuide(t *testing.T) {
	s := servers.StartS3(t)
	s.NamedBucket(t, "example-registry")
	address := child.Address(t)
	cli := testtools.AWS.Need(t)
	aws := &awsEndpoint{t: t}
	endpoint := httptest.NewServer(aws)
	defer endpoint.Close()
	runGuide(t, guide{
		file: "deploy-aws.md",
		replace: [][2]string{
			{`"s3://$NAME?region=$REGION"`, `"s3://$NAME?endpoint=http://` + s.Addr + `&region=us-east-1&use_path_style=true"` + "\n" + publishTwice + serveProduction},
			{`--against "https://$DOMAIN"`, `--against "http://$SERVER"`},
		},
		env: append([]string{
			"SERVER=" + address, "AWS_CLI=" + cli.Program, "AWS_ENDPOINT=" + endpoint.URL, "AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1", "AWS_PAGER=",
		}, cli.Env...),
		before: `aws() { env -u AWS_PROFILE "$AWS_CLI" --endpoint-url "$AWS_ENDPOINT" "$@"; }` + "\n",
	})
	want := []string{
		"GetCallerIdentity", "PUT bucket", "PUT publicAccessBlock", "PUT lifecycle", "CreateOpenIDConnectProvider", "CreateRole", "PutRolePolicy", "CreateRole", "PutRolePolicy",
		"CreateRole", "AttachRolePolicy", "PutRolePolicy", "POST functions", "POST functions", "POST versions", "POST versions", "POST cache-policy",
		"POST origin-access-control", "RequestCertificate", "DescribeCertificate", "POST distribution", "PUT policy", "GET distribution", "POST invalidation",
	}
	aws.mu.Lock()
	defer aws.mu.Unlock()
	if !slices.Equal(aws.seen, want) {
		t.Errorf("AWS got\n%q, want\n%q", aws.seen, want)
	}
}

// awsEndpoint answers as AWS does where that is needed to go on, and looks at what
// it is sent: policies must be JSON of a policy's form with nothing left to fill
// in, archives must hold functions that start.
type awsEndpoint struct {
	t    *testing.T
	mu   sync.Mutex
	seen []string
}

func (a *awsEndpoint) saw(what string) { a.seen = append(a.seen, what) }

func (a *awsEndpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		a.t.Error(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case r.Header.Get("X-Amz-Target") != "":
		_, action, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		a.saw(action)
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		fmt.Fprint(w, `{"CertificateArn": "arn:aws:acm:us-east-1:444455556666:certificate/example", "Certificate": {"DomainValidationOptions": [{"DomainName": "epr.example.org", "ResourceRecord": {"Name": "_a.epr.example.org.", "Type": "CNAME", "Value": "_b.example."}}]}}`)
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/functions"):
		a.lambda(w, r, body)
	case strings.HasPrefix(r.URL.Path, "/2020-05-31/"):
		a.cloudfront(w, r, body)
	case r.Method == http.MethodPost && r.FormValue("Action") != "":
		a.query(w, r)
	default:
		a.bucket(r, body)
	}
}

// query is the protocol of STS and IAM.
func (a *awsEndpoint) query(w http.ResponseWriter, r *http.Request) {
	action := r.FormValue("Action")
	a.saw(action)
	for _, field := range []string{"AssumeRolePolicyDocument", "PolicyDocument"} {
		if text := r.FormValue(field); text != "" {
			a.policy(action+" "+field, []byte(text))
		}
	}
	result := ""
	if action == "GetCallerIdentity" {
		result = "<Account>444455556666</Account><Arn>arn:aws:iam::444455556666:user/admin</Arn><UserId>A</UserId>"
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></%[1]sResponse>", action, result)
}

func (a *awsEndpoint) bucket(r *http.Request, body []byte) {
	what := "bucket"
	for name := range r.URL.Query() {
		what = name
	}
	a.saw(r.Method + " " + what)
	if what == "policy" {
		a.policy("bucket policy", body)
	}
}

// leftover is what the guide has for readers to fill in.
var leftover = regexp.MustCompile(`[A-Z]+_(?:ARN|ID)\b|111122223333`)

// policy looks at a policy as AWS does before it takes one.
func (a *awsEndpoint) policy(what string, text []byte) {
	var p struct {
		Version   string
		Statement []struct {
			Effect    string
			Action    any
			Resource  any
			Principal any
		}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&p); err != nil || p.Version != "2012-10-17" || len(p.Statement) == 0 {
		a.t.Errorf("%s is not a policy (%v): %s", what, err, text)
	}
	for _, s := range p.Statement {
		if s.Effect != "Allow" || s.Action == nil || s.Resource == nil && s.Principal == nil {
			a.t.Errorf("%s has a statement that says nothing: %+v", what, s)
		}
	}
	if found := leftover.Find(text); found != nil {
		a.t.Errorf("%s has %s left: %s", what, found, text)
	}
}

// lambda looks at functions: each archive must hold one that Node starts.
func (a *awsEndpoint) lambda(w http.ResponseWriter, r *http.Request, body []byte) {
	if strings.HasSuffix(r.URL.Path, "/versions") {
		a.saw("POST versions")
		name := strings.Split(r.URL.Path, "/")[3]
		fmt.Fprintf(w, `{"FunctionArn": "arn:aws:lambda:us-east-1:444455556666:function:%s:1", "Version": "1"}`, name)
		return
	}
	a.saw("POST functions")
	var f struct {
		FunctionName, Handler, Runtime, Role string
		Code                                 struct{ ZipFile []byte }
	}
	if err := json.Unmarshal(body, &f); err != nil {
		a.t.Errorf("create-function: %v", err)
	}
	if f.Handler != "index.handler" || !strings.HasPrefix(f.Runtime, "nodejs") || leftover.MatchString(f.Role) {
		a.t.Errorf("create-function: handler %s, runtime %s, role %s", f.Handler, f.Runtime, f.Role)
	}
	a.startFunction(f.FunctionName, f.Code.ZipFile)
	fmt.Fprint(w, `{}`)
}

func (a *awsEndpoint) startFunction(name string, archive []byte) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		a.t.Errorf("%s: %v", name, err)
		return
	}
	dir := a.t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		a.t.Error(err)
	}
	index := filepath.Join(dir, "index.mjs")
	out, err := exec.CommandContext(a.t.Context(), "node", "--input-type=module", "-e", "const m = await import("+fmt.Sprintf("%q", "file://"+index)+"); console.log(typeof m.handler)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "function" {
		a.t.Errorf("%s does not start: %v\n%s", name, err, out)
	}
}

func (a *awsEndpoint) cloudfront(w http.ResponseWriter, r *http.Request, body []byte) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/2020-05-31/"), "/")
	what := parts[0]
	if parts[len(parts)-1] == "invalidation" {
		what = "invalidation"
	}
	a.saw(r.Method + " " + what)
	if found := leftover.Find(body); found != nil {
		a.t.Errorf("%s has %s left: %s", what, found, body)
	}
	w.Header().Set("Content-Type", "text/xml")
	switch what {
	case "cache-policy":
		fmt.Fprint(w, "<CachePolicy><Id>policy-id</Id></CachePolicy>")
	case "origin-access-control":
		fmt.Fprint(w, "<OriginAccessControl><Id>access-id</Id></OriginAccessControl>")
	case "invalidation":
		fmt.Fprint(w, "<Invalidation><Id>invalidation-id</Id></Invalidation>")
	default:
		fmt.Fprint(w, "<Distribution><Id>E1EXAMPLE</Id><DomainName>d111111abcdef8.cloudfront.net</DomainName></Distribution>")
	}
}
