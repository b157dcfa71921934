package layout

import (
	"slices"
	"strings"
	"testing"
)

// soundRoutes are a-1.0.0, a-1.0.0+build, a-1.1.0 and b-0.1.0-rc1.
func soundRoutes() *Routes {
	zeros := func() []int { return make([]int, 4) }
	return &Routes{
		Format: RoutesFormat, Environment: "production", ServiceVersion: "1.0.0", Cache: DefaultCachePolicy, Every: testDigest(1),
		Catalog:     []Part{{testDigest(2), 1}, {testDigest(3), 1}},
		Categories:  []Category{},
		Constraints: []Ranges{{}, {}}, Capabilities: [][]string{{}}, Types: []string{""}, Specs: []Spec{{1, 0}}, Labels: [][]string{{}}, Templates: [][]Template{{}}, Discoveries: []Discovery{{}},
		Names: []string{"a", "b"}, Starts: []int{0, 3}, Blocks: []int{30, 10},
		Versions: []string{"1.0.0", "1.0.0+build", "1.1.0", "0.1.0-rc1"}, Flags: make([]Flags, 4),
		Kibana: []int{0, 1, 1, 0}, Agent: zeros(), Spec: zeros(), Type: zeros(), Capability: zeros(), Label: zeros(), Template: zeros(), Discover: zeros(), Sizes: []int{5, 6, 7, 8},
		Revisions: strings.Repeat("0123456789abcdef0123", 4), Documents: strings.Repeat(string(testDigest(4)), 4), Summaries: strings.Repeat(string(testDigest(5)), 4),
	}
}

// TestRoutesValidate changes one thing after another of a table, to what is just
// still right and to what is not.
func TestRoutesValidate(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Routes)
		want   string
	}{
		{"a sound one", func(*Routes) {}, ""},
		{"environment", func(r *Routes) { r.Environment = "A" }, `environment "A" is not a name`},
		{"environment and cache", func(r *Routes) { r.Environment, r.Cache.Index = "A", -1 }, "is not a name"},
		{"catalogue", func(r *Routes) { r.Site = testDigest(1) }, ""},
		{"digest of the catalogue", func(r *Routes) { r.Site = "x" }, "site: "},
		{"no catalogue where there always was one", func(r *Routes) { r.Format = catalogueRoutes }, "site: the format does not go with"},
		{"a catalogue where there always was one", func(r *Routes) { r.Format, r.Site = catalogueRoutes, testDigest(1) }, ""},
		{"no catalogue before there were any", func(r *Routes) { r.Format = bareRoutes }, ""},
		{"a catalogue before there were any", func(r *Routes) { r.Format, r.Site = bareRoutes, testDigest(1) }, "site: the format does not go with"},
		{"site and catalog", func(r *Routes) { r.Site, r.Every = "x", "x" }, "site: "},
		{"every version", func(r *Routes) { r.Every = "x" }, "catalog: every: "},
		{"part", func(r *Routes) { r.Catalog[0].Digest = "x" }, "catalog: part 0: "},
		{"part without names", func(r *Routes) { r.Catalog[1].Names = 0 }, "catalog: part 1 has 0 names"},
		{"part with too many names", func(r *Routes) { r.Catalog[1].Names = 2 }, "catalog: part 1 has 2 names"},
		{"one part of all names", func(r *Routes) { r.Catalog = []Part{{testDigest(2), 2}} }, ""},
		{"names in no part", func(r *Routes) { r.Catalog = r.Catalog[:1] }, "catalog: 1 names in parts, 2 blocks, want 2"},
		{"a block too few", func(r *Routes) { r.Blocks = r.Blocks[1:] }, "catalog: 2 names in parts, 1 blocks, want 2"},
		{"negative block", func(r *Routes) { r.Blocks[1] = -1 }, "catalog: name 1: a block of -1 bytes"},
		{"empty block", func(r *Routes) { r.Blocks[1] = 0 }, ""},
		{"the largest block", func(r *Routes) { r.Blocks[0] = maxNumber }, ""},
		{"too large a block", func(r *Routes) { r.Blocks[0] = maxNumber + 1 }, "catalog: name 0: a block of"},
		{"the last of a table", func(r *Routes) { r.Agent[3] = 1 }, ""},
		{"behind a table", func(r *Routes) { r.Agent[3] = 2 }, "column agent, row 3: 2 is outside its table of 2"},
		{"before a table", func(r *Routes) { r.Label[0] = -1 }, "column label, row 0: -1 is outside its table of 1"},
		{"the largest size", func(r *Routes) { r.Sizes[0] = maxNumber }, ""},
		{"too large a size", func(r *Routes) { r.Sizes[0] = maxNumber + 1 }, "column sizes, row 0"},
		{"short column", func(r *Routes) { r.Type = r.Type[1:] }, "column type has 3 entries, want 4"},
		{"long column", func(r *Routes) { r.Spec = append(r.Spec, 0) }, "column spec has 5 entries, want 4"},
		{"flags", func(r *Routes) { r.Flags = r.Flags[1:] }, "column flags has 3 entries, want 4"},
		{"all flags", func(r *Routes) { r.Flags[2] = flagsEnd - 1 }, ""},
		{"unknown flag", func(r *Routes) { r.Flags[2] = flagsEnd }, "column flags, row 2: 4 is not known"},
		{"revisions", func(r *Routes) { r.Revisions += "0" }, "column revisions has 81 characters"},
		{"documents", func(r *Routes) { r.Documents = strings.ToUpper(strings.Repeat("a", 128)) }, "column documents has 128 characters"},
		{"summaries", func(r *Routes) { r.Summaries = "" }, "column summaries has 0 characters"},
		{"a start too few", func(r *Routes) { r.Starts = r.Starts[1:] }, "2 names with 1 starts and 4 rows"},
		{"name", func(r *Routes) { r.Names[0] = "A" }, `package name "A"`},
		{"order of names", func(r *Routes) { r.Names[0] = "c" }, `names are not sorted at "b"`},
		{"a name twice", func(r *Routes) { r.Names[0] = "b" }, `names are not sorted at "b"`},
		{"a first start that is not the first", func(r *Routes) { r.Starts[0] = 1 }, `names are not sorted at "a"`},
		{"a name without rows", func(r *Routes) { r.Starts[1] = 0 }, `names are not sorted at "b"`},
		{"starts that go back", func(r *Routes) { r.Starts[1] = -1 }, `names are not sorted at "b"`},
		{"a start behind all rows", func(r *Routes) { r.Starts[1] = 4 }, `names are not sorted at "b"`},
		{"order of versions", func(r *Routes) { r.Versions[0] = "1.2.0" }, `a: versions are not sorted at "1.0.0+build"`},
		{"a version twice", func(r *Routes) { r.Versions[1] = "1.0.0" }, `a: versions are not sorted at "1.0.0"`},
		{"versions of one precedence in the wrong order", func(r *Routes) { r.Versions[0], r.Versions[1] = r.Versions[1], r.Versions[0] }, `a: versions are not sorted at "1.0.0"`},
		{"version", func(r *Routes) { r.Versions[1] = "1.0" }, `a: version "1.0"`},
	} {
		r := soundRoutes()
		c.change(r)
		err := r.validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.what, err, c.want)
		}
	}
	empty := soundRoutes()
	empty.Names, empty.Starts, empty.Blocks, empty.Catalog = nil, nil, nil, nil
	if err := empty.validateNames(); err == nil || !strings.Contains(err.Error(), "0 names with 0 starts and 4 rows") {
		t.Errorf("rows without names: %v", err)
	}
}

