package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/smithy-go"
	"google.golang.org/api/googleapi"

	"github.com/regsnap/regsnap/internal/retry"
	"github.com/regsnap/regsnap/layout"
)

func TestMatches(t *testing.T) {
	const sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // of abc: FIPS 180-2, B.1
	for _, c := range []struct {
		body string
		want layout.ObjectDigest
		ok   bool
	}{
		{"abc", layout.ObjectDigest{Size: 3, SHA256: sum}, true},
		{"abc", layout.ObjectDigest{Size: 2, SHA256: sum}, false},
		{"abc", layout.ObjectDigest{Size: 4, SHA256: sum}, false},
		{"abd", layout.ObjectDigest{Size: 3, SHA256: sum}, false},
		{"abc", layout.ObjectDigest{Size: 3}, false},
	} {
		if err := Matches([]byte(c.body), c.want); (err == nil) != c.ok {
			t.Errorf("%q is said to match %+v: %v", c.body, c.want, err)
		}
	}
}

// TestGCSSettings has a row for each thing that Google says of a bucket, and what that
// means for snapshots.
func TestGCSSettings(t *testing.T) {
	rules := func(more ...storage.LifecycleRule) *storage.BucketAttrs {
		return &storage.BucketAttrs{Lifecycle: storage.Lifecycle{Rules: more}}
	}
	rule := func(action string, c storage.LifecycleCondition) storage.LifecycleRule {
		return storage.LifecycleRule{Action: storage.LifecycleAction{Type: action}, Condition: c}
	}
	old := storage.LifecycleCondition{AgeInDays: 30}
	versioned := func(a *storage.BucketAttrs) *storage.BucketAttrs {
		a.VersioningEnabled = true
		return a
	}
	for _, c := range []struct {
		name string
		of   func(*storage.BucketAttrs) Setting
		is   *storage.BucketAttrs
		want Verdict
		say  string
	}{
		{"no versions", gcsVersioning, &storage.BucketAttrs{}, Note, "off"},
		{"versions", gcsVersioning, &storage.BucketAttrs{VersioningEnabled: true}, Right, "on"},
		{"soft delete", gcsVersioning, &storage.BucketAttrs{SoftDeletePolicy: &storage.SoftDeletePolicy{RetentionDuration: 7 * 24 * time.Hour}}, Right, "168h0m0s"},
		{"soft delete of no time", gcsVersioning, &storage.BucketAttrs{SoftDeletePolicy: &storage.SoftDeletePolicy{}}, Note, "off"},
		{"no rules", gcsLifecycle, rules(), Right, "nothing current"},
		{"all old objects", gcsLifecycle, rules(rule("Delete", old)), Wrong, "rule 1 (Delete)"},
		{"the second rule", gcsLifecycle, rules(rule(storage.AbortIncompleteMPUAction, old), rule("SetStorageClass", old)), Wrong, "rule 2 (SetStorageClass)"},
		{"parts of uploads", gcsLifecycle, rules(rule(storage.AbortIncompleteMPUAction, old)), Right, "nothing current"},
		{"archived", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{Liveness: storage.Archived})), Right, "nothing current"},
		{"newer versions", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{NumNewerVersions: 1})), Right, "nothing current"},
		{"days noncurrent", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{DaysSinceNoncurrentTime: 1})), Right, "nothing current"},
		{"archived, then all", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{NumNewerVersions: 1}), rule("Delete", old)), Wrong, "rule 2"},
		{"uploads, then all", gcsLifecycle, rules(rule(storage.AbortIncompleteMPUAction, old), rule("Delete", old)), Wrong, "rule 2"},
		{"another prefix", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"logs/"}})), Right, "nothing current"},
		{"another prefix, then all", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"logs/"}}), rule("Delete", old)), Wrong, "rule 2"},
		{"our prefix", gcsLifecycle, rules(rule("Delete", storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"logs/", "packages/"}})), Wrong, "rule 1"},
		{"versions that stay", gcsLifecycle, versioned(rules()), Note, "noncurrent"},
		{"versions that go", gcsLifecycle, versioned(rules(rule("Delete", storage.LifecycleCondition{DaysSinceNoncurrentTime: 1}))), Right, "nothing current"},
		{"Google's key", gcsEncryption, &storage.BucketAttrs{}, Right, "Google's"},
		{"no key of one's own", gcsEncryption, &storage.BucketAttrs{Encryption: &storage.BucketEncryption{}}, Right, "Google's"},
		{"a key of one's own", gcsEncryption, &storage.BucketAttrs{Encryption: &storage.BucketEncryption{DefaultKMSKeyName: "k"}}, Right, "of your own"},
		{"no retention", gcsRetention, &storage.BucketAttrs{}, Right, "no policy"},
		{"retention", gcsRetention, &storage.BucketAttrs{RetentionPolicy: &storage.RetentionPolicy{RetentionPeriod: time.Hour}}, Wrong, "1h0m0s"},
		{"retention of no time", gcsRetention, &storage.BucketAttrs{RetentionPolicy: &storage.RetentionPolicy{}}, Right, "no policy"},
		{"held", gcsRetention, &storage.BucketAttrs{DefaultEventBasedHold: true}, Wrong, "held"},
	} {
		got := c.of(c.is)
		if got.Verdict != c.want || !strings.Contains(got.Found, c.say) {
			t.Errorf("%s: %s, %q; want %s, %q", c.name, got.Verdict, got.Found, c.want, c.say)
		}
		if (got.Fix == "") != (got.Verdict == Right) {
			t.Errorf("%s: %s, to do: %q", c.name, got.Verdict, got.Fix)
		}
	}
}

