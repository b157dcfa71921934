package catalog

import (
	"encoding/json"
	"fmt"
	"html/template"
	"net/url"
	"strings"
	"unicode/utf8"

	"github.com/regsnap/regsnap/layout"
)

var functions = template.FuncMap{
	"size": size, "join": strings.Join, "plural": plural, "path": escapePath, "short": short,
	"anchor": anchor, "versionAnchor": versionAnchor, "value": value, "first": first,
	"diff": func(noun string, c layout.SiteChanged) any {
		return struct {
			Noun string
			C    layout.SiteChanged
		}{noun, c}
	},
	"add": func(a, b int) int { return a + b },
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 999_950:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

func plural(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "y"):
		return fmt.Sprintf("%d %sies", n, strings.TrimSuffix(noun, "y"))
	}
	if strings.HasSuffix(noun, "ch") || strings.HasSuffix(noun, "s") {
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// escapePath makes a path in a URL of one in a package.
func escapePath(p string) string {
	elements := strings.Split(p, "/")
	for i, e := range elements {
		elements[i] = url.PathEscape(e)
	}
	return strings.Join(elements, "/")
}

func short(hash string) string { return hash[:min(len(hash), 12)] }

// first is the first capital of a title, for packages without an icon.
func first(title string) string {
	r, _ := utf8.DecodeRuneInString(strings.TrimSpace(title))
	if r == utf8.RuneError {
		return "?"
	}
	return strings.ToUpper(string(r))
}

// anchor makes the id of a section.
func anchor(parts ...string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.Join(parts, "-")))
}

// versionAnchor makes the id of a version's section. No two versions have the same:
// none has a "_" of its own.
func versionAnchor(version string) string {
	return "v-" + strings.NewReplacer(".", "_", "+", "__").Replace(version)
}

// value is the default of a variable as text.
func value(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(b)
}
