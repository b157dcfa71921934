package build

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// puts notes what is stored.
type puts struct {
	mu      sync.Mutex
	objects map[string]layout.Object
}

func (p *puts) Read(context.Context, string) ([]byte, error) { return nil, fs.ErrNotExist }
func (p *puts) Sizes(context.Context, layout.Revision) (map[string]int64, error) {
	return nil, nil
}
func (p *puts) Put(_ context.Context, o layout.Object) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.objects[o.Key] = o
	return nil
}

// TestForms: of each kind of response, which forms are stored and listed, at the sizes
// where that changes. 1024 bytes are layout.MinGzip.
func TestForms(t *testing.T) {
	for _, c := range []struct {
		what         string
		render, size int
		job          job
		plain, gzip  bool
	}{
		{"a document", RenderVersion, 1023, job{}, true, false},
		{"a document", RenderVersion, 1024, job{}, true, true},
		{"a search", RenderVersion, 1023, job{query: true}, true, false},
		{"a search", RenderVersion, 1024, job{query: true}, false, true},
		{"a search of old", 3, 1023, job{query: true}, true, false},
		{"a search of old", 3, 1024, job{query: true}, true, true},
		{"a search of old", 3, 256<<10 - 1, job{query: true}, true, true},
		{"a search of old", 3, 256 << 10, job{query: true}, false, true},
		{"a part", RenderVersion, 1 << 20, job{part: true}, true, false},
		{"a page for people", RenderVersion, 1, job{page: true, encoded: true}, false, true},
		{"a page for edges", RenderVersion, 1023, job{page: true}, true, false},
	} {
		body := bytes.Repeat([]byte("x"), c.size)
		s := &puts{objects: map[string]layout.Object{}}
		w := newWriter(s, 1, nil)
		w.render = c.render
		c.job.digest, c.job.class = layout.DigestOf(body), layout.CacheContent
		c.job.body = func() ([]byte, error) { return body, nil }
		got, err := w.writeResponse(t.Context(), c.job)
		w.put.close()
		if err != nil {
			t.Fatal(err)
		}
		key := got.Object(layout.CacheContent).Key
		plain, there := s.objects[key]
		encoded, twin := s.objects[key+layout.GzipSuffix]
		if there != c.plain || twin != c.gzip || got.EncodedOnly == c.plain || got.Gzip != int64(len(encoded.Body)) || (got.Gzip > 0) != c.gzip {
			t.Errorf("%s of %d bytes, render %d: %+v, plain %v, encoded %v", c.what, c.size, c.render, got, there, twin)
		}
		if got.Size != int64(c.size) || got.SHA256 != sha256Hex(body) || got.Part != c.job.part || got.Page != c.job.page || there && !bytes.Equal(plain.Body, body) {
			t.Errorf("%s: %+v", c.what, got)
		}
		if w.rendered != 1 || w.responses[got.Digest] != got {
			t.Errorf("%s is not noted: %+v", c.what, w.responses)
		}
	}
	w := newWriter(&puts{}, 1, nil)
	defer w.put.close()
	broken := errors.New("no answer")
	if _, err := w.writeResponse(t.Context(), job{digest: "d", body: func() ([]byte, error) { return nil, broken }}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "render response d") || w.rendered != 0 {
		t.Errorf("a response that cannot be made: %v", err)
	}
}

