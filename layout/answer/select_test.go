package answer_test

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
)

func templates(categories ...[]string) []layout.Template {
	var out []layout.Template
	for _, c := range categories {
		out = append(out, layout.Template{Categories: c})
	}
	return out
}

// TestSearch goes through the rules of the registry API, "How a search is
// answered", with few enough packages to follow by eye.
func TestSearch(t *testing.T) {
	table := tableOf(t,
		row{name: "apm", version: "0.9.0", kibana: "^7.0.0", spec: layout.Spec{Major: 1}},
		row{name: "apm", version: "1.0.0-beta1", kibana: "^7.0.0", spec: layout.Spec{Major: 1}},
		row{name: "apm", version: "1.0.0", kibana: "^7.0.0", spec: layout.Spec{Major: 1, Minor: 2}},
		row{name: "apm", version: "2.0.0", kibana: "^8.0.0", spec: layout.Spec{Major: 2, Minor: 3}},
		row{name: "apm", version: "2.1.0-rc1", kibana: "^8.0.0", spec: layout.Spec{Major: 3}},
		row{name: "db", version: "1.0.0", agent: "^8.2.0", capabilities: []string{"a", "b"}, kind: "input", spec: layout.Spec{Major: 2},
			discovery: layout.Discovery{Fields: []string{"x", "y"}, Datasets: []string{"l", "m"}}},
		row{name: "lab", version: "0.1.0", spec: layout.Spec{Major: 1}},
		row{name: "lab", version: "0.2.0", spec: layout.Spec{Major: 1}},
		row{name: "test", version: "1.0.0", flags: layout.Experimental, spec: layout.Spec{Major: 1}},
	)
	for _, c := range []struct{ query, want string }{
		// Released versions that are not experimental; 0.x is as good as others.
		{"", "apm-2.0.0 db-1.0.0 lab-0.2.0"},
		{"prerelease=true", "apm-2.1.0-rc1 db-1.0.0 lab-0.2.0 test-1.0.0"},
		{"prerelease=false", "apm-2.0.0 db-1.0.0 lab-0.2.0"},
		{"all=true", "apm-0.9.0 apm-1.0.0 apm-2.0.0 db-1.0.0 lab-0.1.0 lab-0.2.0"},
		{"all=true&prerelease=1&package=apm", "apm-0.9.0 apm-1.0.0-beta1 apm-1.0.0 apm-2.0.0 apm-2.1.0-rc1"},
		// The newest of those that pass, not the newest of all.
		{"kibana.version=7.17.0", "apm-1.0.0 db-1.0.0 lab-0.2.0"},
		{"kibana.version=8.6.0", "apm-2.0.0 db-1.0.0 lab-0.2.0"},
		{"kibana.version=9.0.0", "db-1.0.0 lab-0.2.0"},
		// A constraint without pre-releases accepts none.
		{"kibana.version=8.6.0-SNAPSHOT", "db-1.0.0 lab-0.2.0"},
		{"agent.version=8.3.0&package=db", "db-1.0.0"},
		{"agent.version=8.1.0&package=db", ""},
		{"spec.max=1.2", "apm-1.0.0 lab-0.2.0"},
		{"spec.min=1.2&spec.max=2.3", "apm-2.0.0 db-1.0.0"},
		{"spec.min=2.3&prerelease=true", "apm-2.1.0-rc1"},
		{"type=input", "db-1.0.0"},
		{"type=integration", ""},
		{"package=ap", ""},
		{"package=", "apm-2.0.0 db-1.0.0 lab-0.2.0"},
		{"capabilities=a,b,c&package=db", "db-1.0.0"},
		{"capabilities=a&package=db", ""},
		{"capabilities=,&package=lab", "lab-0.2.0"},
		{"discovery=fields:x,y,z", "db-1.0.0"},
		{"discovery=fields:x", ""},
		{"discovery=datasets:m,z", "db-1.0.0"},
		{"discovery=datasets:z", ""},
		{"discovery=datasets:m&discovery=fields:x,y", "db-1.0.0"},
		{"discovery=datasets:m&discovery=fields:x", ""},
		// The legacy rules: a pre-release gives way to any released version, and
		// where all are asked for so do 0.x ones to those that are neither.
		{"experimental=true", "apm-2.0.0 db-1.0.0 lab-0.2.0 test-1.0.0"},
		{"experimental=true&all=true", "apm-1.0.0 apm-2.0.0 db-1.0.0 lab-0.1.0 lab-0.2.0 test-1.0.0"},
		{"experimental=true&spec.max=1.0&capabilities=x&prerelease=false&package=db", "db-1.0.0"},
		// The first value counts.
		{"package=lab&package=db", "lab-0.2.0"},
		{"unknown=x&internal=true&package=lab", "lab-0.2.0"},
	} {
		if got := search(t, table, c.query); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.query, got, c.want)
		}
	}
}

