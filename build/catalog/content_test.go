package catalog

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestFields: the fields of a file, groups by their path, as many and as deep as are shown.
func TestFields(t *testing.T) {
	nested := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "%s- name: g\n%[1]s  fields:\n", strings.Repeat("  ", 2*i))
		}
		fmt.Fprintf(&b, "%s- name: leaf\n", strings.Repeat("  ", 2*n))
		return b.String()
	}
	for content, want := range map[string]string{
		"- name: a\n  type: keyword\n- name: b\n  external: ecs\n- name: c\n  type: ip\n  external: ecs\n":                            "[{a keyword } {b ecs } {c ip }]",
		"- name: g\n  type: group\n  fields:\n    - name: h\n      fields:\n        - name: i\n          type: long\n    - name: j\n": "[{g.h.i long } {g.j  }]",
		"- name: g\n  type: group\n  fields: []\n": "[{g group }]",
		"---\n# a note\n\n- name: a\n- name: b\n":  "[{a  } {b  }]",
		"[{name: a}, {name: b}]\n":                 "[{a  } {b  }]",
		"- &x {name: a, type: ip}\n- *x\n":         "[{a ip } {a ip }]",
		"name: a\n":                                "[]",
		"- name: [\n":                              "[]",
		"":                                         "[]",
		nested(16):                                 "[{" + strings.Repeat("g.", 16) + "leaf  }]",
		nested(17):                                 "[]",
		strings.Repeat("- name: a\n", maxFields):   "5000",
		strings.Repeat("- name: a\n", maxFields+1):     "5000",
		"[" + strings.Repeat("{name: a},", 5001) + "]": "5000",
	} {
		f := NewRenderer().readFields([]byte(content))
		got := fmt.Sprint(f.fields)
		if len(f.fields) > 100 {
			got = fmt.Sprint(len(f.fields))
		}
		if got != want || strings.Count(f.rows.html, "<tr>") != len(f.fields) {
			t.Errorf("%.60q: %s, want %s; rows %.200s", content, got, want, f.rows.html)
		}
	}
	f := NewRenderer().readFields([]byte("- name: <a>\n  type: \"&\"\n  description: |\n    \"long\"\n- name: b\n"))
	if want := "<tr><td><code>&lt;a&gt;</code></td><td>&amp;</td><td>&#34;long&#34;</td></tr>\n<tr><td><code>b</code></td><td></td><td></td></tr>\n"; f.rows.html != want {
		t.Errorf("%s\nwant\n%s", f.rows.html, want)
	}
}

// TestChangelog: what a changelog says of each version, up to 200 changes.
func TestChangelog(t *testing.T) {
	change := func(kind, text, link string) layout.SiteLog {
		return layout.SiteLog{Kind: kind, Text: text, Link: link}
	}
	for content, want := range map[string][]loggedVersion{
		"- version: 2.0.0\n  changes:\n    - description: ' a '\n      type: bugfix\n      link: https://example.com/1\n    - description: b\n      type: deprecation\n      link: docs/x.md\n- version: 1.0.0\n": {
			{Version: "2.0.0", Log: []layout.SiteLog{change("fix", "a", "https://example.com/1"), change("deprecation", "b", "")}}, {Version: "1.0.0"},
		},
		"[{version: 1.0.0, changes: [{description: c, link: 'javascript:x'}]}]": {{Version: "1.0.0", Log: []layout.SiteLog{change("change", "c", "")}}},
		"- &x {version: 1.0.0}\n- *x\n":                                         {{Version: "1.0.0"}, {Version: "1.0.0"}},
		"version: 1.0.0\n":                                                      nil,
		"- version: [\n":                                                        nil,
		"":                                                                      nil,
	} {
		got := NewRenderer().readChangelog([]byte(content))
		for i := range got {
			got[i].html = nil
		}
		if !reflect.DeepEqual(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%.60q: %+v, want %+v", content, got, want)
		}
	}
	for n, want := range map[int]int{maxLog: 200, maxLog + 1: 200} {
		got := NewRenderer().readChangelog([]byte("- version: 1.0.0\n  changes:\n" + strings.Repeat("    - description: x\n", n)))
		if len(got) != 1 || len(got[0].Log) != want {
			t.Errorf("of %d changes: %d", n, len(got[0].Log))
		}
	}
}

// TestMemo: a value is made once for each key, until too much is remembered.
func TestMemo(t *testing.T) {
	var m memo[int]
	made := 0
	get := func(key string, size int) int {
		return m.of(key, func() (int, int) { made++; return made, size })
	}
	for i, c := range []struct {
		key  string
		size int
		want int
	}{
		{"a", maxKept, 1}, {"a", 0, 1}, {"b", 1, 2}, {"a", 0, 1}, // more than fits is noticed by the next
		{"c", 1, 3}, {"c", 0, 3}, {"a", 1, 4}, {"b", 1, 5}, {"c", 0, 3},
	} {
		if got := get(c.key, c.size); got != c.want {
			t.Errorf("step %d: %s is %d, want %d", i, c.key, got, c.want)
		}
	}
}

// TestLongDefaults: a default of up to 100 bytes is shown at once.
func TestLongDefaults(t *testing.T) {
	for n, want := range map[int]string{
		100: "<code>" + strings.Repeat("x", 100) + "</code>",
		101: "<details><summary>101 characters</summary><pre><code>" + strings.Repeat("x", 101) + "</code></pre></details>",
	} {
		if got := string(defaultOf(nil, strings.Repeat("x", n))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// TestEntriesOfYAML: a list in block style is cut into its entries, whatever stands before
// them; all else is read as a whole.
func TestEntriesOfYAML(t *testing.T) {
	for content, want := range map[string][]string{
		"- a\n- b\n":                   {"- a\n", "- b\n"},
		"- a\n  - b\n-c\n- d":          {"- a\n  - b\n-c\n", "- d"},
		"---\n# note\n\n# more\n- a\n": {"- a\n"},
		"\n\n- a":                      {"- a"},
		"":                             nil, "a: b\n": nil, " - a\n": nil, "-\n": nil, "# only\n": nil, "- a\n---\n- b\n": nil, "- a\n...\n": nil, "---\n---\n- a\n": nil,
	} {
		entries, ok := yamlEntries([]byte(content))
		var got []string
		for _, e := range entries {
			got = append(got, string(e))
		}
		if ok != (want != nil) || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %q, %t, want %q", content, got, ok, want)
		}
	}
}