// TestVouch: which responses of a live manifest are taken over, by its render version
// and that of the build.
func TestVouch(t *testing.T) {
	const document, small, page, part = "d", "s", "p", "c"
	response := func(d layout.Digest, size, gzip int64, only bool) layout.ManifestResponse {
		return layout.ManifestResponse{Digest: d, Size: size, Gzip: gzip, EncodedOnly: only, Page: d == page, Part: d == part}
	}
	for _, c := range []struct {
		what        string
		live, build int
		response    layout.ManifestResponse
		want, only  bool
	}{
		{"a search as it is", 4, 4, response("q", 2000, 100, true), true, true},
		{"one that is kept plain too", 3, 4, response("q", 1024, 100, false), true, true},
		{"one without a twin", 3, 4, response("q", 1024, 0, false), false, false},
		{"a small one", 3, 4, response(small, 1023, 0, false), true, false},
		{"a small one, encoded only", 3, 4, response(small, 1023, 100, true), false, false},
		{"one that is to be kept plain", 4, 3, response("q", 2000, 100, true), false, false},
		{"a large one", 4, 3, response("q", 256<<10, 100, true), true, true},
		{"a document", 3, 4, response(document, 2000, 100, false), true, false},
		{"a page", 3, 4, response(page, 10, 100, true), true, true},
		{"a part", 3, 4, response(part, 5000, 0, false), true, false},
		{"what another encoder made", 2, 4, response(document, 2000, 100, false), false, false},
		{"what it has not encoded", 2, 4, response(document, 100, 0, false), true, false},
		{"a search that it has not encoded", 2, 4, response("q", 2000, 0, false), false, false},
		{"what one to come has made", 5, 4, response(document, 2000, 100, false), false, false},
	} {
		w := newWriter(&puts{}, 1, nil)
		w.put.close()
		w.render = c.build
		list := layout.ManifestResponse{Digest: "list"}
		w.vouch(&layout.Manifest{
			Render: c.live, Responses: []layout.ManifestResponse{c.response}, Lists: []layout.ManifestResponse{list},
			Packages: []layout.ManifestPackage{{Name: "a", Version: "1.0.0", Revision: "r", Contents: "sum", Document: document}},
		})
		got, there := w.responses[c.response.Digest]
		want := c.response
		want.EncodedOnly = c.only
		if there != c.want || there && got != want {
			t.Errorf("%s: %v %+v", c.what, there, got)
		}
		if _, listed := w.lists["list"]; listed != (c.live == 3 || c.live == 4) {
			t.Errorf("%s: its lists are taken over: %v", c.what, listed)
		}
		if w.contents[layout.Revision{Name: "a", Version: "1.0.0", ID: "r"}] != "sum" {
			t.Errorf("%s: %v", c.what, w.contents)
		}
	}
}

// TestSamePackages: 3 wrote packages first as they are now.
func TestSamePackages(t *testing.T) {
	for render, want := range map[int]bool{2: false, 3: true, 4: true, 5: false} {
		if SamePackages(render) != want {
			t.Errorf("%d: %v", render, !want)
		}
		l := Live{Manifest: &layout.Manifest{Render: render}, Routes: &layout.Routes{}}
		if l.speaks() != want {
			t.Errorf("%d speaks: %v", render, !want)
		}
		if l.Routes = nil; l.speaks() {
			t.Errorf("%d speaks without routes", render)
		}
		if l := (Live{Manifest: &layout.Manifest{Render: render, Slice: &layout.SliceOf{}}, Routes: &layout.Routes{}}); l.speaks() {
			t.Errorf("%d speaks as a slice", render)
		}
	}
}

// TestLeastSaving: what deflating saves 3 % of is deflated, one byte less is not.
func TestLeastSaving(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 4000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	exact, less := 0, 0
	for size := 1000; size <= 3000; size += 100 { // 97 % of it is a whole number
		for repeated := 60; repeated < 240; repeated++ {
			content := append(bytes.Clone(noise[:size-repeated]), bytes.Repeat([]byte("x"), repeated)...)
			deflated, err := deflate(content)
			if err != nil {
				t.Fatal(err)
			}
			b := new(blob)
			if err := b.fill(content); err != nil {
				t.Fatal(err)
			}
			switch len(deflated) - 97*size/100 {
			case 0:
				if exact++; b.deflated == nil {
					t.Errorf("%d bytes to %d: not deflated", len(content), len(deflated))
				}
			case 1:
				if less++; b.deflated != nil {
					t.Errorf("%d bytes to %d: deflated", len(content), len(deflated))
				}
			}
		}
	}
	if exact == 0 || less == 0 {
		t.Errorf("%d contents that save 3 %%, %d that save less", exact, less)
	}
}