// TestCategory: a package, or one of its policy templates, has the category or
// one below it.
func TestCategory(t *testing.T) {
	table := tableOf(t,
		row{name: "a", version: "1.0.0", categories: []string{"web"}, templates: templates([]string{"security"})},
		row{name: "b", version: "1.0.0", categories: []string{"nginx"}},
		row{name: "c", version: "1.0.0", categories: []string{"security"}, templates: templates([]string{"web"}, []string{"security"}, []string{"nginx"})},
		row{name: "d", version: "1.0.0", templates: templates([]string{"web"}, []string{"web", "security"})},
		row{name: "e", version: "1.0.0", templates: templates([]string{"apache"}, nil)},
		row{name: "f", version: "1.0.0"},
		row{name: "g", version: "1.0.0", categories: []string{"web"}},
		row{name: "g", version: "2.0.0", categories: []string{"other"}},
	)
	for _, c := range []struct{ query, want string }{
		// c keeps the policy template that has exactly this category; all of d's
		// have it; e's have it only below, so that none is left.
		{"category=web", "a-1.0.0 b-1.0.0 c-1.0.0[0] d-1.0.0 e-1.0.0[]"},
		{"category=nginx", "b-1.0.0 c-1.0.0[2]"},
		// a's only policy template is all of them.
		{"category=security", "a-1.0.0 c-1.0.0 d-1.0.0[1]"},
		// Not one that the newest version does not have any more.
		{"category=web&package=g", ""},
		{"category=web&package=g&all=true", "g-1.0.0"},
		{"category=other", "g-2.0.0"},
		{"category=none", ""},
	} {
		if got := search(t, table, c.query); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.query, got, c.want)
		}
	}
}

// TestBuildMetadata: of versions that differ only in it, which has no
// precedence, the first is the newest.
func TestBuildMetadata(t *testing.T) {
	table := tableOf(t, row{name: "a", version: "1.0.0"}, row{name: "a", version: "1.0.0+b1"}, row{name: "a", version: "1.0.0+b2"})
	if got := search(t, table, ""); got != "a-1.0.0" {
		t.Error(got)
	}
	if got := search(t, table, "all=true"); got != "a-1.0.0 a-1.0.0+b1 a-1.0.0+b2" {
		t.Error(got)
	}
}

// TestCategories counts by hand: registry API, "How categories are counted".
func TestCategories(t *testing.T) {
	table := tableOf(t,
		row{name: "a", version: "1.0.0", categories: []string{"security", "odd"}},
		// The only policy template has none of its own: it is not looked at.
		row{name: "b", version: "1.0.0", categories: []string{"nginx"}, templates: templates(nil)},
		// security 1 for the package, and 1 again for each of two templates;
		// web 1 + 1 when first met, then 1; nginx, of which the package has
		// none, 1 + 1.
		row{name: "c", version: "1.0.0", categories: []string{"security"}, templates: templates([]string{"web"}, []string{"web", "nginx"})},
	)
	const plain = `[
  {
    "id": "nginx",
    "title": "Nginx",
    "count": 1,
    "parent_id": "web",
    "parent_title": "Web"
  },
  {
    "id": "odd",
    "title": "odd",
    "count": 1
  },
  {
    "id": "security",
    "title": "Security",
    "count": 2
  }
]
`
	if got := string(reply(table, "GET", "/categories").Body); got != plain {
		t.Errorf("%s\nwant %s", got, plain)
	}
	const withTemplates = `[
  {
    "id": "nginx",
    "title": "Nginx",
    "count": 3,
    "parent_id": "web",
    "parent_title": "Web"
  },
  {
    "id": "odd",
    "title": "odd",
    "count": 1
  },
  {
    "id": "security",
    "title": "Security",
    "count": 4
  },
  {
    "id": "web",
    "title": "Web",
    "count": 3
  }
]
`
	if got := string(reply(table, "GET", "/categories?include_policy_templates=true").Body); got != withTemplates {
		t.Errorf("%s\nwant %s", got, withTemplates)
	}
	if got := string(reply(table, "GET", "/categories?spec.min=9.0").Body); got != "[]\n" {
		t.Errorf("no result: %q", got)
	}
	// Neither is a parameter of /categories.
	if got := string(reply(table, "GET", "/categories?package=b&category=web&type=x").Body); got != plain {
		t.Error("package, category or type was looked at")
	}
}
