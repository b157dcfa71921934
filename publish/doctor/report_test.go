package doctor

import (
	"context"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

var (
	production = Options{Role: Publisher, Environment: "production", PackageStorage: true}
	// What each role may not do, after docs/rights.md.
	asPublisher = denied("replace ", "delete packages/", "delete responses/", "delete snapshots/", "put snapshots/staging/",
		"swap environments/staging", "swap tags/staging/", "swap storage/staging/")
	asPruner = denied("put ", "replace ")
	asReader = denied("put ", "replace ", "delete ", "swap ")
)

// leases are the findings of who may hold a lease.
var leases = []string{
	"right create a lease leases/*.json: allowed",
	"right conditional create leases/*.json: the condition is kept",
	"right read leases/*.json: allowed",
	"right overwrite a lease leases/*.json: allowed",
	"right conditional overwrite leases/*.json: the condition is kept",
	"right delete a lease leases/*.json: allowed",
}

const (
	archive  = "packages/regsnap_doctor/0.0.0/*/regsnap_doctor-0.0.0.zip"
	response = "responses/*.json"
	routes   = "snapshots/production/00000101T000000Z-*/routes.json"
	foreign  = "snapshots/staging/00000101T000000Z-*/routes.json"
	first    = "000000000000" // the generation that no pointer has
)

// TestReports: what is found where every role has its rights, line by line.
func TestReports(t *testing.T) {
	list := []string{"right list environments/: allowed"}
	created := func(key string) []string {
		return []string{"right create " + key + ": allowed", "right overwrite " + key + ": refused", "right delete " + key + ": refused"}
	}
	for _, c := range []struct {
		name  string
		o     Options
		rules []rule
		want  []string
	}{
		{"publisher", production, asPublisher, slices.Concat(list, leases, created(archive), created(response), created(routes), []string{
			"right create " + foreign + ": refused",
			"right move a pointer environments/production.json: allowed",
			"right move a pointer environments/staging.json: refused",
			"right tag tags/production/regsnap-doctor-*.json: allowed",
			"right tag tags/staging/regsnap-doctor-*.json: refused",
			"right move a cursor storage/production/v2/metadata/cursor.json: allowed",
			"right create an index storage/production/v2/metadata/" + first + "/search-index-all.json: allowed",
			"right move a cursor storage/staging/v2/metadata/cursor.json: refused",
			"right create an index storage/staging/v2/metadata/" + first + "/search-index-all.json: refused",
			"note versioning : off",
		})},
		{"publisher of what is not said", Options{Role: Publisher}, asPublisher, slices.Concat(list, leases, created(archive), created(response), []string{
			"note move a pointer environments/production.json: this role can",
			"note move a pointer environments/staging.json: this role cannot",
			"note versioning : off",
		})},
		{"pruner", Options{Role: Pruner}, asPruner, slices.Concat(list, leases, []string{
			"right create " + archive + ": refused", "right delete " + archive + ": allowed",
			"right create " + response + ": refused", "right delete " + response + ": allowed",
			"right move a pointer environments/production.json: allowed",
			"right move a pointer environments/staging.json: allowed",
			"right tag tags/production/regsnap-doctor-*.json: allowed",
			"note versioning : off",
		})},
		{"pruner of an environment that is not there", Options{Role: Pruner, Environment: "new", PackageStorage: true}, asPruner, slices.Concat(list, leases, []string{
			"right create " + archive + ": refused", "right delete " + archive + ": allowed",
			"right create " + response + ": refused", "right delete " + response + ": allowed",
			"right create snapshots/new/00000101T000000Z-*/routes.json: refused", "right delete snapshots/new/00000101T000000Z-*/routes.json: allowed",
			"right move a pointer environments/production.json: allowed",
			"right move a pointer environments/staging.json: allowed",
			"right tag tags/production/regsnap-doctor-*.json: allowed",
			"note versioning : off",
		})},
		{"reader", Options{Role: Reader, PackageStorage: true}, asReader, slices.Concat(list, []string{
			"right create a lease leases/*.json: refused",
			"right create " + archive + ": refused", "right delete " + archive + ": refused",
			"right create " + response + ": refused", "right delete " + response + ": refused",
			"right move a pointer environments/production.json: refused",
			"right move a pointer environments/staging.json: refused",
			"right tag tags/production/regsnap-doctor-*.json: refused",
			"note versioning : off",
		})},
	} {
		s := newRuled(t, c.rules)
		s.settings = func() []store.Setting {
			return []store.Setting{{Name: "versioning", Verdict: store.Note, Found: "off", Fix: "switch it on"}}
		}
		before := s.keys(t)
		r, err := Examine(t.Context(), s, c.o)
		if err != nil {
			t.Fatal(err)
		}
		if got := lines(r); !slices.Equal(got, c.want) {
			t.Errorf("%s: found\n%s\nwant\n%s", c.name, strings.Join(got, "\n"), strings.Join(c.want, "\n"))
		}
		if r.Role != c.o.Role || r.Environment != c.o.Environment || r.Wrong() != 0 {
			t.Errorf("%s: a report of %q, %q, with %d wrong", c.name, r.Role, r.Environment, r.Wrong())
		}
		for _, f := range r.Findings {
			if (f.Fix == "") != (f.Verdict == store.Right || strings.HasPrefix(f.Found, "refused")) && f.Found != "off" && f.Fix != "--env NAME judges it" {
				t.Errorf("%s: %+v", c.name, f)
			}
		}
		if len(s.asked) != 1 || masked(s.asked[0]) != archive {
			t.Errorf("%s: settings are asked with %q", c.name, s.asked)
		}
		// What a publisher may not delete prune takes, of the others nothing is left.
		left := slices.DeleteFunc(s.keys(t), func(key string) bool { return slices.Contains(before, key) })
		want := 0
		if c.o.Role == Publisher {
			want = 2
			if c.o.Environment != "" {
				want = 3
			}
		}
		if len(left) != want || slices.ContainsFunc(left, func(key string) bool { return !slices.Contains([]string{archive, response, routes}, key) }) {
			t.Errorf("%s: %q is left behind", c.name, left)
		}
	}
}

// TestDifferences: one thing is otherwise than a role should have it, and so is what the
// report says of it: lines that come (+), and lines that go (-). fix is what is to be done.
func TestDifferences(t *testing.T) {
	publisher, pruner, reader := rights{production, asPublisher}, rights{Options{Role: Pruner}, asPruner}, rights{Options{Role: Reader}, asReader}
	allow := func(requests ...string) []rule { return ruled(nil, requests...) }
	careless := func(s *ruledStore) { s.carelessCreate, s.carelessOverwrite = true, true }
	for _, c := range []struct {
		name  string
		role  rights
		rules []rule
		set   func(*ruledStore)
		want  []string
		fix   string
	}{
		{"may not list", publisher, denied("list "), nil, []string{"-right list environments/: allowed", "+wrong list environments/: refused",
			// Then no other environment is known.
			"-right create " + foreign + ": refused", "+wrong create snapshots/regsnap-doctor/00000101T000000Z-*/routes.json: allowed",
			"-right move a pointer environments/staging.json: refused", "+wrong move a pointer environments/regsnap-doctor.json: allowed",
			"-right tag tags/staging/regsnap-doctor-*.json: refused", "+wrong tag tags/regsnap-doctor/regsnap-doctor-*.json: allowed",
			"-right move a cursor storage/staging/v2/metadata/cursor.json: refused", "+wrong move a cursor storage/regsnap-doctor/v2/metadata/cursor.json: allowed",
			"-right create an index storage/staging/v2/metadata/" + first + "/search-index-all.json: refused", "+wrong create an index storage/regsnap-doctor/v2/metadata/" + first + "/search-index-all.json: allowed",
		}, "allow it to list"},
		{"may not create a lease", publisher, denied("swap leases/"), nil, slices.Concat(minus(leases...), []string{"+wrong create a lease leases/*.json: refused"}, untried), "leases/*"},
		{"leases cannot be created", publisher, broken("swap leases/"), nil, slices.Concat(minus(leases...), []string{"+wrong conditional create leases/*.json: swap: out of order"}, untried), "If-None-Match"},
		{"may not delete a lease", publisher, denied("delete leases/"), nil, []string{"-" + leases[5], "+wrong delete a lease leases/*.json: refused"}, "every prune waits"},
		{"may not read a lease", publisher, denied("load leases/"), nil, slices.Concat(minus(leases[2:5]...), []string{"+wrong read leases/*.json: refused"}, untried), "read every object"},
		{"a lease is gone", publisher, ruled(fs.ErrNotExist, "load leases/"), nil, slices.Concat(minus(leases[2:5]...), []string{"+wrong read leases/*.json: refused"}, untried), "read every object"},
		{"may not overwrite a lease", publisher, denied("again leases/", "overwrite leases/"), nil, slices.Concat(minus(leases[1], leases[3], leases[4]),
			[]string{"+wrong conditional create leases/*.json: again: permission denied", "+wrong overwrite a lease leases/*.json: refused"}, untried), "overwrite and delete leases/*"},
		{"a lease that is there is out of reach", publisher, broken("again leases/"), nil, slices.Concat(minus(leases[1]), []string{"+wrong conditional create leases/*.json: again: out of order"}, untried), "If-None-Match"},
		{"leases cannot be overwritten", publisher, broken("overwrite leases/"), nil, slices.Concat(minus(leases[3], leases[4]), []string{"+wrong conditional overwrite leases/*.json: overwrite: out of order"}, untried), "If-None-Match"},
		{"no lease is as it was read", publisher, ruled(store.ErrConflict, "overwrite leases/"), nil, slices.Concat(minus(leases[3], leases[4]), []string{"+wrong conditional overwrite leases/*.json: overwrite: the pointer was moved meanwhile"}, untried), "If-None-Match"},
		{"a lease of another state is out of reach", publisher, broken("stale leases/"), nil, slices.Concat(minus(leases[4]), []string{"+wrong conditional overwrite leases/*.json: stale: out of order"}, untried), "If-None-Match"},
		{"conditions are ignored", publisher, nil, careless, slices.Concat(minus(leases[1], leases[4]), []string{
			"+wrong conditional create leases/*.json: the store ignores the condition and writes",
			"+wrong conditional overwrite leases/*.json: the store ignores the condition and writes"}, untried), "If-None-Match"},
		{"conditions of new objects are ignored", publisher, nil, func(s *ruledStore) { s.carelessCreate = true }, slices.Concat(minus(leases[1]), []string{
			"+wrong conditional create leases/*.json: the store ignores the condition and writes"}, untried), "If-None-Match"},
		{"conditions of states are ignored", publisher, nil, func(s *ruledStore) { s.carelessOverwrite = true }, slices.Concat(minus(leases[4]), []string{
			"+wrong conditional overwrite leases/*.json: the store ignores the condition and writes"}, untried), "If-None-Match"},
		{"may not create an archive", publisher, denied("put packages/"), nil, []string{"-right create " + archive + ": allowed", "+wrong create " + archive + ": refused", "-right overwrite " + archive + ": refused"}, "allow a publisher to create"},
		{"archives cannot be created", publisher, broken("put packages/"), nil, []string{"-right create " + archive + ": allowed", "+wrong create " + archive + ": put: out of order",
			"-right overwrite " + archive + ": refused", "-right delete " + archive + ": refused"}, "If-None-Match"},
		{"may not read a response", publisher, denied("open responses/"), nil, []string{"+wrong read " + response + ": refused", "-right overwrite " + response + ": refused"}, "read every object"},
		{"may overwrite routes", publisher, allow("replace snapshots/"), nil, []string{"-right overwrite " + routes + ": refused", "+wrong overwrite " + routes + ": allowed"}, "write-once|If-None-Match"},
		{"an overwrite is refused otherwise", publisher, broken("replace "), nil, nil, ""},
		{"nothing can be replaced", publisher, nil, func(s *ruledStore) { s.plain = true }, minus("right overwrite "+archive+": refused", "right overwrite "+response+": refused", "right overwrite "+routes+": refused"), ""},
		{"may delete archives", publisher, allow("delete packages/"), nil, []string{"-right delete " + archive + ": refused", "+wrong delete " + archive + ": allowed"}, "only prune deletes"},
		{"may delete archives, and may not list", publisher, allow("delete packages/"), func(s *ruledStore) { s.secretive = true }, []string{"-right delete " + archive + ": refused", "+wrong delete " + archive + ": allowed"}, "only prune deletes"},
		{"what is deleted stays", publisher, allow("delete "), func(s *ruledStore) { s.keeps = true }, nil, ""},
		{"may create in another environment", publisher, allow("put snapshots/"), nil, []string{"-right create " + foreign + ": refused", "+wrong create " + foreign + ": allowed"}, "limit it to snapshots/production/*"},
		{"what it did not create it leaves alone", publisher, broken("delete snapshots/staging/"), nil, nil, ""},
		{"may not move its pointer", publisher, denied("swap environments/production"), nil, []string{"-right move a pointer environments/production.json: allowed", "+wrong move a pointer environments/production.json: refused"}, "allow it to write environments/production.json"},
		{"may move another's pointer", publisher, allow("swap environments/"), nil, []string{"-right move a pointer environments/staging.json: refused", "+wrong move a pointer environments/staging.json: allowed"}, "take the right"},
		{"may not read a pointer", publisher, denied("load environments/staging"), nil, []string{"-right move a pointer environments/staging.json: refused", "+wrong read environments/staging.json: refused"}, "read every object"},
		{"does not tag", publisher, denied("swap tags/"), nil, []string{"-right tag tags/production/regsnap-doctor-*.json: allowed", "+note tag tags/production/regsnap-doctor-*.json: refused: right where nobody tags with this role"}, "tags/production/*, if"},
		{"may tag everywhere", publisher, allow("swap tags/"), nil, []string{"-right tag tags/staging/regsnap-doctor-*.json: refused", "+wrong tag tags/staging/regsnap-doctor-*.json: allowed"}, "take the right"},
		{"may not read a cursor", publisher, denied("load storage/production/"), nil, []string{"-right move a cursor storage/production/v2/metadata/cursor.json: allowed", "+wrong read storage/production/v2/metadata/cursor.json: refused",
			"-right create an index storage/production/v2/metadata/" + first + "/search-index-all.json: allowed"}, "read every object"},
		{"may not move its cursor", publisher, denied("swap storage/production/v2/metadata/cursor"), nil, []string{"-right move a cursor storage/production/v2/metadata/cursor.json: allowed", "+wrong move a cursor storage/production/v2/metadata/cursor.json: refused"}, "overwrite storage/production/v2/metadata/cursor.json"},
		{"may create another's index", publisher, allow("swap storage/staging/v2/metadata/0"), nil, []string{"-right create an index storage/staging/v2/metadata/" + first + "/search-index-all.json: refused",
			"+wrong create an index storage/staging/v2/metadata/" + first + "/search-index-all.json: allowed"}, "take the right"},
		{"its cursor is there", publisher, nil, indexed("production"), nil, ""},
		{"in a folder", publisher, allow("replace ", "delete ", "put ", "swap "), func(s *ruledStore) { s.folder = true }, []string{
			"-right overwrite " + archive + ": refused", "+note overwrite " + archive + ": allowed: a folder has no write-once",
			"-right overwrite " + response + ": refused", "+note overwrite " + response + ": allowed: a folder has no write-once",
			"-right overwrite " + routes + ": refused", "+note overwrite " + routes + ": allowed: a folder has no write-once",
			"-right delete " + archive + ": refused", "+note delete " + archive + ": allowed: in a folder who creates may delete",
			"-right delete " + response + ": refused", "+note delete " + response + ": allowed: in a folder who creates may delete",
			"-right delete " + routes + ": refused", "+note delete " + routes + ": allowed: in a folder who creates may delete",
			"-right create " + foreign + ": refused", "+note create " + foreign + ": allowed: a folder has no rights by key",
			"-right move a pointer environments/staging.json: refused", "+note move a pointer environments/staging.json: allowed: a folder has no rights by key",
			"-right tag tags/production/regsnap-doctor-*.json: allowed", "-right tag tags/staging/regsnap-doctor-*.json: refused",
			"-right move a cursor storage/production/v2/metadata/cursor.json: allowed", "-right create an index storage/production/v2/metadata/" + first + "/search-index-all.json: allowed",
			"-right move a cursor storage/staging/v2/metadata/cursor.json: refused", "-right create an index storage/staging/v2/metadata/" + first + "/search-index-all.json: refused",
		}, ""},
		{"a folder that may not be written to", publisher, denied("put snapshots/staging/", "swap environments/"), func(s *ruledStore) { s.folder = true }, slices.Concat([]string{
			"-right move a pointer environments/production.json: allowed", "+wrong move a pointer environments/production.json: refused",
		}, minus("right tag tags/production/regsnap-doctor-*.json: allowed", "right tag tags/staging/regsnap-doctor-*.json: refused",
			"right move a cursor storage/production/v2/metadata/cursor.json: allowed", "right create an index storage/production/v2/metadata/"+first+"/search-index-all.json: allowed",
			"right move a cursor storage/staging/v2/metadata/cursor.json: refused", "right create an index storage/staging/v2/metadata/"+first+"/search-index-all.json: refused")), "allow it to write"},
		{"prune publishes too", pruner, allow("put "), nil, []string{
			"-right create " + archive + ": refused", "+note create " + archive + ": allowed", "+right overwrite " + archive + ": refused",
			"-right create " + response + ": refused", "+note create " + response + ": allowed", "+right overwrite " + response + ": refused"}, "prune only deletes"},
		{"prune may not delete", pruner, denied("delete responses/"), nil, []string{"-right delete " + response + ": allowed", "+wrong delete " + response + ": refused"}, "allow prune to delete"},
		{"prune may overwrite", pruner, allow("put ", "replace packages/"), nil, []string{
			"-right create " + archive + ": refused", "+note create " + archive + ": allowed", "+wrong overwrite " + archive + ": allowed",
			"-right create " + response + ": refused", "+note create " + response + ": allowed", "+right overwrite " + response + ": refused"}, ""},
		{"what prune deletes stays", pruner, allow("put "), func(s *ruledStore) { s.keeps = true }, []string{
			"-right create " + archive + ": refused", "+note create " + archive + ": allowed", "+right overwrite " + archive + ": refused", "-right delete " + archive + ": allowed", "+wrong delete " + archive + ": refused",
			"-right create " + response + ": refused", "+note create " + response + ": allowed", "+right overwrite " + response + ": refused", "-right delete " + response + ": allowed", "+wrong delete " + response + ": refused"}, ""},
		{"prune in a folder", pruner, nil, func(s *ruledStore) { s.folder = true }, minus("right tag tags/production/regsnap-doctor-*.json: allowed"), ""},
		{"prune may not renew a pointer", pruner, denied("swap environments/staging"), nil, []string{"-right move a pointer environments/staging.json: allowed", "+wrong move a pointer environments/staging.json: refused"}, "it renews pointers"},
		{"prune does not tag", pruner, denied("swap tags/"), nil, []string{"-right tag tags/production/regsnap-doctor-*.json: allowed", "+note tag tags/production/regsnap-doctor-*.json: refused: right where nobody tags with this role"}, "tags/*, if"},
		{"prune with an index", pruner, nil, indexed("staging"), []string{"+right delete an index storage/staging/v2/metadata/" + first + "/search-index-all.json: allowed"}, ""},
		{"prune may not delete an index", pruner, denied("delete storage/"), indexed("staging"), []string{"+wrong delete an index storage/staging/v2/metadata/" + first + "/search-index-all.json: refused"}, "storage/"},
		{"prune where conditions are ignored", pruner, nil, careless, slices.Concat(minus(leases[1], leases[4],
			"right move a pointer environments/production.json: allowed", "right move a pointer environments/staging.json: allowed", "right tag tags/production/regsnap-doctor-*.json: allowed"), []string{
			"+wrong conditional create leases/*.json: the store ignores the condition and writes",
			"+wrong conditional overwrite leases/*.json: the store ignores the condition and writes",
			"+unknown move a pointer : not tried: without conditional writes it could not be tried safely"}), ""},
		{"a reader holds others up", reader, allow("swap leases/", "delete leases/"), nil, []string{"-right create a lease leases/*.json: refused", "+wrong create a lease leases/*.json: allowed"}, "keep prune from working"},
		{"a reader creates", reader, allow("put packages/", "delete packages/"), nil, []string{"-right create " + archive + ": refused", "+wrong create " + archive + ": allowed",
			"+right overwrite " + archive + ": refused", "-right delete " + archive + ": refused", "+wrong delete " + archive + ": allowed"}, ""},
		{"a reader moves a pointer", reader, allow("swap environments/"), nil, []string{
			"-right move a pointer environments/production.json: refused", "+wrong move a pointer environments/production.json: allowed",
			"-right move a pointer environments/staging.json: refused", "+wrong move a pointer environments/staging.json: allowed"}, "take the right to write"},
		{"a reader of a folder", reader, allow("swap environments/"), func(s *ruledStore) { s.folder = true }, []string{
			"-right move a pointer environments/production.json: refused", "+note move a pointer environments/production.json: allowed: a folder has no rights by key",
			"-right move a pointer environments/staging.json: refused", "+note move a pointer environments/staging.json: allowed: a folder has no rights by key",
			"-right tag tags/production/regsnap-doctor-*.json: refused"}, ""},
		{"a reader tags", reader, allow("swap tags/"), nil, []string{"-right tag tags/production/regsnap-doctor-*.json: refused", "+wrong tag tags/production/regsnap-doctor-*.json: allowed"}, "take the right to write tags"},
	} {
		t.Run(c.name, func(t *testing.T) {
			base, err := Examine(t.Context(), newRuled(t, c.role.rules), c.role.o)
			if err != nil {
				t.Fatal(err)
			}
			s := newRuled(t, c.rules, c.role.rules)
			if c.set != nil {
				c.set(s)
			}
			r, err := Examine(t.Context(), s, c.role.o)
			if err != nil {
				t.Fatal(err)
			}
			if got := difference(lines(base), lines(r)); !slices.Equal(got, sorted(c.want)) {
				t.Errorf("otherwise are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(sorted(c.want), "\n"))
			}
			wrong, fixed := 0, false
			for _, f := range r.Findings {
				if f.Verdict == store.Wrong {
					wrong++
				}
				for fix := range strings.SplitSeq(c.fix, "|") {
					fixed = fixed || strings.Contains(f.Fix, fix)
				}
				if f.Verdict == store.Right && f.Fix != "" || f.Verdict == store.Wrong && f.Fix == "" {
					t.Errorf("%+v", f)
				}
			}
			if wrong != r.Wrong() || !fixed {
				t.Errorf("%d are wrong, it says %d; nothing says %q", wrong, r.Wrong(), c.fix)
			}
			for _, env := range []string{"production", "staging"} {
				if body, _, err := s.Store.Load(t.Context(), layout.PointerKey(env)); err != nil || string(body) != pointerOf(env) {
					t.Errorf("the pointer of %s is %q now, %v", env, body, err)
				}
			}
		})
	}
}

// rights are a role and what it may not do.
type rights struct {
	o     Options
	rules []rule
}

// untried is what is not tried where it could do harm.
var untried = append(minus("right move a pointer environments/production.json: allowed", "right move a pointer environments/staging.json: refused",
	"right tag tags/production/regsnap-doctor-*.json: allowed", "right tag tags/staging/regsnap-doctor-*.json: refused",
	"right move a cursor storage/production/v2/metadata/cursor.json: allowed", "right create an index storage/production/v2/metadata/"+first+"/search-index-all.json: allowed",
	"right move a cursor storage/staging/v2/metadata/cursor.json: refused", "right create an index storage/staging/v2/metadata/"+first+"/search-index-all.json: refused"),
	"+unknown move a pointer : not tried: without conditional writes it could not be tried safely")

func minus(lines ...string) []string {
	var out []string
	for _, l := range lines {
		out = append(out, "-"+l)
	}
	return out
}

func sorted(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return list
}

// difference are the lines that went, and those that came.
func difference(before, after []string) []string {
	var out []string
	for _, l := range before {
		if !slices.Contains(after, l) {
			out = append(out, "-"+l)
		}
	}
	for _, l := range after {
		if !slices.Contains(before, l) {
			out = append(out, "+"+l)
		}
	}
	return sorted(out)
}

// indexed gives an environment a cursor.
func indexed(env string) func(*ruledStore) {
	return func(s *ruledStore) {
		if err := s.Store.Swap(context.Background(), layout.CursorKey(env), layout.EncodeCursor(1), ""); err != nil {
			panic(err)
		}
	}
}