// TestRoutesFind: rows by name and version, and where a name's rows and block lie.
func TestRoutesFind(t *testing.T) {
	r := soundRoutes()
	for _, c := range []struct {
		name, version string
		row           int
	}{{"a", "1.0.0", 0}, {"a", "1.0.0+build", 1}, {"a", "1.1.0", 2}, {"b", "0.1.0-rc1", 3}, {"a", "0.1.0-rc1", -1}, {"b", "1.0.0", -1}, {"c", "1.0.0", -1}, {"", "", -1}} {
		if row := r.Find(c.name, c.version); row != c.row {
			t.Errorf("%s-%s is row %d, want %d", c.name, c.version, row, c.row)
		}
	}
	for row, name := range []string{"a", "a", "a", "b"} {
		if got := r.Name(row); got != name {
			t.Errorf("row %d is of %s, want %s", row, got, name)
		}
	}
	if got, want := r.BlockPlaces(), []Place{{0, 0, 30}, {1, 0, 10}}; !slices.Equal(got, want) {
		t.Errorf("blocks at %v, want %v", got, want)
	}
	r.Catalog = []Part{{testDigest(2), 2}}
	if got, want := r.BlockPlaces(), []Place{{0, 0, 30}, {0, 30, 10}}; !slices.Equal(got, want) {
		t.Errorf("blocks of one part at %v, want %v", got, want)
	}
}

// TestRoutesFile: the file says of each row what follows from its version, and where
// the versions of each name begin in the text of all.
func TestRoutesFile(t *testing.T) {
	r := soundRoutes()
	r.Flags[3] = Signed
	if got, want := r.fileFlags(), []Flags{0, fileSame, 0, Signed | filePrerelease | fileUnstable}; !slices.Equal(got, want) {
		t.Errorf("flags %v, want %v", got, want)
	}
	// "1.0.0 1.0.0+build 1.1.0 0.1.0-rc1"
	if got, want := r.places(), []int{0, 24}; !slices.Equal(got, want) {
		t.Errorf("places %v, want %v", got, want)
	}
	r.Starts = []int{0, 1} // of another package, the same precedence means nothing
	r.Versions[2], r.Versions[3] = "0.9.0", "x"
	if got, want := r.fileFlags(), []Flags{0, 0, fileUnstable, Signed}; !slices.Equal(got, want) {
		t.Errorf("flags %v, want %v", got, want)
	}
	r = soundRoutes()
	again, err := DecodeRoutes(r.Encode(), "production")
	if err != nil || !slices.Equal(again.Versions, r.Versions) || !slices.Equal(again.Starts, r.Starts) || !slices.Equal(again.Kibana, r.Kibana) {
		t.Errorf("read again: %v, %+v", err, again)
	}
	_, err = DecodeRoutes(r.Encode(), "staging")
	outcome(t, "of another environment", err, "they are of environment production")
	_, err = DecodeRoutes(append(r.Encode(), ' '), "production")
	outcome(t, "a space behind", err, "routes")
}
