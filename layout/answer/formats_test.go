package answer_test

import (
	"bytes"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

func someRoutes(t testing.TB) *layout.Routes {
	return routesOf(t,
		row{name: "a", version: "1.0.0", kibana: "^8.0.0", categories: []string{"web"}, templates: templates(nil, []string{})},
		row{name: "a", version: "1.1.0", flags: layout.Signed, discovery: layout.Discovery{Fields: []string{"f"}}},
		row{name: "b", version: "0.1.0-rc1", flags: layout.Experimental, capabilities: []string{"x"}, kind: "input"},
	)
}

const someSHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

var someRevision = layout.Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}

func someContents() *layout.Contents {
	return &layout.Contents{
		Format: layout.ContentsFormat, Name: "a", Version: "1.0.0", Archive: layout.ObjectDigest{Size: 99, SHA256: someSHA256},
		Files: []layout.ContentsFile{
			{Path: "docs/README.md", Size: 4, SHA256: someSHA256, Type: "text/markdown; charset=utf-8", Object: true, Deflate: &layout.Deflate{Offset: 40, Size: 3, CRC32: 7}},
			{Path: "fields/fields.yml", Size: 4, SHA256: someSHA256, Type: "text/yaml; charset=UTF-8", Deflate: &layout.Deflate{Offset: 50, Size: 3, CRC32: 7}},
			{Path: "fields/short.yml", SHA256: someSHA256, Type: "text/yaml; charset=UTF-8", Stored: new(int64)},
			{Path: "manifest.yml", SHA256: someSHA256, Type: "text/yaml; charset=UTF-8", Object: true},
		},
	}
}

func someManifest() *layout.Manifest {
	return &layout.Manifest{
		Format: layout.WholeManifest, Environment: "production", Regsnap: "1.0.0",
		Branches: []layout.ManifestBranch{{Name: "production", Commit: strings.Repeat("0", 40), Time: time.Date(2022, 12, 1, 17, 20, 31, 0, time.UTC), Packages: 1}},
		Routes:   layout.ObjectDigest{Size: 1, SHA256: someSHA256},
		Packages: []layout.ManifestPackage{{Name: "a", Version: "1.0.0", Revision: strings.Repeat("0", 20), Branch: "production", Source: strings.Repeat("1", 40), Contents: someSHA256, Document: layout.DigestOf(nil)}},
		Responses: []layout.ManifestResponse{
			{Digest: layout.Digest(strings.Repeat("0", 32)), Size: 1, SHA256: someSHA256}, {Digest: layout.Digest(strings.Repeat("1", 32)), Size: 2000, SHA256: someSHA256, Gzip: 500},
		},
	}
}

// format is one of the bucket's formats.
type format struct {
	name    string
	encoded []byte
	// again reads and writes.
	again func([]byte) ([]byte, error)
}

func formats(t testing.TB) []format {
	return []format{
		{"pointer", layout.Pointer{Format: layout.PointerFormat, Environment: "production", Snapshot: "20221201T172031Z-0123456789ab"}.Encode(), func(b []byte) ([]byte, error) {
			p, err := layout.DecodePointer(b, "production")
			return p.Encode(), err
		}},
		{"manifest", someManifest().Encode(), func(b []byte) ([]byte, error) {
			m, err := layout.DecodeManifest(b, "production", someManifest().ID())
			if err != nil {
				return nil, err
			}
			return m.Encode(), nil
		}},
		{"contents", someContents().Encode(), func(b []byte) ([]byte, error) {
			c, err := layout.DecodeContents(b, someRevision)
			if err != nil {
				return nil, err
			}
			return c.Encode(), nil
		}},
		{"routes", someRoutes(t).Encode(), func(b []byte) ([]byte, error) {
			r, err := layout.DecodeRoutes(b, "production")
			if err != nil {
				return nil, err
			}
			return r.Encode(), nil
		}},
	}
}

