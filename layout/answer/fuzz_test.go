package answer_test

import (
	"bytes"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

func fuzzTable(t testing.TB) *answer.Table {
	return tableOf(t,
		row{name: "a", version: "1.0.0", kibana: "^7.16.0 || ^8.0.0", categories: []string{"web"}, templates: templates([]string{"nginx"}, nil)},
		row{name: "a", version: "1.1.0-rc1", kibana: ">=8.5.0-SNAPSHOT"},
		row{name: "b", version: "0.1.0", flags: layout.Signed, agent: "~8.4.0", discovery: layout.Discovery{Fields: []string{"f"}}},
		row{name: "c", version: "1.0.0", flags: layout.Experimental, capabilities: []string{"x"}, kind: "input", spec: layout.Spec{Major: 3, Minor: 1}},
	)
}

// FuzzPath: whatever the path, there is an answer, and what it redirects to is
// answered without another redirect of the same kind for ever.
func FuzzPath(f *testing.F) {
	table := fuzzTable(f)
	for _, path := range []string{"/", "", "//", "/package/a/1.0.0/x", "/epr/a/a-1.0.0.zip.sig", "/package/A/1.0.0/..//.", "/epr//", "/epr/x", "*", "/\\x", "/package/a/1.0.0/\xff"} {
		f.Add("GET", path)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		u := &url.URL{Path: path}
		for hops := 0; ; hops++ {
			a := table.Answer(method, u)
			if !slices.Contains([]int{200, 301, 400, 404, 405}, a.Status) {
				t.Fatalf("%q: status %d", path, a.Status)
			}
			if (a.Location != "") != (a.Status == http.StatusMovedPermanently) {
				t.Fatalf("%q: status %d, location %q", path, a.Status, a.Location)
			}
			if a.Status >= 400 && !bytes.HasSuffix(a.Body, []byte("\n")) {
				t.Fatalf("%q: error %q", path, a.Body)
			}
			if a.Kind == answer.File && (a.Path == "" || strings.HasSuffix(a.Path, "/")) {
				t.Fatalf("%q: the file %q", path, a.Path)
			}
			if a.Location == "" {
				return
			}
			if !strings.HasPrefix(a.Location, "/") || strings.HasPrefix(a.Location, "//") {
				t.Fatalf("%q: location %q leads elsewhere", path, a.Location)
			}
			next, err := url.Parse(a.Location)
			if err != nil || hops > 3 {
				t.Fatalf("%q: hop %d to %q: %v", path, hops, a.Location, err)
			}
			u = next
		}
	})
}

