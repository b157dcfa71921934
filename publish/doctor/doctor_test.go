package doctor

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/rightsproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// quick makes one attempt: what is refused here is refused for ever.
var quick = store.Options{Retry: store.RetryPolicy{Attempts: 1}}

// wrongs are the checks that a report calls wrong, each once, without their keys.
func wrongs(r *Report) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Verdict == store.Wrong {
			out = append(out, f.Check)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// examine opens a bucket, in which production and staging are live, and examines it.
func examine(t *testing.T, owner store.Store, url string, o Options) *Report {
	t.Helper()
	for _, env := range []string{"production", "staging"} {
		if err := owner.Swap(t.Context(), layout.PointerKey(env), []byte(pointerOf(env)), ""); err != nil && !strings.Contains(err.Error(), "moved") {
			t.Fatal(err)
		}
	}
	s, err := store.Open(t.Context(), url, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	r, err := Examine(t.Context(), s, o)
	if err != nil {
		t.Fatalf("%v: %v", o, err)
	}
	for _, f := range r.Findings {
		t.Logf("%-8s %s %s: %s", f.Verdict, f.Check, f.Key, f.Found)
		if f.Verdict == store.Wrong && f.Fix == "" {
			t.Errorf("%s is wrong, and nothing says how to fix it", f.Check)
		}
	}
	// Whatever it tried, what is live stays, and nobody waits for a lease.
	for _, env := range []string{"production", "staging"} {
		if body, _, err := owner.Load(t.Context(), layout.PointerKey(env)); err != nil || string(body) != pointerOf(env) {
			t.Errorf("the pointer of %s is %q now, %v", env, body, err)
		}
	}
	for _, prefix := range []string{layout.TagsPrefix, layout.StoragePrefix} {
		for object, err := range owner.List(t.Context(), prefix) {
			if err != nil || object.Key != layout.CursorKey("production") {
				t.Errorf("%s is left behind, %v", object.Key, err)
			}
		}
	}
	return r
}

func pointerOf(env string) string { return fmt.Sprintf("{%q: 1}", env) }

func compare(t *testing.T, r *Report, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := wrongs(r); !slices.Equal(got, want) {
		t.Errorf("wrong are %q, want %q", got, want)
	}
}

const expiresAll = `<?xml version="1.0"?><LifecycleConfiguration><Rule><ID>tidy</ID><Status>Enabled</Status><Filter><Prefix>%s</Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule></LifecycleConfiguration>`

// A bucket of S3, set up right and wrong: what doctor calls wrong, and nothing else.
func TestDoctorS3(t *testing.T) {
	real := servers.StartS3(t)
	name := real.NewBucket(t)
	owner, err := store.Open(t.Context(), real.URL(name), quick)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	proxy := real.Rights(t)
	url := real.Via(proxy.Addr).URL(name)
	publisher, pruner, writeOnce := rightsproxy.FromManual(t, name)
	type rules = rightsproxy.S3Rules
	list := func(p ...rightsproxy.Policy) []rightsproxy.Policy { return p }
	settings := rightsproxy.Allow("s3:GetBucketSettings", name, "")
	once := list(writeOnce)
	without := func(p rightsproxy.Policy, action string) rightsproxy.Policy {
		p.Statement = slices.DeleteFunc(slices.Clone(p.Statement), func(s rightsproxy.Statement) bool { return slices.Contains(s.Action, action) })
		return p
	}
	// no is a policy without what it says of some keys.
	no := func(p rightsproxy.Policy, keys string) rightsproxy.Policy {
		p.Statement = slices.Clone(p.Statement)
		for i, s := range p.Statement {
			p.Statement[i].Resource = slices.DeleteFunc(slices.Clone(s.Resource), func(r string) bool { return strings.Contains(r, keys) })
		}
		return p
	}
	mine := Options{Role: Publisher, Environment: "production"}
	for _, c := range []struct {
		name  string
		o     Options
		rules rules
		want  []string
	}{
		{"right: publisher", mine, rules{Role: list(publisher, settings), Bucket: once}, nil},
		{"right: pruner", Options{Role: Pruner}, rules{Role: list(pruner), Bucket: once}, nil},
		{"right: reader", Options{Role: Reader}, rules{Role: list(rightsproxy.Allow("s3:GetObject", name, "/"), rightsproxy.Allow("s3:ListBucket", name, "")), Bucket: once}, nil},
		{"right: a rule for another prefix", mine, rules{Role: list(publisher, settings), Bucket: once, Lifecycle: fmt.Sprintf(expiresAll, "logs/")}, nil},
		{"the owner's key", mine, rules{Role: list(rightsproxy.Everything)}, []string{"create", "delete", "move a pointer", "overwrite", "tag"}},
		{"not write-once", mine, rules{Role: list(publisher)}, []string{"overwrite"}},
		{"may delete packages", mine, rules{Role: list(publisher, rightsproxy.Allow("s3:DeleteObject", name, "/packages/")), Bucket: once}, []string{"delete"}},
		{"may move every pointer", mine, rules{Role: list(publisher, rightsproxy.Allow("s3:PutObject", name, "/environments/")), Bucket: once}, []string{"move a pointer"}},
		{"may tag in every environment", mine, rules{Role: list(publisher, rightsproxy.Allow("s3:PutObject", name, "/tags/")), Bucket: once}, []string{"tag"}},
		{"right: does not tag", mine, rules{Role: list(no(publisher, "/tags/")), Bucket: once}, nil},
		{"another environment's role", Options{Role: Publisher, Environment: "staging"}, rules{Role: list(publisher), Bucket: once}, []string{"create", "move a pointer", "tag"}},
		{"may not list", mine, rules{Role: list(without(publisher, "s3:ListBucket")), Bucket: once}, []string{"list"}},
		{"may not delete leases", mine, rules{Role: list(without(publisher, "s3:DeleteObject")), Bucket: once}, []string{"delete a lease"}},
		{"may write nothing", mine, rules{Role: list(without(publisher, "s3:PutObject")), Bucket: once}, []string{"create", "create a lease"}},
		{"conditions are ignored", mine, rules{Role: list(publisher), IgnoreConditions: true}, []string{"conditional create", "conditional overwrite", "overwrite"}},
		{"conditions are refused", mine, rules{Role: list(publisher), RefuseConditions: true}, []string{"conditional create", "create"}},
		{"anyone can write", mine, rules{Role: list(publisher), Bucket: once, Anyone: list(rightsproxy.Everything)}, []string{"public access"}},
		{"a rule expires everything", mine, rules{Role: list(publisher, settings), Bucket: once, Lifecycle: fmt.Sprintf(expiresAll, "")}, []string{"lifecycle"}},
		{"a rule expires packages", mine, rules{Role: list(publisher, settings), Bucket: once, Lifecycle: fmt.Sprintf(expiresAll, "packages/n")}, []string{"lifecycle"}},
		{"the publisher's role as reader", Options{Role: Reader}, rules{Role: list(publisher), Bucket: once}, []string{"create", "create a lease", "move a pointer", "tag"}},
		{"the publisher's role as pruner", Options{Role: Pruner}, rules{Role: list(publisher), Bucket: once}, []string{"delete", "move a pointer"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy.Set(c.rules)
			compare(t, examine(t, owner, url, c.o), c.want...)
		})
	}
}

// The same of Google Cloud Storage.
func TestDoctorGCS(t *testing.T) {
	real := servers.StartGCS(t)
	name := real.NewBucket(t)
	owner, err := store.Open(t.Context(), real.URL(name), quick)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	proxy := rightsproxy.StartGCS(t, real.Addr)
	via := real.Via(proxy.Addr)
	via.Setenv(t)
	publisher, pruner := rightsproxy.GCSFromManual(t)
	type binding = rightsproxy.Binding
	with := func(b []binding, more ...binding) []binding { return append(slices.Clone(b), more...) }
	// no is bindings without what they say of some keys.
	no := func(list []binding, keys string) []binding {
		list = slices.Clone(list)
		under := func(key string) bool { return strings.HasPrefix(key, keys) }
		for i, b := range list {
			list[i].Names = slices.DeleteFunc(slices.Clone(b.Names), under)
			list[i].Prefix = slices.DeleteFunc(slices.Clone(b.Prefix), under)
		}
		return list
	}
	if err := owner.Swap(t.Context(), layout.CursorKey("production"), layout.EncodeCursor(1), ""); err != nil {
		t.Fatal(err)
	}
	mine := Options{Role: Publisher, Environment: "production"}
	indexed := mine
	indexed.PackageStorage = true
	foreign := Options{Role: Publisher, Environment: "staging", PackageStorage: true}
	for _, c := range []struct {
		name  string
		o     Options
		rules rightsproxy.GCSRules
		want  []string
	}{
		{"right: publisher", mine, rightsproxy.GCSRules{Bindings: publisher}, nil},
		{"right: pruner", Options{Role: Pruner}, rightsproxy.GCSRules{Bindings: pruner}, nil},
		{"right: reader", Options{Role: Reader}, rightsproxy.GCSRules{Bindings: []binding{{Role: "objectViewer"}}}, nil},
		{"the owner's key", mine, rightsproxy.GCSRules{Bindings: []binding{{Role: "objectUser"}}}, []string{"create", "delete", "move a pointer", "overwrite", "tag"}},
		{"right: publisher with an index", indexed, rightsproxy.GCSRules{Bindings: publisher}, nil},
		{"right: publisher without an index", mine, rightsproxy.GCSRules{Bindings: no(publisher, "storage/")}, nil},
		{"may write no index", indexed, rightsproxy.GCSRules{Bindings: no(publisher, "storage/")}, []string{"create an index", "move a cursor"}},
		{"may not move the cursor", indexed, rightsproxy.GCSRules{Bindings: no(publisher, "storage/production/v2/metadata/cursor.json")}, []string{"move a cursor"}},
		{"may write every index", indexed, rightsproxy.GCSRules{Bindings: with(publisher, binding{Role: "objectUser", Prefix: []string{"storage/"}})}, []string{"create an index", "move a cursor"}},
		{"the index of another environment", foreign, rightsproxy.GCSRules{Bindings: publisher}, []string{"create", "create an index", "move a cursor", "move a pointer", "tag"}},
		{"prune may not delete indexes", Options{Role: Pruner}, rightsproxy.GCSRules{Bindings: no(pruner, "storage/")}, []string{"delete an index"}},
		{"may tag in every environment", mine, rightsproxy.GCSRules{Bindings: with(publisher, binding{Role: "objectUser", Prefix: []string{"tags/"}})}, []string{"tag"}},
		{"right: does not tag", mine, rightsproxy.GCSRules{Bindings: no(publisher, "tags/")}, nil},
		{"right: prune does not tag", Options{Role: Pruner}, rightsproxy.GCSRules{Bindings: no(pruner, "tags/")}, nil},
		{"may delete packages", mine, rightsproxy.GCSRules{Bindings: with(publisher, binding{Role: "objectUser", Prefix: []string{"packages/"}})}, []string{"delete", "overwrite"}},
		{"may move every pointer", mine, rightsproxy.GCSRules{Bindings: with(publisher, binding{Role: "objectUser", Prefix: []string{"environments/"}})}, []string{"move a pointer"}},
		{"another environment's role", Options{Role: Publisher, Environment: "staging"}, rightsproxy.GCSRules{Bindings: publisher}, []string{"create", "move a pointer", "tag"}},
		{"may write nothing", mine, rightsproxy.GCSRules{Bindings: []binding{{Role: "objectViewer"}}}, []string{"create", "create a lease"}},
		{"conditions are ignored", mine, rightsproxy.GCSRules{Bindings: publisher, IgnoreConditions: true}, []string{"conditional create", "conditional overwrite"}},
		{"a retention policy", mine, rightsproxy.GCSRules{Bindings: publisher, Bucket: map[string]any{"retentionPolicy": map[string]any{"retentionPeriod": "3600", "effectiveTime": "2024-05-06T07:08:09Z"}}}, []string{"retention"}},
		{"a rule deletes everything", mine, rightsproxy.GCSRules{Bindings: publisher, Bucket: map[string]any{"lifecycle": map[string]any{
			"rule": []any{map[string]any{"action": map[string]any{"type": "Delete"}, "condition": map[string]any{"age": 30}}}}}}, []string{"lifecycle"}},
		{"right: a rule for another prefix", mine, rightsproxy.GCSRules{Bindings: publisher, Bucket: map[string]any{"lifecycle": map[string]any{
			"rule": []any{map[string]any{"action": map[string]any{"type": "Delete"}, "condition": map[string]any{"age": 30, "matchesPrefix": []string{"logs/"}}}}}}}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			proxy.Set(c.rules)
			compare(t, examine(t, owner, via.URL(name), c.o), c.want...)
		})
	}
}

// In a folder nothing is refused by key, which is said and is not wrong; that
// everybody may write is.
func TestDoctorFolder(t *testing.T) {
	dir := t.TempDir()
	url := "file://" + dir
	owner, err := store.Open(t.Context(), url, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	compare(t, examine(t, owner, url, Options{Role: Publisher, Environment: "production"}))
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	compare(t, examine(t, owner, url, Options{Role: Publisher, Environment: "production"}), "public access")
}