// TestPublicAccess: the worst that anyone can do decides.
func TestPublicAccess(t *testing.T) {
	for p, want := range map[publicAccess]string{
		{}:                                    "right none",
		{Read: true}:                          "note anyone can read",
		{List: true}:                          "note anyone can list and read",
		{Read: true, List: true}:              "note anyone can list and read",
		{Write: true}:                         "wrong anyone can write",
		{Read: true, List: true, Write: true}: "wrong anyone can write",
	} {
		if s := p.setting(); !strings.HasPrefix(string(s.Verdict)+" "+s.Found, want) {
			t.Errorf("%+v: %s %s, want %s", p, s.Verdict, s.Found, want)
		}
	}
	if s := untold("x", &googleapi.Error{Code: http.StatusForbidden}); s.Verdict != Unknown || !strings.Contains(s.Found, "may not") {
		t.Errorf("what may not be read: %+v", s)
	}
	if s := untold("x", &googleapi.Error{Code: http.StatusNotFound}); s.Verdict != Unknown || !strings.Contains(s.Found, "does not tell") {
		t.Errorf("what the store does not know: %+v", s)
	}
}

// TestS3Settings asks a server that answers as the reference of S3's API shows.
func TestS3Settings(t *testing.T) {
	const ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	on := "<VersioningConfiguration" + ns + "><Status>Enabled</Status></VersioningConfiguration>"
	suspended := "<VersioningConfiguration" + ns + "><Status>Suspended</Status></VersioningConfiguration>"
	rules := func(rules ...string) string {
		return "<LifecycleConfiguration" + ns + ">" + strings.Join(rules, "") + "</LifecycleConfiguration>"
	}
	rule := func(status, more string) string {
		return "<Rule><ID>r</ID><Status>" + status + "</Status>" + more + "</Rule>"
	}
	const aborts = "<AbortIncompleteMultipartUpload><DaysAfterInitiation>1</DaysAfterInitiation></AbortIncompleteMultipartUpload>"
	const noncurrent = "<NoncurrentVersionExpiration><NoncurrentDays>1</NoncurrentDays></NoncurrentVersionExpiration>"
	const expires = "<Expiration><Days>9</Days></Expiration>"
	all := "<Filter/>"
	for _, c := range []struct {
		name    string
		answers map[string]string // by the query that asks; "" is an answer 403
		want    string            // versioning, lifecycle, encryption
		say     string
	}{
		{"nothing is set", nil, "note note note", ""},
		{"versions", map[string]string{"versioning": on}, "right note note", ""},
		{"suspended", map[string]string{"versioning": suspended}, "note note note", ""},
		{"uploads are aborted", map[string]string{"lifecycle": rules(rule("Enabled", all+aborts))}, "note right note", ""},
		{"a rule that is off", map[string]string{"lifecycle": rules(rule("Disabled", all+aborts+expires))}, "note note note", ""},
		{"versions that stay", map[string]string{"versioning": on, "lifecycle": rules(rule("Enabled", all+aborts))}, "right note note", "noncurrent"},
		{"versions that go", map[string]string{"versioning": on, "lifecycle": rules(rule("Enabled", all+aborts), rule("Enabled", all+noncurrent))}, "right right note", ""},
		{"all expires", map[string]string{"lifecycle": rules(rule("Enabled", all+expires), rule("Enabled", all+aborts))}, "note wrong note", `"r"`},
		{"expires at a date", map[string]string{"lifecycle": rules(rule("Enabled", all+"<Expiration><Date>2030-01-01T00:00:00Z</Date></Expiration>"))}, "note wrong note", ""},
		{"markers of what was deleted expire", map[string]string{"lifecycle": rules(rule("Enabled", all+aborts+"<Expiration><ExpiredObjectDeleteMarker>true</ExpiredObjectDeleteMarker></Expiration>"))}, "note right note", ""},
		{"moves to glacier", map[string]string{"lifecycle": rules(rule("Enabled", all+"<Transition><Days>1</Days><StorageClass>GLACIER</StorageClass></Transition>"))}, "note wrong note", ""},
		{"ours expires", map[string]string{"lifecycle": rules(rule("Enabled", "<Filter><Prefix>packages/</Prefix></Filter>"+expires))}, "note wrong note", ""},
		{"others expire", map[string]string{"lifecycle": rules(rule("Enabled", "<Filter><Prefix>logs/</Prefix></Filter>"+expires+aborts))}, "note right note", ""},
		{"others expire, of two conditions", map[string]string{"lifecycle": rules(rule("Enabled", "<Filter><And><Prefix>logs/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>"+expires+aborts))}, "note right note", ""},
		{"ours expires, of two conditions", map[string]string{"lifecycle": rules(rule("Enabled", "<Filter><And><Prefix>packages/</Prefix><Tag><Key>a</Key><Value>b</Value></Tag></And></Filter>"+expires))}, "note wrong note", ""},
		{"others expire, in the old way", map[string]string{"lifecycle": rules(rule("Enabled", "<Prefix>logs/</Prefix>"+expires+aborts))}, "note right note", ""},
		{"encrypted", map[string]string{"encryption": "<ServerSideEncryptionConfiguration" + ns + "><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>"}, "note note right", "aws:kms"},
		{"a rule of no encryption", map[string]string{"encryption": "<ServerSideEncryptionConfiguration" + ns + "><Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule></ServerSideEncryptionConfiguration>"}, "note note note", ""},
		{"nothing may be read", map[string]string{"versioning": "", "lifecycle": "", "encryption": ""}, "unknown unknown unknown", "may not read"},
	} {
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			for what, missing := range map[string]string{"versioning": "", "lifecycle": "NoSuchLifecycleConfiguration", "encryption": "ServerSideEncryptionConfigurationNotFoundError"} {
				if !r.URL.Query().Has(what) {
					continue
				}
				body, told := c.answers[what]
				switch {
				case told && body == "":
					s3Answer(w, http.StatusForbidden, "AccessDenied")
				case told:
					fmt.Fprint(w, body)
				case missing == "":
					fmt.Fprint(w, "<VersioningConfiguration"+ns+"/>")
				default:
					s3Answer(w, http.StatusNotFound, missing)
				}
				return
			}
			s3Answer(w, http.StatusForbidden, "AccessDenied") // to anyone
		})
		var verdicts, found []string
		for _, setting := range s.settings(t.Context(), "environments/a.json") {
			if setting.Name != "public access" {
				verdicts, found = append(verdicts, string(setting.Verdict)), append(found, setting.Found)
			} else if setting.Verdict != Right {
				t.Errorf("%s: %+v", c.name, setting)
			}
		}
		if got := strings.Join(verdicts, " "); got != c.want || !strings.Contains(strings.Join(found, "\n"), c.say) {
			t.Errorf("%s: %s (%q), want %s (%q)", c.name, got, found, c.want, c.say)
		}
	}
}