// TestFormats: what is written is read back the same, and nothing else is read.
func TestFormats(t *testing.T) {
	for _, f := range formats(t) {
		if again, err := f.again(f.encoded); err != nil || !bytes.Equal(again, f.encoded) {
			t.Errorf("%s: %v\n%s\nis read as\n%s", f.name, err, f.encoded, again)
		}
		text := string(f.encoded)
		format := regexp.MustCompile(`"format": ?[0-9]+`)
		for what, damaged := range map[string]string{
			"a field that is not known": strings.Replace(text, "{", `{"x": 1,`, 1),
			"something after it":        text + "{}",
			"cut off":                   text[:len(text)-3],
			"empty":                     "",
			"a future format":           format.ReplaceAllString(text, `"format":99`),
			"of no format":              regexp.MustCompile(format.String()+", *").ReplaceAllString(text, ""),
			"another type":              "[]",
		} {
			if _, err := f.again([]byte(damaged)); err == nil {
				t.Errorf("%s, %s: no error", f.name, what)
			}
		}
	}
}

// TestRoutesAreChecked damages each thing that code relies on.
func TestRoutesAreChecked(t *testing.T) {
	for what, damage := range map[string]func(*layout.Routes){
		"environment":          func(r *layout.Routes) { r.Environment = "A/B" },
		"cache":                func(r *layout.Routes) { r.Cache.Index = -1 },
		"every version":        func(r *layout.Routes) { r.Every = "x" },
		"part":                 func(r *layout.Routes) { r.Catalog[0].Digest = "x" },
		"no part":              func(r *layout.Routes) { r.Catalog = nil },
		"names without a part": func(r *layout.Routes) { r.Catalog[0].Names = 1 },
		"a part without names": func(r *layout.Routes) { r.Catalog[0].Names = 0 },
		"a part of more names": func(r *layout.Routes) { r.Catalog[0].Names = 3 },
		"no blocks":            func(r *layout.Routes) { r.Blocks = nil },
		"negative block":       func(r *layout.Routes) { r.Blocks[1] = -1 },
		"short column":         func(r *layout.Routes) { r.Kibana = r.Kibana[1:] },
		"index too large":      func(r *layout.Routes) { r.Label[0] = len(r.Labels) },
		"negative index":       func(r *layout.Routes) { r.Template[2] = -1 },
		"negative size":        func(r *layout.Routes) { r.Sizes[0] = -1 },
		"unknown flag":         func(r *layout.Routes) { r.Flags[0] = 4 },
		"flags":                func(r *layout.Routes) { r.Flags = r.Flags[:1] },
		"revisions":            func(r *layout.Routes) { r.Revisions = r.Revisions[1:] },
		"documents":            func(r *layout.Routes) { r.Documents = strings.ToUpper(r.Documents) },
		"names not sorted":     func(r *layout.Routes) { r.Names = []string{"b", "a"} },
		"a name twice":         func(r *layout.Routes) { r.Names = []string{"a", "a"} },
		"name":                 func(r *layout.Routes) { r.Names[0] = "../a" },
		"starts":               func(r *layout.Routes) { r.Starts = []int{0, 3} },
		"starts late":          func(r *layout.Routes) { r.Starts = []int{1, 2} },
		"names without starts": func(r *layout.Routes) { r.Starts = r.Starts[:1] },
		"versions not sorted":  func(r *layout.Routes) { r.Versions[0], r.Versions[1] = r.Versions[1], r.Versions[0] },
		"version":              func(r *layout.Routes) { r.Versions[0] = "1.0" },
	} {
		r := someRoutes(t)
		damage(r)
		if _, err := layout.DecodeRoutes(r.Encode(), "production"); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	encoded := string(someRoutes(t).Encode())
	for what, damage := range map[string][2]string{
		"a space between":         {`,"environment"`, `, "environment"`},
		"a line too few":          {",\n\"kibana\"", ",\"kibana\""},
		"columns in other order":  {"\"versions\":\"1.0.0 1.1.0 0.1.0-rc1\",\n\"flags\":\"ACN\"", "\"flags\":\"ACN\",\n\"versions\":\"1.0.0 1.1.0 0.1.0-rc1\""},
		"a length that is not so": {`"lengths":[3,2,`, `"lengths":[2,3,`},
		"an escape":               {`"flags":"A`, `"flags":"\u0041`},
		"not a digit":             {`"flags":"A`, `"flags":"+`},
		"a flag too many":         {`"flags":"A`, `"flags":"g`},
		"a flag that is not so":   {`"flags":"A`, `"flags":"E`},
		"more digits than needed": {`"type":"BCD"`, `"type":"ABACAD"`},
		"an entry too few":        {`"type":"BCD"`, `"type":"BC"`},
	} {
		damaged := strings.Replace(encoded, damage[0], damage[1], 1)
		if damaged == encoded {
			t.Errorf("%s: %q is not in\n%s", what, damage[0], encoded)
		}
		if _, err := layout.DecodeRoutes([]byte(damaged), "production"); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
	if _, err := layout.DecodeRoutes([]byte(`{"format":1,"environment":"production"}`), "production"); !errors.Is(err, layout.ErrOutdated) {
		t.Errorf("routes of another version: %v", err)
	}
	r := someRoutes(t)
	r.Constraints[1].Release[0].From = "x"
	if _, err := answer.NewTable(r); err == nil {
		t.Error("what is not a constraint: no error")
	}
}

func TestContents(t *testing.T) {
	c := someContents()
	if f := c.Find("manifest.yml"); f == nil || f.Type != "text/yaml; charset=UTF-8" {
		t.Errorf("%+v", f)
	}
	for _, path := range []string{"", "manifest", "manifest.yml/", "docs", "zzz"} {
		if f := c.Find(path); f != nil {
			t.Errorf("%q: %+v", path, f)
		}
	}
	slices.Reverse(c.Files)
	if _, err := layout.DecodeContents(c.Encode(), someRevision); err == nil {
		t.Error("files that are not sorted: no error")
	}
	c.Sort()
	if !bytes.Equal(c.Encode(), someContents().Encode()) {
		t.Error("Sort gives another order")
	}
}

func TestManifestID(t *testing.T) {
	m := someManifest()
	id := m.ID()
	if !strings.HasPrefix(id, "20221201T172031Z-") || !layout.ValidSnapshot(id) {
		t.Errorf("id %s", id)
	}
	m.Branches = append(m.Branches, layout.ManifestBranch{Name: "staging", Time: time.Date(2023, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))})
	if other := m.ID(); !strings.HasPrefix(other, "20221231T230000Z-") || other[17:] == id[17:] {
		t.Errorf("id %s, with a newer branch %s", id, other)
	}
	m.Branches = nil
	if id := m.ID(); !strings.HasPrefix(id, "00000000T000000Z-") || !layout.ValidSnapshot(id) {
		t.Errorf("without a commit: %s", id)
	}
	m.Responses[0], m.Responses[1] = m.Responses[1], m.Responses[0]
	if _, err := layout.DecodeManifest(m.Encode(), m.Environment, m.ID()); err == nil {
		t.Error("responses that are not sorted: no error")
	}
}

func TestCachePolicy(t *testing.T) {
	p := layout.CachePolicy{Index: 1, Content: 2}
	for class, want := range map[layout.CacheClass][]string{
		layout.NoCacheHeader: nil, layout.CacheIndex: {"max-age=1", "public"}, layout.CacheContent: {"max-age=2", "public"}, layout.CacheError: {"max-age=0", "private, no-store"},
	} {
		if got := p.Header(class); !slices.Equal(got, want) {
			t.Errorf("class %d: %q, want %q", class, got, want)
		}
	}
	for _, bad := range []layout.CachePolicy{{Index: -1}, {Content: -1}, {Index: 400 * 24 * 3600}} {
		if bad.Validate() == nil {
			t.Errorf("%+v is valid", bad)
		}
	}
}

// TestManifestOrigin: what a manifest begins with is read without what follows.
func TestManifestOrigin(t *testing.T) {
	m := someManifest()
	body := m.Encode()
	origin, err := layout.DecodeOrigin(body[:bytes.Index(body, []byte(`"routes"`))])
	if err != nil {
		t.Fatal(err)
	}
	if origin.Environment != m.Environment || len(origin.Branches) != 1 || !origin.Branches[0].Equal(m.Branches[0]) || !origin.Time().Equal(m.Time()) {
		t.Errorf("%+v", origin)
	}
	other := someManifest()
	other.Format = layout.ManifestFormat + 1
	for name, body := range map[string]string{
		"nothing": "", "another document": `["format"]`, "another order": `{"packages":[],"format":1}`, "cut off": string(body[:20]), "another format": string(other.Encode()),
	} {
		if _, err := layout.DecodeOrigin([]byte(body)); err == nil || !strings.HasPrefix(err.Error(), "manifest: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if m.IDOf(body) != m.ID() {
		t.Error("the id of what is stored is another")
	}
}
