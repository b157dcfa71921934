package layout

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// largeManifest lists versions of many names, each with a document and every third
// with a page, and searches that belong to none.
func largeManifest(r *rand.Rand, names, searches int) *Manifest {
	m := soundManifest()
	m.Packages, m.Responses = []ManifestPackage{}, []ManifestResponse{}
	for n := range names {
		for v := range 1 + r.IntN(12) {
			addVersion(m, fmt.Sprintf("name_%04d", n), v)
		}
	}
	for i := range searches {
		m.Responses = append(m.Responses, ManifestResponse{Digest: DigestOf(fmt.Append(nil, "search ", i)), Size: int64(i), SHA256: someSHA256, Gzip: 20, EncodedOnly: i%2 == 0})
	}
	sorted(m)
	return m
}

func addVersion(m *Manifest, name string, v int) {
	p := ManifestPackage{
		Name: name, Version: fmt.Sprintf("1.%d.0", v), Revision: string(DigestOf(fmt.Append(nil, name, v)))[:20], Branch: "production",
		Source: strings.Repeat("1", 40), Contents: someSHA256, Document: DigestOf(fmt.Append(nil, "document", name, v)),
	}
	m.Responses = append(m.Responses, ManifestResponse{Digest: p.Document, Size: 900, SHA256: someSHA256})
	if v%3 == 0 {
		p.Page = DigestOf(fmt.Append(nil, "page", name, v))
		m.Responses = append(m.Responses, ManifestResponse{Digest: p.Page, Size: 9000, SHA256: someSHA256, Gzip: 900, Page: true})
	}
	m.Packages = append(m.Packages, p)
}

// sorted puts what was added where it belongs.
func sorted(m *Manifest) {
	slices.SortStableFunc(m.Packages, func(a, b ManifestPackage) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(m.Responses, byDigest)
}

// stored is a manifest as it lies in a bucket: the manifest itself, and its lists.
func stored(m *Manifest) (*Manifest, [][]byte) {
	head := *m
	var refs []ManifestResponse
	var bodies [][]byte
	for _, l := range m.Split(InlineLists) {
		body := l.Encode()
		size := int64(len(body))
		refs = append(refs, ManifestResponse{Digest: DigestOf(body), Size: size, SHA256: fmt.Sprintf("%x", sha256.Sum256(body)), Gzip: 1 + size/3, EncodedOnly: true})
		bodies = append(bodies, body)
	}
	if refs != nil {
		head.SetLists(refs)
	}
	return &head, bodies
}

// TestListsGiveTheWhole: what is read from a manifest and its lists is what was listed,
// and the manifest stays small.
func TestListsGiveTheWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		names, searches int
		lists           [2]int // at least, at most
	}{
		{0, 0, [2]int{0, 0}}, {20, 100, [2]int{0, 0}}, {0, 2000, [2]int{1, 1}}, {60, 300, [2]int{3, 10}}, {500, 1000, [2]int{16, 80}}, {2000, 2000, [2]int{16, 80}},
	} {
		m := largeManifest(r, c.names, c.searches)
		head, bodies := stored(m)
		if n := len(bodies); n < c.lists[0] || n > c.lists[1] {
			t.Errorf("%d names: %d lists, want %d to %d", c.names, n, c.lists[0], c.lists[1])
		}
		encoded := head.Encode()
		if most := InlineLists; len(encoded) > most {
			t.Errorf("%d names: the manifest has %d bytes, want at most %d", c.names, len(encoded), most)
		}
		got, err := DecodeManifest(encoded, m.Environment, head.ID())
		if err != nil {
			t.Fatal(err)
		}
		var lists []*ManifestList
		for _, body := range bodies {
			l, err := DecodeManifestList(body)
			if err != nil {
				t.Fatal(err)
			}
			lists = append(lists, l)
		}
		if err := got.Fill(lists); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got.Packages, m.Packages) || !reflect.DeepEqual(got.Responses, m.Responses) {
			t.Errorf("%d names: other packages or responses are read than were listed", c.names)
		}
		if string(got.Encode()) != string(encoded) || got.ID() != head.ID() {
			t.Errorf("%d names: once it is filled it is another manifest", c.names)
		}
		if len(got.Stored()) != len(m.Responses)+len(bodies) {
			t.Errorf("%d names: %d objects lie beside the responses, want %d and %d lists", c.names, len(got.Stored()), len(m.Responses), len(bodies))
		}
	}
}

// TestSplit: a document and a page lie in the list of their version, in the order of
// digests, and what belongs to none in the last; what fits stays in the manifest.
func TestSplit(t *testing.T) {
	m := soundManifest()
	m.Packages, m.Responses = nil, nil
	for v := range 4 { // 0 and 3 have pages
		addVersion(m, "one", v)
	}
	search := ManifestResponse{Digest: DigestOf([]byte("search")), Size: 3, SHA256: someSHA256}
	m.Responses = append(m.Responses, search)
	sorted(m)
	whole := len(Encode(m, ""))
	if lists := m.Split(whole); lists != nil {
		t.Errorf("%d lists of what just fits", len(lists))
	}
	lists := m.Split(whole - 1)
	if len(lists) != 2 {
		t.Fatalf("%d lists, want one of a name and one of searches", len(lists))
	}
	owned := slices.DeleteFunc(slices.Clone(m.Responses), func(r ManifestResponse) bool { return r == search })
	if got := lists[0]; !reflect.DeepEqual(got.Packages, m.Packages) || !slices.Equal(got.Responses, owned) {
		t.Errorf("the list of the name has %d packages and %v", len(got.Packages), got.Responses)
	}
	if got := lists[1]; len(got.Packages) != 0 || !slices.Equal(got.Responses, []ManifestResponse{search}) {
		t.Errorf("the last list has %d packages and %v", len(got.Packages), got.Responses)
	}
}

