package lint_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/index/lint"
)

var (
	production = lint.Branch{Name: "production", Overwrite: lint.Never}
	staging    = lint.Branch{Name: "staging", Overwrite: lint.IfNeeded, Above: []lint.Branch{production}}
	snapshot   = lint.Branch{Name: "snapshot", Overwrite: lint.Always}
	// middle is staging with both its neighbours, bottom is snapshot with those above it.
	middle = lint.Branch{Name: "staging", Overwrite: lint.IfNeeded, Above: []lint.Branch{production}, Below: []lint.Branch{snapshot}}
	bottom = lint.Branch{Name: "snapshot", Overwrite: lint.Always, Above: []lint.Branch{production, {Name: "staging", Overwrite: lint.IfNeeded}}}
)

var pkg = indextest.Package

// found are findings, "error: " or "warning: " each, in their order.
func found(f index.Findings) []string {
	var out []string
	for _, p := range f.Errors {
		out = append(out, "error: "+p.String())
	}
	for _, p := range f.Warnings {
		out = append(out, "warning: "+p.String())
	}
	return out
}

// same compares findings with those wanted, each of which may be a part of one.
func same(got, want []string) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if !strings.Contains(got[i], want[i]) {
			return false
		}
	}
	return true
}

func parse(t *testing.T, id string) index.ID {
	t.Helper()
	parsed, err := index.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// pushed lints the last commit of a branch.
func pushed(t *testing.T, repo *indextest.Repo, b lint.Branch, change func(*lint.Options)) (*lint.Result, error) {
	t.Helper()
	o := lint.Options{
		Source: open(t, repo.Dir), Branch: b,
		Base: parse(t, repo.Git("", "rev-parse", b.Name+"^")), Head: parse(t, repo.Git("", "rev-parse", b.Name)),
	}
	if change != nil {
		change(&o)
	}
	return lint.Lint(t.Context(), o)
}

// The rules of docs/rules.md, "What a push may do to a branch", for each kind of branch.
func TestPush(t *testing.T) {
	v1, v2, other := pkg("web", "1.0.0", "web"), pkg("web", "2.0.0", "web"), pkg("web", "1.0.0", "another")
	const db = "-- packages/db/1.0.0/manifest.yml --\nformat_version: 1.0.0\nname: db\ntitle: db\nversion: 1.0.0\ndescription: db\nowner.github: acme/db\n-- packages/db/1.0.0/docs/README.md --\n# db\n"
	const is = ": web-1.0.0: packages/web/1.0.0: "
	for name, c := range map[string]struct {
		branch                      lint.Branch
		before, after               string
		production, staging, bottom string
		want                        []string
	}{
		"never, changed":         {production, v1, other, "", "", "", []string{"error: production" + is + "is changed, but production never changes a released version: restore it, and release the change as a new version [version-overwritten]"}},
		"never, removed":         {production, v1 + db, db, "", "", "", []string{"error: production" + is + "is removed, but production never loses a released version: restore it, and deprecate the package if it must not be used [version-removed]"}},
		"never, added":           {production, v1, v1 + v2, "", "", "", nil},
		"never, also below":      {lint.Branch{Name: "production", Overwrite: lint.Never, Below: []lint.Branch{staging}}, v1, v1 + v2, "", v2, "", nil},
		"if needed, changed":     {staging, v1, other, "", "", "", []string{"warning: staging" + is + "is changed: staging allows it if needed; those who have the version installed keep the old content [version-overwritten]"}},
		"if needed, removed":     {staging, v1 + db, db, "", "", "", nil},
		"if needed, added":       {staging, db, db + v1, "", "", "", nil},
		"always, changed":        {snapshot, v1, other, "", "", "", nil},
		"always, removed":        {snapshot, v1 + db, db, "", "", "", nil},
		"hidden":                 {middle, db, db + other, v1, "", "", []string{"warning: staging" + is + "production holds this version, with another content: nobody will see this one; take the next version number, or leave it out [version-hidden]"}},
		"hidden, the same":       {middle, db, db + v1, v1, "", "", []string{"warning: staging" + is + "production holds this version, with the same content: nobody will see this one"}},
		"twice, above":           {bottom, db, db + other, "", v1, "", []string{"warning: snapshot" + is + "staging holds this version too, with another content: the one there is shown; promote one and remove the other [version-twice]"}},
		"twice, above, the same": {bottom, db, db + v1, "", v1, "", []string{"staging holds this version too, with the same content: the one there is shown"}},
		"twice, below":           {middle, db, db + other, "", "", v1, []string{"warning: staging" + is + "snapshot holds this version too, with another content: this one is shown; remove the other [version-twice]"}},
		"in order of versions": {middle, db, db + v1 + pkg("web", "1.1.0", "web"), v1 + pkg("web", "1.1.0", "web") + v2, "", "", []string{
			"web-1.0.0: packages/web/1.0.0: production holds", "web-1.0.0: packages/web/1.0.0: production holds", "web-1.1.0: packages/web/1.1.0: production holds", "web-1.1.0: packages/web/1.1.0: production holds"}},
		"removed, and also above":      {bottom, db + v1, db, v1, v1, "", nil},
		"unchanged, and also above":    {bottom, v1, v1 + db, v1, "", "", nil},
		"older than in the branch":     {staging, v2, v2 + v1, "", "", "", []string{"warning: staging" + is + "staging holds the newer 2.0.0 already: those who can use both will not be offered this one [version-downgrade]"}},
		"older than above":             {middle, db, db + v1, v2, "", "", []string{"warning: staging" + is + "production holds the newer 2.0.0 already"}},
		"older than the newest of two": {bottom, db, db + v1, v2, pkg("web", "3.0.0", "web"), "", []string{"warning: snapshot" + is + "staging holds the newer 3.0.0 already"}},
		"older than the first of two":  {bottom, db, db + v1, pkg("web", "3.0.0", "web"), v2, "", []string{"warning: snapshot" + is + "production holds the newer 3.0.0 already"}},
		"older than below":             {middle, db, db + v1, "", "", v2, nil},
		"older than another package":   {middle, pkg("db", "2.0.0", "db"), pkg("db", "2.0.0", "db") + v1, "", "", "", nil},
		"newer than both":              {middle, v1, v1 + v2, pkg("web", "1.5.0", "web"), "", "", nil},
		"older, but only changed":      {snapshot, v1 + v2, other + v2, "", "", "", nil},
		"older than what went":         {staging, v2 + db, v1 + db, "", "", "", []string{"staging holds the newer 2.0.0 already"}},
	} {
		repo := indextest.NewRepo(t)
		for branch, files := range map[string]string{"production": c.production, "staging": c.staging, "snapshot": c.bottom} {
			if files != "" {
				repo.Commit(branch, "b", files)
			}
		}
		repo.Commit(c.branch.Name, "before", c.before)
		repo.Commit(c.branch.Name, "after", c.after)
		r, err := pushed(t, repo, c.branch, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := found(r.Report); !same(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		for _, p := range slices.Concat(r.Report.Errors, r.Report.Warnings) {
			if p.Owner != "acme/web" || p.Commit == nil || p.Commit.Subject != "after" {
				t.Errorf("%s: whom to ask: %q, %+v", name, p.Owner, p.Commit)
			}
		}
		if r.Branch != c.branch.Name || r.Base.Subject != "before" || r.Head.Subject != "after" {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

// A proposal answers for what it changed since it parted from its branch, and not for
// what came there since: a version that the branch has already is no change, and one
// that went there is not put back.
func TestProposed(t *testing.T) {
	v1, v2, v3 := pkg("web", "1.0.0", "web"), pkg("web", "2.0.0", "web"), pkg("web", "3.0.0", "web")
	for name, c := range map[string]struct {
		start, proposal, branch string
		proposed                bool
		changes                 string
		want                    []string
	}{
		"what came since":         {v1, v1 + v2, v1 + v3, true, "+2.0.0", []string{"web-2.0.0: packages/web/2.0.0: production holds the newer 3.0.0 already"}},
		"no proposal":             {v1, v1 + v2, v1 + v3, false, "+2.0.0 -3.0.0", []string{"web-3.0.0: packages/web/3.0.0: is removed", "holds the newer 3.0.0"}},
		"it is there already":     {v1, v1 + v2, v1 + v2, true, "", nil},
		"it went already":         {v1 + v2, v1, v1 + v3, true, "", nil},
		"it is there otherwise":   {v1, v1 + v2, v1 + pkg("web", "2.0.0", "another"), true, "~2.0.0", []string{"error: production: web-2.0.0: packages/web/2.0.0: is changed"}},
		"it changed to the same":  {v1 + v2, v1 + pkg("web", "2.0.0", "x"), v1 + pkg("web", "2.0.0", "x"), true, "", nil},
		"removed, and still here": {v1 + v2, v1, v1 + v2 + v3, true, "-2.0.0", []string{"error: production: web-2.0.0: packages/web/2.0.0: is removed"}},
	} {
		repo := indextest.NewRepo(t)
		start := repo.Commit("production", "start", c.start)
		repo.Git("", "update-ref", "refs/heads/proposal", start)
		head := repo.Commit("proposal", "proposal", c.proposal)
		base := repo.Commit("production", "since", c.branch)
		o := lint.Options{Source: open(t, repo.Dir), Branch: production, Base: parse(t, base), Head: parse(t, head), Proposed: c.proposed}
		r, err := lint.Lint(t.Context(), o)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var changes []string
		for _, change := range r.Changes {
			mark := "~"
			if change.Added() {
				mark = "+"
			} else if change.Removed() {
				mark = "-"
			}
			changes = append(changes, mark+change.Entry().Version)
		}
		if strings.Join(changes, " ") != c.changes || !same(found(r.Report), c.want) {
			t.Errorf("%s: changes %q, %q, want %q, %q", name, changes, found(r.Report), c.changes, c.want)
		}
	}
}

// What the branch has by now is looked at, so that it must be there.
func TestProposedLacks(t *testing.T) {
	repo := indextest.NewRepo(t)
	start := repo.Commit("production", "start", pkg("web", "1.0.0", "web"))
	repo.Git("", "update-ref", "refs/heads/proposal", start)
	head := repo.Commit("proposal", "proposal", pkg("web", "1.0.0", "web")+pkg("web", "2.0.0", "web"))
	base := repo.Commit("production", "since", pkg("web", "1.0.0", "web")+pkg("web", "3.0.0", "web"))
	repo.Remove(repo.Git("", "rev-parse", base+":packages/web"))
	o := lint.Options{Source: open(t, repo.Dir), Branch: production, Base: parse(t, base), Head: parse(t, head), Proposed: true}
	if r, err := lint.Lint(t.Context(), o); err == nil || r != nil {
		t.Errorf("%+v, %v", r, err)
	}
}

// Without a common commit it cannot be told what a proposal changed.
func TestNoCommon(t *testing.T) {
	repo := indextest.NewRepo(t)
	base := repo.Commit("production", "p", pkg("web", "1.0.0", "web"))
	head := repo.Commit("other", "o", pkg("web", "2.0.0", "web"))
	o := lint.Options{Source: open(t, repo.Dir), Branch: production, Base: parse(t, base), Head: parse(t, head), Proposed: true}
	if _, err := lint.Lint(t.Context(), o); !errors.Is(err, lint.ErrNoCommon) || !strings.Contains(err.Error(), base[:12]+" and "+head[:12]+" have none here") {
		t.Errorf("%v", err)
	}
	o.Head = parse(t, strings.Repeat("12", 20))
	if _, err := lint.Lint(t.Context(), o); err == nil || errors.Is(err, lint.ErrNoCommon) {
		t.Errorf("a commit that is not there: %v", err)
	}
	o.Proposed = false
	if _, err := lint.Lint(t.Context(), o); err == nil {
		t.Error("a commit that is not there")
	}
}

// Tips count instead of where the other branches are; zero is a branch that is not there.
// A branch that cannot be read is an error, one that is not there is empty.
func TestTips(t *testing.T) {
	v1 := pkg("web", "1.0.0", "web")
	repo := indextest.NewRepo(t)
	without := repo.Commit("production", "without", pkg("db", "1.0.0", "db"))
	with := repo.Commit("production", "with", v1+pkg("db", "1.0.0", "db"))
	repo.Commit("staging", "before", pkg("db", "1.0.0", "db"))
	repo.Commit("staging", "after", pkg("db", "1.0.0", "db")+v1)
	for name, c := range map[string]struct {
		tips map[string]index.ID
		want int
	}{
		"as it is":       {nil, 1},
		"at that commit": {map[string]index.ID{"production": parse(t, with)}, 1},
		"before":         {map[string]index.ID{"production": parse(t, without)}, 0},
		"not there":      {map[string]index.ID{"production": {}}, 0},
	} {
		r, err := pushed(t, repo, middle, func(o *lint.Options) { o.Tips = c.tips })
		if err != nil || len(r.Report.Warnings) != c.want {
			t.Errorf("%s: %+v, %v, want %d warnings", name, r, err, c.want)
		}
	}
	if _, err := pushed(t, repo, middle, func(o *lint.Options) {
		o.Tips = map[string]index.ID{"production": parse(t, strings.Repeat("12", 20))}
	}); err == nil {
		t.Error("a commit that is not there")
	}
	repo.Git("", "update-ref", "refs/remotes/origin/production", repo.Git("", "commit-tree", "-m", "apart", "production^{tree}"))
	if _, err := pushed(t, repo, middle, nil); err == nil || !strings.Contains(err.Error(), "neither contains the other") {
		t.Errorf("a branch that diverged: %v", err)
	}
}

// What lies beside packages is reported once it is new, with who put it there; and what
// a push did not touch is neither reported nor read.
func TestOnlyNew(t *testing.T) {
	const old, fresh = "-- packages/Old/a --\na\n-- packages/old.txt --\na\n", "-- packages/New/a --\na\n-- packages/new.txt --\na\n"
	bad := strings.Replace(pkg("bad", "1.0.0", "bad"), "title: bad\n", "", 1)
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "before", old+bad)
	repo.Commit("snapshot", "after", old+fresh+bad+pkg("web", "1.0.0", "web")+pkg("web", "1.1.0", "web"))
	r, err := pushed(t, repo, snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"error: snapshot: packages/New: ", "warning: snapshot: packages/new.txt: "}; !same(found(r.Report), want) {
		t.Errorf("%q, want %q", found(r.Report), want)
	}
	for _, p := range slices.Concat(r.Report.Errors, r.Report.Warnings) {
		if p.Commit == nil || p.Commit.Subject != "after" {
			t.Errorf("%s: %+v", p, p.Commit)
		}
	}
	// Of a package without data streams only the manifest is parsed.
	if r.Read.Packages != 2 || r.Read.YAML != 1 && r.Read.YAML != 2 || r.Read.Blobs < 2 {
		t.Errorf("read %+v", r.Read)
	}
	repo.Commit("snapshot", "mended nothing", old+fresh+bad+pkg("web", "1.0.0", "web")+pkg("web", "1.1.0", "web")+"-- LICENSE.txt --\na\n")
	if r, err = pushed(t, repo, snapshot, nil); err != nil || len(found(r.Report)) > 0 || len(r.Changes) > 0 || r.Read != (lint.Read{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// What a build would refuse of a package that changed is refused, with its line and who
// changed it last.
func TestInvalid(t *testing.T) {
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "before", pkg("web", "1.0.0", "web"))
	broken := strings.Replace(pkg("bad", "1.0.0", "bad"), "title: bad\n", "release: soon\n", 1)
	repo.Commit("snapshot", "broke it", pkg("web", "1.0.0", "web")+broken)
	r, err := pushed(t, repo, snapshot, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Report.Errors) == 0 {
		t.Fatalf("%+v", r.Report)
	}
	for _, p := range slices.Concat(r.Report.Errors, r.Report.Warnings) {
		if p.Package != "bad" || p.Owner != "acme/bad" || p.Commit == nil || p.Commit.Subject != "broke it" {
			t.Errorf("%+v", p)
		}
	}
}

// So is what a build would only warn of.
func TestWarns(t *testing.T) {
	unowned := func(text string) string {
		return strings.Replace(pkg("web", "1.0.0", text), "owner.github: acme/web\n", "", 1)
	}
	repo := indextest.NewRepo(t)
	repo.Commit("snapshot", "before", unowned("web"))
	repo.Commit("snapshot", "after", unowned("changed"))
	r, err := pushed(t, repo, snapshot, nil)
	if err != nil || len(r.Report.Errors) > 0 || len(r.Report.Warnings) != 1 || r.Report.Warnings[0].Rule != index.RuleOwnerMissing {
		t.Fatalf("%+v, %v", r, err)
	}
	if c := r.Report.Warnings[0].Commit; c == nil || c.Subject != "after" {
		t.Errorf("%+v", c)
	}
}

// What is said of a version reads it no second time, however much that is.
func TestReadOnce(t *testing.T) {
	db, v1, v2 := pkg("db", "1.0.0", "db"), pkg("web", "1.0.0", "web"), pkg("web", "2.0.0", "web")
	invalid := strings.Replace(v1, "\nversion: 1.0.0", "\nversion: 1.0.1", 1)
	for name, c := range map[string]struct{ pushed, little, much string }{
		"valid":   {v1, db, v1 + v2},      // nothing is said, or that it is hidden and older
		"invalid": {invalid, v1, v1 + v2}, // that it is hidden, or older as well
	} {
		var reads, said []int
		for _, above := range []string{c.little, c.much} {
			repo := indextest.NewRepo(t)
			repo.Commit("production", "p", above)
			repo.Commit("staging", "before", db)
			repo.Commit("staging", "after", db+c.pushed)
			r, err := pushed(t, repo, middle, nil)
			if err != nil {
				t.Fatal(err)
			}
			reads, said = append(reads, r.Read.Blobs), append(said, len(found(r.Report)))
		}
		if reads[0] != reads[1] || said[0] >= said[1] {
			t.Errorf("%s: %v contents read for %v findings", name, reads, said)
		}
	}
}
