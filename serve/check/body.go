package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxShown is how much of a body, or of a value in it, is shown, in characters.
const maxShown = 120

// excerpt is the beginning of a text.
func excerpt(b []byte) string { return shorten(fmt.Sprintf("%q", b[:min(len(b), 4*maxShown)])) }

func shorten(s string) string {
	if r := []rune(s); len(r) > maxShown {
		return string(r[:maxShown]) + "…"
	}
	return s
}

// compareBodies says what is wrong with a body, and where it differs first.
func compareBodies(got, want content, contentType string) (problem, detail string) {
	if !got.whole() || !want.whole() {
		return "another body", "too long to look into"
	}
	if strings.HasPrefix(contentType, "application/json") {
		var g, w any
		if json.Unmarshal(want.kept, &w) == nil {
			if err := json.Unmarshal(got.kept, &g); err != nil {
				return "a body that is no JSON", fmt.Sprintf("%v: %s", err, excerpt(got.kept))
			}
			if detail := jsonDifference("", g, w); detail != "" {
				return "another JSON", detail
			}
			return "the same JSON in other bytes", lineDifference(got.kept, want.kept)
		}
	}
	return "another body", lineDifference(got.kept, want.kept)
}

// lineDifference shows the first line that differs.
func lineDifference(got, want []byte) string {
	line := 1
	for {
		g, restG, moreG := bytes.Cut(got, []byte("\n"))
		w, restW, moreW := bytes.Cut(want, []byte("\n"))
		if !bytes.Equal(g, w) || moreG != moreW {
			return fmt.Sprintf("line %d is %s, not %s", line, ending(g, moreG), ending(w, moreW))
		}
		if !moreG {
			return ""
		}
		got, want = restG, restW
		line++
	}
}

func ending(line []byte, more bool) string {
	if more {
		line = append(slices.Clip(line), '\n')
	}
	return excerpt(line)
}

// jsonDifference says where two values differ first; "" if they do not.
func jsonDifference(at string, got, want any) string {
	if at == "" {
		if text, ok := entriesDifference(got, want); ok {
			return text
		}
	}
	switch w := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok {
			break
		}
		for _, name := range sortedKeys(g, w) {
			gv, has := g[name]
			wv, should := w[name]
			here := at + "." + name
			switch {
			case !has:
				return fmt.Sprintf("%s is missing, it should be %s", here, shown(wv))
			case !should:
				return fmt.Sprintf("%s should not be there: %s", here, shown(gv))
			}
			if text := jsonDifference(here, gv, wv); text != "" {
				return text
			}
		}
		return ""
	case []any:
		g, ok := got.([]any)
		if !ok {
			break
		}
		for i := range min(len(g), len(w)) {
			if text := jsonDifference(fmt.Sprintf("%s[%d]", at, i), g[i], w[i]); text != "" {
				return text
			}
		}
		if len(g) != len(w) {
			return fmt.Sprintf("%s has %d elements, not %d", orAll(at), len(g), len(w))
		}
		return ""
	default:
		if got == want {
			return ""
		}
	}
	return fmt.Sprintf("%s is %s, not %s", orAll(at), shown(got), shown(want))
}

// entriesDifference compares lists of packages or categories by what is in them,
// which tells more than the first place where they differ.
func entriesDifference(got, want any) (text string, ok bool) {
	g, okG := entryNames(got)
	w, okW := entryNames(want)
	if !okG || !okW || len(g)+len(w) == 0 || slices.Equal(g, w) {
		return "", false
	}
	var parts []string
	if lacks := without(w, g); len(lacks) > 0 {
		parts = append(parts, "lacks "+few(lacks))
	}
	if more := without(g, w); len(more) > 0 {
		parts = append(parts, "has "+few(more)+" too much")
	}
	if parts == nil {
		parts = []string{"the same entries in another order, or repeated"}
	}
	return strings.Join(parts, "; "), true
}

// entryNames are "name-version" or the id of each element.
func entryNames(v any) ([]string, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		m, ok := e.(map[string]any)
		if !ok {
			return nil, false
		}
		name, hasName := m["name"].(string)
		version, hasVersion := m["version"].(string)
		id, hasID := m["id"].(string)
		switch {
		case hasName && hasVersion:
			out = append(out, name+"-"+version)
		case hasID:
			out = append(out, id)
		default:
			return nil, false
		}
	}
	return out, true
}

func without(a, b []string) []string {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	var out []string
	for _, s := range a {
		if !in[s] {
			out = append(out, s)
		}
	}
	return out
}

// few lists the first of many.
func few(names []string) string {
	const most = 4
	if len(names) <= most {
		return shorten(strings.Join(names, ", "))
	}
	return shorten(strings.Join(names[:most], ", ")) + fmt.Sprintf(" and %d more", len(names)-most)
}

func sortedKeys(a, b map[string]any) []string {
	var out []string
	for _, m := range []map[string]any{a, b} {
		for name := range m {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func shown(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return shorten(string(b))
}

func orAll(at string) string {
	if at == "" {
		return "the whole"
	}
	return at
}
