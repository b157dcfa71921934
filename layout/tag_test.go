package layout

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func soundTag() Tag {
	return Tag{Format: TagFormat, Environment: "production", Name: "release-8.5", Snapshot: testID(1), Before: testID(2), Generation: 3, At: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), By: "ada", Reason: "shipped"}
}

// TestTagIsChecked changes one field after another, to what is just still right and
// to what is not.
func TestTagIsChecked(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Tag)
		want   string
	}{
		{"a sound one", func(*Tag) {}, ""},
		{"one that was deleted", func(g *Tag) { g.Snapshot, g.Before = "", "" }, ""},
		{"the longest notes", func(g *Tag) { g.By, g.Reason = strings.Repeat("é", MaxBy), strings.Repeat("é", MaxReason) }, ""},
		{"the name of another", func(g *Tag) { g.Name = "release-8.6" }, "it is of tag"},
		{"another environment's", func(g *Tag) { g.Environment = "staging" }, "it is of tag"},
		{"snapshot", func(g *Tag) { g.Snapshot = "live" }, "is not an id"},
		{"before", func(g *Tag) { g.Before = "x" }, "is not an id"},
		{"generation", func(g *Tag) { g.Generation = 0 }, "generation 0"},
		{"name of a person", func(g *Tag) { g.By = strings.Repeat("x", MaxBy+1) }, "longer than 100"},
		{"reason", func(g *Tag) { g.Reason = strings.Repeat("x", MaxReason+1) }, "longer than 500"},
	} {
		g := soundTag()
		c.change(&g)
		again, err := DecodeTag(g.Encode(), "production", "release-8.5")
		outcome(t, c.what, err, c.want)
		if err == nil && again != g {
			t.Errorf("%s: %+v is read as %+v", c.what, g, again)
		}
	}
	good := string(soundTag().Encode())
	for what, c := range map[string][3]string{
		"unknown field":           {`"format"`, `"extra": 1, "format"`, "unknown field"},
		"a space":                 {"{", "{ ", "not written as regsnap writes it"},
		"a field twice":           {`"by"`, `"by": "", "by"`, "not written as regsnap writes it"},
		"a field in another case": {`"by"`, `"By"`, "not written as regsnap writes it"},
		"more behind it":          {"\n}", "\n}{}", "unexpected data"},
		"more than fits":          {"\n}", "\n" + strings.Repeat(" ", 16<<10) + "}", "more than 16384 bytes"},
	} {
		_, err := DecodeTag([]byte(strings.Replace(good, c[0], c[1], 1)), "production", "release-8.5")
		outcome(t, what, err, c[2])
	}
	if _, err := DecodeTag([]byte(`{"format": 2, "new": true}`), "production", "release-8.5"); err == nil || !strings.Contains(err.Error(), ErrNewer.Error()) {
		t.Errorf("a later format: %v", err)
	}
}

// TestTagNames: no tag can be taken for another name of a snapshot, and every one
// makes a key that is read back.
func TestTagNames(t *testing.T) {
	for _, good := range []string{"release-8.5", "v1", "8.5.0", "2024-05-01", "last_good", "x", "before.the.freeze", "deadbeef0123x", "20240101-freeze", strings.Repeat("x", 100)} {
		if err := ValidTag(good); err != nil {
			t.Errorf("%s is no tag: %v", good, err)
		}
		if env, name, err := ParseTagKey(TagKey("pr-1", good)); err != nil || env != "pr-1" || name != good {
			t.Errorf("%s is read back as %s of %s, %v", good, name, env, err)
		}
	}
	bad := []string{"", "live", "previous", "a", "beef", "0123456789ab", "20240101", "2024", "20240101t", "20240101t000000z-0123", "@{1}", "production@1a2b", "Release", "a/b", "../x", ".x", "x.", "-x", "x-", "é", "a b", strings.Repeat("x", 101)}
	id := testID(7)
	for n := range len(id) { // nor any beginning of an id, in whatever case
		bad = append(bad, strings.ToLower(id[:n]), id[:n])
		if at := strings.IndexByte(id, '-'); n > at {
			bad = append(bad, id[at+1:n+1])
		}
	}
	for _, name := range slices.Compact(bad) {
		if ValidTag(name) == nil {
			t.Errorf("%q is taken for a tag", name)
		}
		if _, _, err := ParseTagKey(TagKey("production", name)); err == nil {
			t.Errorf("%q has a key", name)
		}
	}
	for _, key := range []string{"tags/production/x", "tags/x.json", "tags/Production/x.json", "tags/production/a/x.json", "environments/production.json", "tags/production/x.json.json/"} {
		if _, _, err := ParseTagKey(key); err == nil {
			t.Errorf("%s is taken for a tag's", key)
		}
	}
}
