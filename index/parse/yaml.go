package parse

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/elastic/go-ucfg"
	"go.yaml.in/yaml/v2"

	"github.com/regsnap/regsnap/index"
)

// Limits on the files that are parsed. Packages are hostile input: without
// limits a small file can ask for gigabytes, by nesting (each level indents the
// JSON of everything below), by aliases, or by a list index in a dotted key.
// The largest real files stay below a tenth of each.
const (
	// MaxParsedBytes is how long a manifest, fields file or ingest pipeline may be.
	MaxParsedBytes = 4 << 20
	// maxDepth is how deep the values of a manifest may nest, dotted keys counted.
	maxDepth = 100
	// maxValues is how many values a manifest may hold once aliases are followed.
	maxValues = 200_000
	// maxListIndex is the largest number in a dotted key that go-ucfg takes for
	// an index ("vars.0.name"); larger ones are plain keys.
	maxListIndex = 1024
)

// A fault is a finding in one file, before it is known in whose package.
type fault struct {
	rule   index.Rule
	line   int // from 1; 0 if unknown
	detail string
}

// problem places the fault in a file of a package.
func (f fault) problem(file string) index.Problem {
	return index.Problem{File: file, Line: f.line, Rule: f.rule, Detail: printable(f.detail)}
}

// maxDetail is how many bytes a finding may say.
const maxDetail = 500

// printable makes a text fit for a terminal and a log: details quote packages,
// which may hold control characters, or keys as long as a file may be.
func printable(s string) string {
	if len(s) > maxDetail {
		s = s[:maxDetail] + "…"
	}
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

// errPanic is what guard returns for a panic: the parsers were not written for
// hostile input, and one package must not end the build of all others.
var errPanic = errors.New("the parser gave up on it")

// guard calls fn and turns a panic into an error.
func guard(fn func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return fn()
}

// decodeYAML reads YAML the way the reference registry does (yaml.v2). A file
// that is YAML, but does not fit what it is decoded to, is not a "want".
func decodeYAML(data []byte, to any, rule index.Rule, want string) *fault {
	err := guard(func() error { return yaml.Unmarshal(data, to) })
	if err == nil {
		return nil
	}
	var te *yaml.TypeError
	if errors.As(err, &te) && len(te.Errors) > 0 {
		line, _ := yamlMessage(te.Errors[0])
		return &fault{rule, line, "is not " + want}
	}
	line, msg := yamlMessage(err.Error())
	return &fault{rule, line, "is not valid YAML: " + msg}
}

// yamlMessage takes the line out of a message of yaml.v2: "yaml: line 3: text".
func yamlMessage(msg string) (line int, text string) {
	msg = strings.TrimPrefix(msg, "yaml: ")
	if rest, ok := strings.CutPrefix(msg, "line "); ok {
		if n, text, ok := strings.Cut(rest, ": "); ok {
			if l, err := strconv.Atoi(n); err == nil {
				return l, text
			}
		}
	}
	return 0, msg
}

// wantManifest says what a manifest is.
const wantManifest = "a mapping: a manifest has `key: value` lines"

// readManifest reads a manifest: YAML whose dotted keys mean nested ones. What
// it returns has no dotted keys, and does not depend on the order of a map.
func readManifest(data []byte) (map[string]any, *fault) {
	var doc any
	if f := decodeYAML(data, &doc, index.RuleManifestSyntax, wantManifest); f != nil {
		return nil, f
	}
	if doc == nil {
		return nil, nil
	}
	top, ok := doc.(map[any]any)
	if !ok {
		return nil, &fault{index.RuleManifestSyntax, 0, "is not " + wantManifest}
	}
	var n nester
	tree, err := n.mapping(top, 0)
	if err != nil {
		f := &fault{rule: index.RuleManifestSyntax, detail: err.Error()}
		if len(n.path) > 0 {
			f.line = lineOf(data, n.path[0])
		}
		return nil, f
	}
	return tree, nil
}

// unpack fills a struct from what readManifest made of content, by the config
// tags. go-ucfg is the
// reader of record: it decides how values convert ("1" for 1.0, a lone value
// for a list of one).
func unpack(tree map[string]any, content []byte, to any) *fault {
	err := guard(func() error {
		opts := []ucfg.Option{ucfg.PathSep("."), ucfg.NoValidate()}
		cfg, err := ucfg.NewFrom(tree, opts...)
		if err != nil {
			return err
		}
		return cfg.Unpack(to, opts...)
	})
	if err == nil {
		return nil
	}
	f := &fault{rule: index.RuleManifestSyntax}
	msg := err.Error()
	var ue ucfg.Error
	if errors.As(err, &ue) {
		msg = ue.Message() // without the stack that Error adds to some
		f.line = lineOf(content, ue.Path())
	}
	f.detail = "has a value of the wrong kind: " + msg
	return f
}

// nester turns dotted keys into nested mappings. go-ucfg would do it too, but in
// the random order of a Go map: of `a.b: 1` beside `a: {b: 2}` it takes either,
// or fails. Here what is said twice is an error, every time.
type nester struct {
	values int
	path   []string // of the value at hand, for messages
}

func (n *nester) fail(format string, args ...any) error {
	where := "the manifest"
	if len(n.path) > 0 {
		where = "`" + strings.Join(n.path, ".") + "`"
	}
	return errors.New(where + " " + fmt.Sprintf(format, args...))
}

// spend counts values against the limits.
func (n *nester) spend(values, depth int) error {
	n.values += values
	if n.values > maxValues {
		return fmt.Errorf("holds more than %d values: no manifest needs as many", maxValues)
	}
	if depth > maxDepth {
		return fmt.Errorf("nests values more than %d deep: no manifest needs to", maxDepth)
	}
	return nil
}

func (n *nester) mapping(in map[any]any, depth int) (map[string]any, error) {
	keys := make([]string, 0, len(in))
	var others []string // of several the same one is named each time
	for k := range in {
		if s, ok := k.(string); ok {
			keys = append(keys, s)
		} else {
			others = append(others, fmt.Sprint(k))
		}
	}
	if len(others) > 0 {
		return nil, n.fail("has the key %s, which is not text: put it in quotes", slices.Min(others))
	}
	slices.Sort(keys)
	out := make(map[string]any, len(keys))
	for _, k := range keys {
		n.path = append(n.path, k)
		v, err := n.value(in[k], depth+1+strings.Count(k, "."))
		if err != nil {
			return nil, err
		}
		if err := n.put(out, k, v); err != nil {
			return nil, err
		}
		n.path = n.path[:len(n.path)-1]
	}
	return out, nil
}

func (n *nester) value(v any, depth int) (any, error) {
	if err := n.spend(1, depth); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case map[any]any:
		return n.mapping(v, depth)
	case []any:
		for i := range v {
			n.path = append(n.path, strconv.Itoa(i))
			item, err := n.value(v[i], depth+1)
			if err != nil {
				return nil, err
			}
			v[i] = item
			n.path = n.path[:len(n.path)-1]
		}
		return v, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, n.fail("is %v, which JSON has no number for: put it in quotes", v)
		}
	}
	return v, nil
}