// TestS3Public tries what anyone may do: without credentials, and writing nothing.
func TestS3Public(t *testing.T) {
	for _, c := range []struct{ read, list, write int }{
		{403, 403, 403}, {200, 403, 403}, {403, 200, 403}, {200, 200, 412}, {200, 200, 200}, {404, 403, 403}, {403, 403, 409},
	} {
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				t.Errorf("%s %s is signed", r.Method, r.URL)
			}
			status, code := c.list, "AccessDenied"
			switch {
			case r.Method == http.MethodPut:
				if r.Header.Get("If-None-Match") != "*" {
					t.Error("a write without a condition")
				}
				if status = c.write; status == http.StatusPreconditionFailed {
					code = "PreconditionFailed"
				}
			case strings.Contains(r.URL.Path, "environments/"):
				status = c.read
			}
			if status == http.StatusOK {
				fmt.Fprint(w, "<ListBucketResult/>")
				return
			}
			s3Answer(w, status, code)
		})
		got := s.public(t.Context(), "environments/a.json")
		if want := (publicAccess{Read: c.read == 200, List: c.list == 200, Write: c.write == 200 || c.write == 412}); got != want {
			t.Errorf("answers %+v: %+v, want %+v", c, got, want)
		}
	}
}

// answering opens a bucket of a server that answers so.
func answering(t *testing.T, answer http.HandlerFunc) *s3Store {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	u, err := url.Parse("s3://bucket?region=us-east-1&use_path_style=true&endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := openS3(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s.(*s3Store)
}

func s3Answer(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>as the test wanted</Message></Error>", code)
}

// TestTroubleByError has the errors that look like another kind, by one of their parts.
func TestTroubleByError(t *testing.T) {
	message := func(status int, code, text string) error {
		return s3ErrorSaying(status, &smithy.GenericAPIError{Code: code, Message: text})
	}
	for _, c := range []struct {
		what, place, request string
		err                  error
		kind                 string
	}{
		{"an expired request", "s3://b", "read x", message(403, "AccessDenied", "Request has expired"), "clock"},
		{"a request that is not valid yet", "s3://b", "read x", message(403, "AccessDenied", "Request is not yet valid"), "clock"},
		{"the text, of another code", "s3://b", "read x", message(403, "Forbidden", "Request has expired"), "permission"},
		{"the code, of another text", "s3://b", "read x", message(403, "AccessDenied", "no"), "permission"},
		{"in the future", "s3://b", "read x", message(403, "RequestInTheFuture", ""), "clock"},
		{"GCS: no such bucket", "gs://b", "read x", &googleapi.Error{Code: 404, Message: "The specified bucket does not exist."}, "bucket"},
		{"GCS: no such bucket, in the body", "gs://b", "read x", &googleapi.Error{Code: 404, Body: "The specified bucket does not exist."}, "bucket"},
		{"GCS: the text, of another status", "gs://b", "read x", &googleapi.Error{Code: 403, Message: "The specified bucket does not exist."}, "permission"},
		{"GCS: no such object", "gs://b", "read x", &googleapi.Error{Code: 404, Message: "No such object"}, ""},
		{"GCS: not known", "gs://b", "read x", &googleapi.Error{Code: 401}, "keys"},
		{"not known", "s3://b", "read x", message(401, "Unauthorized", ""), "keys"},
		{"a redirect", "s3://b", "read x", message(301, "Moved", ""), "region"},
		{"no such bucket", "s3://b", "read x", message(404, "NoSuchBucket", ""), "bucket"},
		{"not implemented: a write", "s3://b", "write x", message(501, "NotImplemented", ""), "conditions"},
		{"not implemented: a read", "s3://b", "read x", message(501, "NotImplemented", ""), ""},
		{"an answer of no store", "s3://b", "read x", message(404, "UnknownError", ""), "endpoint"},
		{"an answer of no store: its status by name", "s3://b", "read x", message(404, "NotFound", ""), "endpoint"},
		{"an answer of no store, status 499", "s3://b", "read x", message(499, "UnknownError", ""), "endpoint"},
		{"an answer of the store, status 500", "s3://b", "read x", message(500, "UnknownError", ""), ""},
		{"an answer of status 299", "s3://b", "read x", message(299, "UnknownError", ""), ""},
		{"an answer of status 300", "s3://b", "read x", message(300, "UnknownError", ""), "endpoint"},
		{"not allowed", "s3://b", "read x", message(405, "MethodNotAllowed", ""), "endpoint"},
		{"what cannot be parsed", "s3://b", "read x", &smithy.DeserializationError{Err: errors.New("no XML")}, "endpoint"},
		{"busy, gave up", "s3://b", "read x", retry.GaveUp(3, message(503, "SlowDown", "")), "busy"},
		{"busy, once", "s3://b", "read x", message(503, "SlowDown", ""), ""},
		{"cancelled", "s3://b", "read x", context.Canceled, ""},
	} {
		var got *Trouble
		kind := ""
		if errors.As(trouble(c.place, c.request, c.err), &got) {
			kind = got.Kind
		}
		if kind != c.kind {
			t.Errorf("%s: %q, want %q", c.what, kind, c.kind)
		}
	}
	for _, c := range []struct {
		place, request string
		s3             bool
	}{{"s3://b", "read x", true}, {"s3://b", "write x", false}, {"gs://b", "read x", false}} {
		var got *Trouble
		if !errors.As(trouble(c.place, c.request, &googleapi.Error{Code: 403}), &got) || strings.Contains(got.Advice, "s3:ListBucket") != c.s3 {
			t.Errorf("%s of %s: %+v", c.request, c.place, got)
		}
	}
}

// TestFileDir: a folder is named by three slashes, or from where one stands.
func TestFileDir(t *testing.T) {
	for rawURL, want := range map[string]string{
		"file:///a/b/":         "/a/b",
		"file://localhost/a":   "/a",
		"file://./a/b":         "a/b",
		"file://./a/../b":      "b",
		"file://host/a":        "",
		"file://a/b?create=no": "",
	} {
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := fileDir(u); filepath.ToSlash(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s is %q, %v; want %q", rawURL, got, err, want)
		}
	}
}

// TestSweepFolders: what is empty goes, at any depth, and nothing else.
func TestSweepFolders(t *testing.T) {
	s := newFileStore(t.TempDir())
	for _, folder := range []string{"packages/a/1.0.0/x", "packages/b/1.0.0", "snapshots/production/1", "responses/x", "other/empty"} {
		if err := os.MkdirAll(filepath.Join(s.dir, folder), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	putFile(t, s, layout.Object{Key: "packages/b/1.0.0/f", Body: []byte("x")})
	if err := s.sweepFolders(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left []string
	if err := filepath.WalkDir(s.dir, func(name string, d os.DirEntry, err error) error {
		if rel, _ := filepath.Rel(s.dir, name); err == nil && rel != "." {
			left = append(left, filepath.ToSlash(rel))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if want := []string{"other", "other/empty", "packages", "packages/b", "packages/b/1.0.0", "packages/b/1.0.0/f", "responses", "snapshots"}; !slices.Equal(left, want) {
		t.Errorf("left are %q, want %q", left, want)
	}
}

// TestMeanings: what an answer means for an object.
func TestMeanings(t *testing.T) {
	s := answering(t, func(http.ResponseWriter, *http.Request) {})
	reading := func(op string, err error) error {
		var whole *smithy.OperationError
		errors.As(err, &whole)
		whole.OperationName = op
		return err
	}
	anyone := *s
	anyone.anonymous = true
	for _, c := range []struct {
		of   *s3Store
		err  error
		want error // an explanation stands for any
	}{
		{s, s3Error(404, "NoSuchKey"), fs.ErrNotExist},
		{s, s3Error(404, "NotFound"), fs.ErrNotExist},
		{s, s3Error(404, "NoSuchBucket"), nil},
		{s, s3Error(404, "NoSuchUpload"), nil},
		{s, s3Error(403, "AccessDenied"), nil},
		{s, reading("GetObject", s3Error(403, "AccessDenied")), explanation("")},
		{s, reading("HeadObject", s3Error(403, "AccessDenied")), explanation("")},
		{s, reading("ListObjectsV2", s3Error(403, "AccessDenied")), nil},
		{s, reading("GetObject", s3Error(401, "AccessDenied")), nil},
		{&anyone, s3Error(403, "AccessDenied"), fs.ErrNotExist},
		{&anyone, s3Error(401, "AccessDenied"), nil},
		{s, s3Error(416, "InvalidRange"), errShort},
		{s, s3Error(412, "PreconditionFailed"), errRefused},
		{s, s3Error(304, "NotModified"), errRefused},
		{s, s3Error(409, "ConditionalRequestConflict"), nil},
		{s, s3Error(500, "InternalError"), nil},
	} {
		got := c.of.means(c.err)
		_, explains := got.(explanation)
		if _, any := c.want.(explanation); any && !explains || !any && got != c.want {
			t.Errorf("%v means %v, want %v", c.err, got, c.want)
		}
	}
	u, err := url.Parse("gs://bucket?anonymous=true")
	if err != nil {
		t.Fatal(err)
	}
	gcs, err := openGCS(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	defer gcs.Close()
	for _, c := range []struct {
		err, want error
	}{
		{storage.ErrObjectNotExist, fs.ErrNotExist},
		{&googleapi.Error{Code: 404, Message: "No such object"}, fs.ErrNotExist},
		{&googleapi.Error{Code: 404, Message: "The specified bucket does not exist."}, nil},
		{storage.ErrBucketNotExist, nil},
		{&googleapi.Error{Code: 416}, errShort},
		{&googleapi.Error{Code: 412}, errRefused},
		{&googleapi.Error{Code: 403}, nil},
		{&googleapi.Error{Code: 503}, nil},
	} {
		if got := gcs.(*gcsStore).meaning(c.err); got != c.want {
			t.Errorf("%v means %v, want %v", c.err, got, c.want)
		}
	}
	if err := gcs.Swap(t.Context(), "environments/a.json", nil, "no number"); err == nil || !strings.Contains(err.Error(), "generation") {
		t.Errorf("a token that is no generation: %v", err)
	}
}

// TestNoETag: a pointer whose state the store does not tell cannot be changed safely.
func TestNoETag(t *testing.T) {
	for etag, ok := range map[string]bool{"": false, `"a"`: true, `W/"a"`: true} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			if etag != "" {
				w.Header().Set("ETag", etag)
			}
			fmt.Fprint(w, "{}")
		})
		_, token, err := s.Load(t.Context(), "environments/a.json")
		if (err == nil) != ok || ok && token != `"a"` {
			t.Errorf("an ETag of %q: token %q, %v", etag, token, err)
		}
	}
}

// TestBatchesThatFailInPart: what S3 did not delete is asked for alone, whose error says why.
func TestBatchesThatFailInPart(t *testing.T) {
	for status, ok := range map[int]bool{http.StatusNoContent: true, http.StatusNotFound: true, http.StatusForbidden: false} {
		asked := ""
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				fmt.Fprint(w, `<DeleteResult><Error><Key>b</Key><Code>InternalError</Code></Error></DeleteResult>`)
				return
			}
			asked += r.Method + " " + r.URL.Path
			s3Answer(w, status, "AccessDenied")
		})
		once, err := s.deleteBatch(t.Context(), []string{"a", "b"})
		if asked != "DELETE /bucket/b" || (err == nil) != ok || once != ok {
			t.Errorf("answered %d: asked %q, in one request %t, %v", status, asked, once, err)
		}
	}
	for status, class := range map[int]error{http.StatusNotImplemented: ErrUnsupported, http.StatusServiceUnavailable: nil} {
		s := answering(t, func(w http.ResponseWriter, _ *http.Request) {
			s3Answer(w, status, strings.ReplaceAll(http.StatusText(status), " ", ""))
		})
		once, err := s.deleteBatch(t.Context(), []string{"a", "b"})
		if err == nil || errors.Is(err, ErrUnsupported) != (class != nil) || once != (class != nil) {
			t.Errorf("answered %d: in one request %t, %v", status, once, err)
		}
	}
}

// TestTuneTransport: a transport that has no dialer of its own gets one, whose connections
// are watched.
func TestTuneTransport(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "x") }))
	defer server.Close()
	transport := &http.Transport{}
	tuneTransport(transport)
	c, err := transport.DialContext(t.Context(), "tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	if w, ok := c.(*watchedConn); !ok || w.silence != silence {
		t.Errorf("the connection is %T", c)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if _, err := transport.DialContext(t.Context(), "tcp", "127.0.0.1:1"); err == nil {
		t.Error("a connection to nobody")
	}
	if !transport.DisableCompression || transport.MaxIdleConnsPerHost != idleConnections {
		t.Errorf("%+v", transport)
	}
}