// TestWriterDefaults: how many objects are stored at once if that is not said.
func TestWriterDefaults(t *testing.T) {
	for given, least := range map[int]int{-1: 4, 0: 4, 1: 1, 7: 7} {
		w := newWriter(&puts{}, given, nil)
		w.put.close()
		if w.put.parallel < least || given > 0 && w.put.parallel != given || given <= 0 && w.put.parallel%4 != 0 {
			t.Errorf("%d: %d at once", given, w.put.parallel)
		}
	}
}

// TestFacts: what the table of routes says of a package, and that a constraint which
// cannot be read is named.
func TestFacts(t *testing.T) {
	full := &parse.Package{
		Manifest: parse.Manifest{Name: "a", Version: "1.0.0", Type: "input", Release: "experimental", Categories: []string{"web"}, Deprecated: &parse.Deprecated{},
			PolicyTemplates: []parse.PolicyTemplate{{Categories: []string{"cloud"}}, {}},
			Discovery:       &parse.Discovery{Fields: []parse.DiscoveryName{{Name: "f"}}, Datasets: []parse.DiscoveryName{{Name: "d"}}},
		},
		SpecMajor: 3, SpecMinor: 1, Capabilities: []string{"security"}, KibanaConstraint: "^8.0.0", AgentConstraint: "^9.0.0",
	}
	ranges := rangesCache{}
	for signed, flags := range map[bool]layout.Flags{true: layout.Experimental | layout.Signed, false: layout.Experimental} {
		f, err := factsOf(full, signed, ranges)
		if err != nil {
			t.Fatal(err)
		}
		want := &facts{
			flags: flags, kibana: ranges["^8.0.0"], agent: ranges["^9.0.0"], spec: layout.Spec{Major: 3, Minor: 1}, packageType: "input", capabilities: []string{"security"},
			labels: []string{"web"}, templates: []layout.Template{{Categories: []string{"cloud"}}, {}}, discovery: layout.Discovery{Fields: []string{"f"}, Datasets: []string{"d"}}, deprecated: true,
		}
		if !reflect.DeepEqual(f, want) || len(ranges) != 2 || reflect.DeepEqual(f.kibana, f.agent) {
			t.Errorf("%+v, want %+v", f, want)
		}
	}
	plain := &parse.Package{Manifest: parse.Manifest{Name: "a", Version: "1.0.0", Release: "ga"}}
	if f, err := factsOf(plain, false, ranges); err != nil || !reflect.DeepEqual(f, &facts{}) {
		t.Errorf("%+v, %v", f, err)
	}
	for what, p := range map[string]*parse.Package{"kibana": {KibanaConstraint: "no version"}, "agent": {AgentConstraint: "no version"}} {
		p.Name, p.Version = "a", "1.0.0"
		if f, err := factsOf(p, false, ranges); err == nil || f != nil || !strings.HasPrefix(err.Error(), "a-1.0.0: conditions."+what+".version: ") || len(ranges) != 2 {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestInlineOf: a slice has lists of its own if the snapshot has.
func TestInlineOf(t *testing.T) {
	if n := inlineOf(&layout.Manifest{}); n != 0 {
		t.Errorf("without lists: %d", n)
	}
	if n := inlineOf(&layout.Manifest{Lists: make([]layout.ManifestResponse, 1)}); n != layout.InlineLists {
		t.Errorf("with lists: %d", n)
	}
}

// TestCategoryTitle: what is no known category is called by its id.
func TestCategoryTitle(t *testing.T) {
	for id, want := range map[string]string{"web": "Web Server", "none": "none", "": ""} {
		if got := categoryTitle(id); got != want {
			t.Errorf("%q is called %q, want %q", id, got, want)
		}
	}
}
