package store

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"
	"google.golang.org/api/googleapi"
)

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

// TestGCSPublic: anyone, with an account or without, and whatever their role lets
// them do.
func TestGCSPublic(t *testing.T) {
	for _, c := range []struct {
		prevented bool
		bindings  string // role=member each; "" is a policy that may not be read
		want      string
	}{
		{true, "roles/storage.objectAdmin=allUsers", "right prevented"},
		{false, "roles/storage.objectAdmin=user:ada@example.com", "right none"},
		{false, "roles/storage.objectViewer=allUsers", "note anyone can read"},
		{false, "roles/storage.legacyObjectReader=allAuthenticatedUsers", "note anyone can read"},
		{false, "roles/storage.legacyBucketReader=allUsers", "note anyone can list and read"},
		{false, "roles/storage.objectCreator=allAuthenticatedUsers", "wrong anyone can write"},
		{false, "roles/storage.objectViewer=user:ada@example.com roles/storage.objectUser=allUsers", "wrong anyone can write"},
		{false, "", "unknown this role may not read it"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if !strings.HasSuffix(r.URL.Path, "/iam") {
				prevention := map[bool]string{true: "enforced", false: "inherited"}[c.prevented]
				fmt.Fprintf(w, `{"name": "bucket", "iamConfiguration": {"publicAccessPrevention": %q}}`, prevention)
				return
			}
			if c.bindings == "" {
				w.WriteHeader(http.StatusForbidden)
				return
			}
			var list []string
			for b := range strings.FieldsSeq(c.bindings) {
				role, member, _ := strings.Cut(b, "=")
				list = append(list, fmt.Sprintf(`{"role": %q, "members": [%q]}`, role, member))
			}
			fmt.Fprintf(w, `{"bindings": [%s]}`, strings.Join(list, ","))
		}))
		t.Setenv("STORAGE_EMULATOR_HOST", strings.TrimPrefix(server.URL, "http://"))
		u, err := url.Parse("gs://bucket?anonymous=true")
		if err != nil {
			t.Fatal(err)
		}
		s, err := openGCS(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range s.(*gcsStore).settings(t.Context(), "") {
			if got := string(setting.Verdict) + " " + setting.Found; setting.Name == "public access" && !strings.HasPrefix(got, c.want) {
				t.Errorf("%q, prevented %t: %s, want %s", c.bindings, c.prevented, got, c.want)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
	}
}

// TestFolderSettings: who may write to the folder, or to one in it.
func TestFolderSettings(t *testing.T) {
	s := newFileStore(t.TempDir())
	packages := s.file("packages")
	if err := os.Mkdir(packages, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		dir, packages os.FileMode
		want          Verdict
	}{
		{0o755, 0o755, Right}, {0o700, 0o700, Right}, {0o775, 0o755, Note}, {0o777, 0o755, Wrong}, {0o755, 0o775, Note}, {0o755, 0o757, Wrong},
		{0o777 | os.ModeSticky, 0o755, Right}, {0o777 | os.ModeSticky, 0o777, Wrong}, {0o770, 0o777, Note},
	} {
		for name, mode := range map[string]os.FileMode{s.dir: c.dir, packages: c.packages} {
			if err := os.Chmod(name, mode); err != nil {
				t.Fatal(err)
			}
		}
		got := s.settings(t.Context(), "")
		if len(got) != 1 || got[0].Verdict != c.want {
			t.Errorf("%v, and %v in it: %+v, want %s", c.dir, c.packages, got, c.want)
		}
	}
}

// answering opens a bucket of a server that answers so.
func answering(t *testing.T, answer http.HandlerFunc) *s3Store {
	t.Helper()
	return answeringAt(t, "", answer)
}

// answeringAt is answering, with more parameters of the URL.
func answeringAt(t *testing.T, more string, answer http.HandlerFunc) *s3Store {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	u, err := url.Parse("s3://bucket?region=us-east-1&use_path_style=true&endpoint=" + server.URL + more)
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