// put sets a value under a key that may be dotted.
func (n *nester) put(into map[string]any, key string, v any) error {
	for {
		head, rest, dotted := strings.Cut(key, ".")
		head, err := n.segment(head)
		if err != nil {
			return err
		}
		if !dotted {
			return n.set(into, head, v)
		}
		next, ok := into[head].(map[string]any)
		if !ok {
			if into[head] != nil {
				return n.fail("is given twice, dotted and nested: keep one of them")
			}
			if err := n.spend(1, 0); err != nil {
				return err
			}
			next = make(map[string]any, 1)
			into[head] = next
		}
		into, key = next, rest
	}
}

// set joins a value with what is there: nothing gives way to something, two
// mappings become one.
func (n *nester) set(into map[string]any, key string, v any) error {
	old := into[key]
	switch {
	case old == nil:
		into[key] = v
		return nil
	case v == nil:
		return nil
	}
	oldMap, ok1 := old.(map[string]any)
	newMap, ok2 := v.(map[string]any)
	if !ok1 || !ok2 {
		return n.fail("is given twice, dotted and nested: keep one of them")
	}
	for _, k := range slices.Sorted(maps.Keys(newMap)) {
		if err := n.set(oldMap, k, newMap[k]); err != nil {
			return err
		}
	}
	return nil
}

// segment is a part of a dotted key in the one form that all its spellings
// share. go-ucfg takes small numbers for list indices, in any of Go's notations,
// allocates lists up to them, and does not survive negative ones.
func (n *nester) segment(s string) (string, error) {
	i, err := strconv.ParseInt(s, 0, 64)
	if err != nil || i > maxListIndex {
		return s, nil
	}
	if i < 0 {
		return "", n.fail("has the number %s as a key, which would be a list index: put a letter before it", s)
	}
	return strconv.FormatInt(i, 10), n.spend(int(i), 0)
}
