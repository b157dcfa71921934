package layout

import "testing"

func TestStorageKeys(t *testing.T) {
	for key, want := range map[string]struct {
		env        string
		generation int64
	}{
		"storage/production/v2/metadata/cursor.json":                          {"production", 0},
		"storage/production/v2/metadata/000000000042/search-index-all.json":   {"production", 42},
		"storage/production/v2/metadata/000000000000/search-index-all.json":   {},
		"storage/production/v2/metadata/42/search-index-all.json":             {},
		"storage/production/v2/metadata/000000000042/search-index-delta.json": {},
		"storage/production/v2/metadata/000000000042/":                        {},
		"storage/production/v2/metadata/000000000042":                         {},
		"storage/production/v2/metadata/x/cursor.json":                        {},
		"storage/Production/v2/metadata/cursor.json":                          {},
		"storage/v2/metadata/cursor.json":                                     {},
		"storage/production/000000000042/search-index-all.json":               {},
		"storage/":    {},
		"":            {},
		"v2/metadata": {},
	} {
		env, generation, err := ParseStorageKey(key)
		if env != want.env || generation != want.generation || (err == nil) != (want.env != "") {
			t.Errorf("%q: %q, %d, %v", key, env, generation, err)
		}
	}
	if Cursor(9) >= Cursor(10) || Cursor(99_999) >= Cursor(100_000) {
		t.Error("cursors are not in the order of their generations")
	}
}