// TestListsAreShared: a new version writes the list of its name and that of the
// searches, and now and then a neighbour.
func TestListsAreShared(t *testing.T) {
	const pushes = 40
	r := rand.New(rand.NewPCG(2, 2))
	m := largeManifest(r, 400, 1000)
	known := map[string]bool{}
	note := func(bodies [][]byte) (added int) {
		for _, b := range bodies {
			if !known[string(b)] {
				known[string(b)] = true
				added++
			}
		}
		return added
	}
	_, bodies := stored(m)
	note(bodies)
	total := 0
	for i := range pushes {
		addVersion(m, fmt.Sprintf("name_%04d", r.IntN(420)), 100+i)
		sorted(m)
		_, bodies = stored(m)
		n := note(bodies)
		if n < 1 || n > 4 {
			t.Errorf("push %d writes %d of %d lists", i, n, len(bodies))
		}
		total += n
	}
	if total > 2*pushes {
		t.Errorf("%d pushes, none of which changes a search, write %d lists, want about one each", pushes, total)
	}
}

// TestListsAreChecked changes one thing after another in what a manifest says of its
// lists, and in a list.
func TestListsAreChecked(t *testing.T) {
	for _, c := range []struct {
		what   string
		change func(*Manifest)
		want   string
	}{
		{"a sound one", func(*Manifest) {}, ""},
		{"the format of one without lists", func(m *Manifest) { m.Format = WholeManifest }, "does not go with what it says of lists"},
		{"no list", func(m *Manifest) { m.Lists = nil; m.Packages, m.Responses = nil, nil }, "does not go with what it says of lists"},
		{"a digest that is not of the content", func(m *Manifest) { m.Lists[0].Digest = DigestOf(nil) }, "size or digest is malformed"},
		{"no content", func(m *Manifest) { m.Lists[0].SHA256 = "" }, "size or digest is malformed"},
		{"negative size", func(m *Manifest) { m.Lists[0].Size = -1 }, "size or digest is malformed"},
		{"the largest list", func(m *Manifest) { m.Lists[0].Size, m.Lists[0].Gzip = 128<<20, 128<<20 }, ""},
		{"a list that is too large", func(m *Manifest) { m.Lists[0].Size = 128<<20 + 1 }, "it is said to have"},
		{"no encoded form", func(m *Manifest) { m.Lists[0].Gzip = 0 }, "it is said to have"},
		{"too large an encoded form", func(m *Manifest) { m.Lists[0].Gzip = 128<<20 + 1 }, "it is said to have"},
		{"plain", func(m *Manifest) { m.Lists[0].EncodedOnly = false }, "not kept encoded only"},
		{"a part of the catalog", func(m *Manifest) { m.Lists[0].Part = true }, "not kept encoded only"},
		{"a page", func(m *Manifest) { m.Lists[0].Page = true }, "not kept encoded only"},
	} {
		m := soundManifest()
		m.SetLists([]ManifestResponse{{Digest: Digest(someSHA256[:DigestLen]), Size: 10, SHA256: someSHA256, Gzip: 5, EncodedOnly: true}})
		c.change(m)
		_, err := DecodeManifest(m.Encode(), m.Environment, m.ID())
		outcome(t, c.what, err, c.want)
	}
	// What is listed twice: in the manifest and in lists, or in two lists.
	m := soundManifest()
	m.SetLists([]ManifestResponse{{Digest: Digest(someSHA256[:DigestLen]), Size: 10, SHA256: someSHA256, Gzip: 5, EncodedOnly: true}})
	both := []byte(strings.Replace(string(m.Encode()), `"packages":[]`, `"packages":[`+strings.TrimSpace(string(Encode(m.Packages[0], "")))+`]`, 1))
	_, err := DecodeManifest(both, m.Environment, m.IDOf(both))
	outcome(t, "packages in the manifest beside lists", err, "does not go with what it says of lists")
	l := &ManifestList{Format: manifestListVersion, Responses: soundManifest().Responses}
	outcome(t, "a response in two lists", new(Manifest).Fill([]*ManifestList{l, l}), "two lists have the response")

	for _, c := range []struct {
		what string
		body func() string
		want string
	}{
		{"a sound list", func() string { return soundList(nil) }, ""},
		{"order", func() string { return soundList(func(l *ManifestList) { slices.Reverse(l.Responses) }) }, "not sorted"},
		{"a package", func() string { return soundList(func(l *ManifestList) { l.Packages[0].Name = "A" }) }, "is malformed"},
		{"a response", func() string { return soundList(func(l *ManifestList) { l.Responses[0].Gzip = -1 }) }, "size or digest is malformed"},
		{"an unknown field", func() string { return strings.Replace(soundList(nil), `{"format":1,`, `{"format":1,"extra":1,`, 1) }, "extra"},
		{"a space", func() string { return soundList(nil) + " " }, "not written as regsnap writes it"},
		{"format 0", func() string { return strings.Replace(soundList(nil), `"format":1`, `"format":0`, 1) }, "is not the number of a format"},
		{"nothing", func() string { return "" }, "not a document"},
	} {
		_, err := DecodeManifestList([]byte(c.body()))
		outcome(t, c.what, err, c.want)
	}
}

func soundList(change func(*ManifestList)) string {
	m := soundManifest()
	l := &ManifestList{Format: manifestListVersion, Packages: m.Packages, Responses: m.Responses}
	if change != nil {
		change(l)
	}
	return string(l.Encode())
}
