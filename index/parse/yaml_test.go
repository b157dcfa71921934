package parse

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/elastic/go-ucfg"
	ucfgyaml "github.com/elastic/go-ucfg/yaml"

	"github.com/regsnap/regsnap/index"
)

// TestReadManifestLikeUcfg holds the nesting of dotted keys to what go-ucfg
// makes of the same text, where that does not depend on the order of a map.
func TestReadManifestLikeUcfg(t *testing.T) {
	for _, text := range []string{
		"",
		"a: 1",
		"a.b: 1",
		"a.b.c: 1\na.b.d: 2",
		"a: {b: 1}\na.c: 2",
		"a: {b.c: 1}\na.b: {d: 2}",
		"a:\na.b: 1",
		"a: {}\na.b: 1",
		"a.b: \na: {c: 1}",
		"a.0: x\na.1: y",
		"a.1: x",
		"a.0x2: x",
		"a.b: [1, {c.d: 2}, [{e.f: 3}]]",
		"a: {1024: x}\nb: y",
		`"a.1025": x`,
		`"a..b": x`,
		`".": x`,
		`"": x`,
		`"1": x`,
		"a: [1, -1, 0, 1.5, 1e100, 0x10, 9223372036854775807, 18446744073709551615, true, yes, null, ~, '', text, 2020-01-01, 1_000]",
		"a: &x {b.c: 1}\nd: *x",
		"a: &x {b: 1}\nc: {<<: *x, d: 2}",
		"a: []\nb: {}\nc: [[]]\nd: [{}]",
	} {
		want := "error"
		if cfg, err := ucfgyaml.NewConfig([]byte(text), ucfg.PathSep(".")); err == nil {
			var m map[string]any
			if err := cfg.Unpack(&m, ucfg.PathSep(".")); err == nil {
				want = asJSON(t, m)
			}
		}
		got := "error"
		if tree, f := readManifest([]byte(text)); f == nil {
			m := map[string]any{}
			if f := unpack(tree, []byte(text), &m); f == nil {
				got = asJSON(t, m)
			}
		}
		if got != want {
			t.Errorf("%q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestReadManifestRefuses(t *testing.T) {
	// Each level of aliases holds the one before ten times.
	bomb := "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
	merges := "a: &a {k: 1}\n"
	for c := 'b'; c <= 'k'; c++ {
		p := c - 1
		bomb += fmt.Sprintf("%c: &%[1]c [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]\n", c, p)
		merges += fmt.Sprintf("%c: &%[1]c {<<: [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]}\n", c, p)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"alias bomb", bomb, "is not valid YAML: document contains excessive aliasing"},
		{"merge bomb", merges, "is not valid YAML: document contains excessive aliasing"},
		{"recursive alias", "a: &a [*a]", "is not valid YAML: anchor 'a' value contains itself"},
		{"many values", "a: [" + strings.Repeat("1,", maxValues) + "]", "holds more than 200000 values: no manifest needs as many"},
		{"deep lists", "a: " + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1), "nests values more than 100 deep: no manifest needs to"},
		{"deep keys", strings.Repeat("a.", maxDepth+1) + "b: 1", "nests values more than 100 deep: no manifest needs to"},
		{"large lists by index", "a: [" + strings.Repeat("{b.1000: 1},", 300) + "]", "holds more than 200000 values: no manifest needs as many"},
		{"scalar and mapping", "a: 1\na.b: 2", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"scalar twice", "a: {b: 1}\na.b: 2", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"scalar, then mapping", "a: {b: 1}\na.b: {c: 2}", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"scalar, then nothing in a mapping", "a: {b: 1}\na.b: {}", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"mapping, then scalar", "a: {b: {c: 1}}\na.b: 2", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"list and index", "a: [1]\na.1: 2", "`a.1` is given twice, dotted and nested: keep one of them"},
		{"nested conflict", "a: {b: {c: 1}}\na.b: {c: 2}", "`a.b` is given twice, dotted and nested: keep one of them"},
		{"infinity", "a: {b: -.inf}", "`a.b` is -Inf, which JSON has no number for: put it in quotes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// More than once: the answer must not depend on the order of a map.
			for range 5 {
				_, f := readManifest([]byte(tt.text))
				if f == nil {
					t.Fatal("read without complaint")
				}
				if f.detail != tt.want || f.rule != index.RuleManifestSyntax {
					t.Fatalf("got %q [%s]\nwant %q", f.detail, f.rule, tt.want)
				}
			}
		})
	}
}

func TestGuard(t *testing.T) {
	err := guard(func() error { panic("boom") })
	if err == nil || err.Error() != "the parser gave up on it: boom" {
		t.Errorf("got %v", err)
	}
}

func TestPrintable(t *testing.T) {
	got := fault{detail: "a\x1b[31m\nb" + strings.Repeat("x", maxDetail)}.problem("f").Detail
	if strings.ContainsAny(got, "\x1b\n") || len(got) > maxDetail+20 {
		t.Errorf("got %q", got)
	}
}