// FuzzQuery: whatever the query, there is an answer, and it says the same thing
// twice.
func FuzzQuery(f *testing.F) {
	table := fuzzTable(f)
	for _, q := range []string{"", "kibana.version=8.5.0-SNAPSHOT&all=true", "category=web&prerelease=1", "discovery=fields:f&discovery=datasets:", "spec.min=1.0&spec.max=v2.0", "capabilities=,&experimental=t", "%zz&;&=&a=b=c"} {
		f.Add(q, true)
		f.Add(q, false)
	}
	f.Fuzz(func(t *testing.T, query string, counting bool) {
		u := &url.URL{Path: "/search", RawQuery: query}
		if counting {
			u.Path = "/categories"
		}
		a, again := table.Answer(http.MethodGet, u), table.Answer(http.MethodGet, u)
		if a.Status != again.Status || a.Digest != again.Digest || !bytes.Equal(a.Body, again.Body) || a.Status != 200 && a.Status != 400 {
			t.Fatalf("%q: %d and %d", query, a.Status, again.Status)
		}
		if !slices.IsSorted(a.Selection.Rows) || len(slices.Compact(a.Selection.Rows)) != len(a.Selection.Rows) {
			t.Fatalf("%q: rows %d", query, a.Selection.Rows)
		}
		if a.Status == 200 && a.Kind != answer.Direct {
			if _, err := layout.ParseDigest(string(a.Digest)); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzQueryEncode: what a query is parsed from and what it encodes to mean the
// same, and encoding is stable.
func FuzzQueryEncode(f *testing.F) {
	for _, q := range []string{
		"", "kibana.version=v8.5&all=true&package=a", "category=%26+%25&prerelease=1&type=x", "discovery=fields:f,&discovery=datasets:&discovery=fields:",
		"spec.min=1.0&spec.max=v2.0", "spec.min=1-a.b&agent.version=1.2.3-x%2By", "capabilities=,&experimental=t", "capabilities=%00,%ff&include_policy_templates=true",
	} {
		f.Add(q, true)
		f.Add(q, false)
	}
	f.Fuzz(func(t *testing.T, raw string, counting bool) {
		q, err := answer.ParseQuery(raw, counting)
		if err != nil {
			return
		}
		encoded := q.Encode()
		again, err := answer.ParseQuery(encoded, counting)
		if err != nil || !reflect.DeepEqual(q, again) || again.Encode() != encoded {
			t.Fatalf("%q is %+v, encoded %q, read back %+v, %v", raw, q, encoded, again, err)
		}
		u, err := url.Parse(q.Target())
		if err != nil || u.RawQuery != encoded || (u.Path == "/categories") != counting {
			t.Fatalf("%q: target %q, %v", raw, q.Target(), err)
		}
	})
}

// FuzzRoutes: no bytes make the reader panic, nor what uses the routes that it
// lets through; and what it reads it writes the same.
func FuzzRoutes(f *testing.F) {
	f.Add(someRoutes(f).Encode())
	f.Add([]byte(`{"format":1,"environment":"a"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := layout.DecodeRoutes(data, "production")
		if err != nil {
			return
		}
		encoded := r.Encode()
		again, err := layout.DecodeRoutes(encoded, "production")
		if err != nil || !bytes.Equal(again.Encode(), encoded) {
			t.Fatalf("%s\nis not read back: %v", encoded, err)
		}
		table, err := answer.NewTable(r)
		if err != nil {
			return
		}
		for _, target := range []string{"/search?all=true&prerelease=true", "/search?category=web&kibana.version=8.1.0", "/categories?include_policy_templates=true", "/package/a/1.0.0/", "/epr/a/a-1.0.0.zip"} {
			a := reply(table, http.MethodGet, target)
			for _, row := range a.Selection.Rows {
				p, i, rows := table.Block(row)
				if p.Offset < 0 || p.Size < 0 || p.Offset+p.Size > table.PartSize(p.Part) || i < 0 || i >= rows {
					t.Fatalf("row %d is the %d. of %d rows at %+v", row, i, rows, p)
				}
			}
		}
	})
}

// FuzzBlock: no bytes make the reader of blocks panic, and what is written is read.
func FuzzBlock(f *testing.F) {
	summaries := [][]byte{[]byte("{\n \"version\": \"1.0.0\",\n \"path\": \"/a/1.0.0\"\n}"), []byte("{\n \"version\": \"1.1.0\",\n \"path\": \"/a/1.1.0\"\n}")}
	f.Add([]byte(answer.NewBlock([]string{"1.0.0", "1.1.0"}, summaries)), 1, 2)
	f.Add([]byte{1, 1, 1, 1, 0, 0, 0, 1, 0, 0}, 0, 1)
	f.Fuzz(func(t *testing.T, data []byte, i, rows int) {
		if i < 0 || i >= rows {
			return
		}
		if _, err := answer.Block(data).Append(nil, i, rows); err != nil {
			return
		}
		text := bytes.ReplaceAll(data, []byte{0}, nil)
		block := answer.NewBlock([]string{"1.0.0", "1.0"}, [][]byte{text, text})
		for i := range 2 {
			if got, err := block.Append(nil, i, 2); err != nil || !bytes.Equal(got, text) {
				t.Fatalf("%q is read as %q: %v", text, got, err)
			}
		}
	})
}

// FuzzFormats: the other formats of the bucket.
func FuzzFormats(f *testing.F) {
	for _, format := range formats(f) {
		f.Add(format.encoded)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, format := range formats(t) {
			encoded, err := format.again(data)
			if err != nil {
				continue
			}
			if again, err := format.again(encoded); err != nil || !bytes.Equal(again, encoded) {
				t.Fatalf("%s: %s\nis not read back: %v", format.name, encoded, err)
			}
		}
	})
}
