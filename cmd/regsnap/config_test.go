package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
)

func TestConfigErrors(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"unknown key":         {"bucket: mem://\nbuckets: x\n", `[2:1] unknown field "buckets"`},
		"unknown key below":   {"environments:\n  a:\n    branches: [x]\n    branch: x\n", `[4:5] unknown field "branch"`},
		"wrong kind":          {"environments:\n  a:\n    branches: {x: y}\n", "[3:15] "},
		"key twice":           {"bucket: a\nbucket: b\n", `[2:1] mapping key "bucket" already defined at [1:1]`},
		"environment twice":   {"environments:\n  a: {branches: [x]}\n  a: {branches: [y]}\n", `[3:3] mapping key "a" already defined at [2:3]`},
		"not YAML":            {"bucket: [\n", "[1:9] "},
		"environment name":    {"environments: {Prod_1: {branches: [x]}}\n", "environments.Prod_1: a name has small letters, digits and hyphens"},
		"no branches":         {"environments: {a: {hostname: h}}\n", "environments.a.branches: at least one is needed"},
		"branch twice":        {"environments: {a: {branches: [x, y, x]}}\n", `environments.a.branches: "x" is empty or twice there`},
		"overwrite":           {"environments: {a: {branches: [x], overwrite: maybe}}\n", `environments.a.overwrite: "maybe" is not a rule: want never, if-needed or always`},
		"pin":                 {"environments: {a: {branches: [x], regsnap: latest}}\n", `environments.a.regsnap: "latest" is neither main nor a release such as v1.2.3`},
		"service version":     {"environments: {a: {branches: [x], service_version: new}}\n", `environments.a.service_version: "new" is not a version`},
		"budget":              {"responses: {max: -1}\n", "responses: -1 responses and 268435456 bytes: want 0 or more"},
		"budget in bytes":     {"responses: {bytes: -1}\n", "-1 bytes: want 0 or more"},
		"previews of no time": {"previews: {ttl: 0}\n", "ttl: want a time in which people can look at a preview"},
		"hostname twice":      {"environments:\n  a: {branches: [x], hostname: r.example}\n  b: {branches: [x], hostname: R.EXAMPLE}\n", "environments.b.hostname: r.example is that of environment a"},
		"cache time for ever": {"environments: {a: {branches: [x], cache: {index: 9000h}}}\n", "environments.a.cache: cache times 32400000 s and 600 s: want 0 to 31536000 s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig([]byte(test.text))
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q lacks %q", err, test.want)
			}
		})
	}
}

func TestConfigDurations(t *testing.T) {
	parse := func(text string) (layout.CachePolicy, error) {
		c, err := parseConfig([]byte("environments: {a: {branches: [x], cache: {index: " + text + "}}}"))
		if err != nil {
			return layout.CachePolicy{}, err
		}
		return c.Environments["a"].cachePolicy(), nil
	}
	for text, want := range map[string]int{"0s": 0, "10s": 10, "10m": 600, "1h": 3600, "1h30m": 5400} {
		got, err := parse(text)
		if err != nil || got.Index != want {
			t.Errorf("index: %s is %d s, %v; want %d s", text, got.Index, err, want)
		}
		if got.Content != layout.DefaultCachePolicy.Content {
			t.Errorf("content is %d s where it is not given", got.Content)
		}
	}
	for _, text := range []string{"10", "-10s", "1.5s", "10ms", "soon", "[]"} {
		if got, err := parse(text); err == nil {
			t.Errorf("index: %s is taken for %d s", text, got.Index)
		}
	}
}

func TestConfigDefaults(t *testing.T) {
	c, err := parseConfig([]byte("bucket: mem://\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.names(); !slices.Equal(got, []string{"production", "staging", "snapshot"}) {
		t.Errorf("environments %q", got)
	}
	if got := c.budget(); got != build.DefaultBudget {
		t.Errorf("budget %+v", got)
	}

	c, err = parseConfig([]byte("responses: {max: 0}\nenvironments:\n  z: {branches: [x]}\n  a: {branches: [x, y]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := c.names(); !slices.Equal(got, []string{"z", "a"}) {
		t.Errorf("environments %q: those with fewer branches come first", got)
	}
	want := environment{Branches: []string{"x"}, Overwrite: overwriteNever, Regsnap: development, ServiceVersion: defaultServiceVersion}
	if got := c.Environments["z"]; got.Overwrite != want.Overwrite || got.Regsnap != want.Regsnap || got.ServiceVersion != want.ServiceVersion || got.cachePolicy() != layout.DefaultCachePolicy {
		t.Errorf("defaults are %+v", got)
	}
	if got := c.budget(); got.Responses != 0 || got.Bytes != build.DefaultBudget.Bytes {
		t.Errorf("max: 0 gives budget %+v", got)
	}
}
