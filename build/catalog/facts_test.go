package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestFactsWithoutPage: what a version is compared by is the same with and without
// rendering its page, from the content of its fields alone.
func TestFactsWithoutPage(t *testing.T) {
	document := []byte(`{"name":"a","title":"A","version":"1.0.0","path":"/package/a/1.0.0","type":"integration","owner":{"github":"b/c"},"license":"basic",
		"conditions":{"kibana":{"version":"^8.0.0"}},"data_streams":[{"title":"Log","path":"log","streams":[{"input":"x","vars":[{"name":"v","type":"text","default":1}]}]}]}`)
	var all, few []File
	for _, f := range [][2]string{
		{"changelog.yml", "- version: 1.0.0\n"}, {"data_stream/log/fields/base.yml", "- name: a\n  type: keyword\n"}, {"data_stream/log/fields/deep/b.yml", "- name: no\n"},
		{"docs/README.md", "# A\n"}, {"fields/own.yml", "- name: b\n  type: long\n"}, {"manifest.yml", "name: a\n"},
	} {
		sum := sha256.Sum256([]byte(f[1]))
		file := File{Path: f[0], SHA256: hex.EncodeToString(sum[:]), Size: int64(len(f[1])), Content: []byte(f[1])}
		all = append(all, file)
		if !IsFields(f[0]) {
			file.Content = nil
		}
		few = append(few, file)
	}
	r := NewRenderer()
	facts, err := r.Facts(document, few)
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Version(Input{Document: document, Files: all})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(facts, v.Facts) {
		t.Errorf("%+v\nwant\n%+v", facts, v.Facts)
	}
	if len(facts.fields) != 2 || facts.fields[0].stream != "log" || len(facts.variables) != 1 || facts.facts[0] != (named{"Kibana", "^8.0.0"}) {
		t.Errorf("facts %+v", facts)
	}
	if _, err := r.Facts([]byte("{"), nil); err == nil {
		t.Error("a document that cannot be read has facts")
	}
}

// TestCompare: what came, went and changed from one version to the next, by files, fields,
// variables and facts, and how many where there are more than are named.
func TestCompare(t *testing.T) {
	r := NewRenderer()
	facts := func(members string, files ...string) *Facts {
		f, err := r.Facts([]byte(`{"name":"a","title":"A","path":"/package/a/1",`+members+`}`), packageFiles(files...))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	many := func(prefix string) (pairs []string) {
		for i := range maxNamed + 1 {
			pairs = append(pairs, fmt.Sprintf("%s/%02d.txt", prefix, i), "x")
		}
		return pairs
	}
	same := []string{"data_stream/same/fields/a.yml", "- name: s\n  type: long\n"}
	before := facts(`"version":"1.0.0","type":"input","license":"basic","release":"ga","format_version":"1.0.0","owner":{"github":"x"},"source":{"license":"MIT"},"categories":["web","cloud"],
		"conditions":{"kibana":{"version":"^7.0.0"},"agent":{"version":"^8.0.0"},"elastic":{"capabilities":["c"]}},
		"vars":[{"name":"kept","type":"text"},{"name":"typed","type":"text"},{"name":"needed","type":"text"},{"name":"set","type":"text","default":1},{"name":"gone","type":"text"}]`,
		append(append(many("old"), same...), "data_stream/log/fields/a.yml", "- name: kept\n  type: long\n- name: typed\n  type: long\n- name: gone\n", "fields/own.yml", "- name: own\n", "changed.txt", "a", "kept.txt", "b")...)
	after := facts(`"version":"2.0.0","type":"integration","license":"gold","release":"beta","format_version":"2.0.0","owner":{"github":"y"},"source":{"license":"Apache-2.0"},"categories":["cloud","web"],
		"conditions":{"kibana":{"version":"^8.0.0"},"agent":{"version":"^9.0.0"},"elastic":{"subscription":"gold","capabilities":["c","d"]}},
		"vars":[{"name":"kept","type":"text"},{"name":"typed","type":"bool"},{"name":"needed","type":"text","required":true},{"name":"set","type":"text","default":2}],
		"policy_templates":[{"name":"p","inputs":[{"type":"i","vars":[{"name":"new","type":"text"}]}]}],"data_streams":[{"path":"log","streams":[{"input":"s","vars":[{"name":"new","type":"text"}]}]}]`,
		append(append(many("new"), same...), "data_stream/log/fields/a.yml", "- name: kept\n  type: long\n- name: typed\n  type: ip\n- name: new\n", "fields/own.yml", "- name: own\n  type: ip\n- name: owned\n", "changed.txt", "b", "kept.txt", "b")...)
	got := Compare(before, after, "r1")
	names := func(count int, names ...string) layout.SiteNames { return layout.SiteNames{Count: count, Names: names} }
	var added, removed []string
	for i := range maxNamed {
		added, removed = append(added, fmt.Sprintf("new/%02d.txt", i)), append(removed, fmt.Sprintf("old/%02d.txt", i))
	}
	want := &layout.SiteChanges{
		Since:     "r1",
		Files:     layout.SiteChanged{Added: names(13, added...), Removed: names(13, removed...), Changed: names(3, "changed.txt", "data_stream/log/fields/a.yml", "fields/own.yml")},
		Fields:    layout.SiteChanged{Added: names(2, "log: new", "owned"), Removed: names(1, "log: gone"), Changed: names(2, "log: typed", "own")},
		Variables: layout.SiteChanged{Added: names(2, "log/s: new", "p/i: new"), Removed: names(1, "gone"), Changed: names(3, "needed", "set", "typed")},
		Facts: []layout.SiteFact{
			{Name: "Kibana", Before: "^7.0.0", After: "^8.0.0"}, {Name: "Elastic Agent", Before: "^8.0.0", After: "^9.0.0"}, {Name: "Subscription", Before: "basic", After: "gold"},
			{Name: "Release", Before: "ga", After: "beta"}, {Name: "Owner", Before: "x", After: "y"}, {Name: "Licence", Before: "MIT", After: "Apache-2.0"},
			{Name: "Package spec", Before: "1.0.0", After: "2.0.0"}, {Name: "Categories", Before: "web, cloud", After: "cloud, web"}, {Name: "Capabilities", Before: "c", After: "c, d"},
			{Name: "Type", Before: "input", After: "integration"},
		},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant\n%+v", got, want)
	}
	if nothing := Compare(after, after, "r2"); !reflect.DeepEqual(nothing, &layout.SiteChanges{Since: "r2"}) {
		t.Errorf("of a version and itself: %+v", nothing)
	}
	// A file more in a stream is a change of that stream, though the others are the same.
	one, two := facts(`"version":"1.0.0"`, same...), facts(`"version":"1.0.0"`, append(same, "data_stream/same/fields/b.yml", "- name: t\n  type: ip\n")...)
	if got, want := Compare(one, two, "r").Fields, (layout.SiteChanged{Added: names(1, "same: t")}); !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}
