package layout

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

var someSHA256 = strings.Repeat("ab", 32)

func soundManifest() *Manifest {
	return &Manifest{
		Format: WholeManifest, Environment: "production", Regsnap: "1.0.0", Render: 1,
		Branches: []ManifestBranch{{Name: "production", Commit: strings.Repeat("0", 40), Time: time.Date(2022, 12, 1, 17, 20, 31, 0, time.UTC), Packages: 1}},
		Routes:   ObjectDigest{Size: 1, SHA256: someSHA256},
		Packages: []ManifestPackage{{Name: "a", Version: "1.0.0", Revision: strings.Repeat("0", 20), Branch: "production", Source: strings.Repeat("1", 40), Contents: someSHA256, Document: DigestOf(nil)}},
		Responses: []ManifestResponse{
			{Digest: Digest(strings.Repeat("0", 32)), Size: 1, SHA256: someSHA256},
			{Digest: Digest(strings.Repeat("1", 32)), Size: 2000, SHA256: someSHA256, Gzip: 500},
		},
	}
}

// outcome compares an error of a reader with what it is to be: empty for none,
// and otherwise damage that is described by the text.
func outcome(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s is refused: %v", what, err)
	case want != "" && (!errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want damage: %s", what, err, want)
	}
}

// TestManifestIsChecked changes one field after another, to what is just still
// right and to what is not.
func TestManifestIsChecked(t *testing.T) {
	const gigabyte = 1 << 30
	for _, c := range []struct {
		what   string
		change func(*Manifest)
		want   string
	}{
		{"a sound one", func(*Manifest) {}, ""},
		{"no package and no response", func(m *Manifest) { m.Packages, m.Responses = []ManifestPackage{}, []ManifestResponse{} }, ""},
		{"the largest response", func(m *Manifest) { m.Responses[1].Size, m.Responses[1].Gzip = gigabyte, gigabyte }, ""},
		{"a slice", func(m *Manifest) { m.Slice = &SliceOf{Snapshot: testID(1)} }, ""},
		{"a catalogue before there were any", func(m *Manifest) { m.Format, m.Catalogue = bareManifest, new(ManifestCatalogue) }, "does not go with what it says of a catalogue"},
		{"no catalogue where there always was one", func(m *Manifest) { m.Format = catalogueManifest }, "does not go with what it says of a catalogue"},
		{"environment", func(m *Manifest) { m.Environment = "Production" }, "is not a name"},
		{"slice of nothing", func(m *Manifest) { m.Slice = &SliceOf{Snapshot: "x"} }, "not a snapshot id"},
		{"digest of the routes", func(m *Manifest) { m.Routes.SHA256 = someSHA256[1:] }, "of the routes"},
		{"size of the routes", func(m *Manifest) { m.Routes.Size = -1 }, "of the routes"},
		{"routes that are too large", func(m *Manifest) { m.Routes.Size = gigabyte + 1 }, "of the routes"},
		{"order of responses", func(m *Manifest) { slices.Reverse(m.Responses) }, "not sorted"},
		{"name of a package", func(m *Manifest) { m.Packages[0].Name = "A" }, "is malformed"},
		{"revision", func(m *Manifest) { m.Packages[0].Revision = strings.Repeat("0", 19) }, "is malformed"},
		{"length of the contents' digest", func(m *Manifest) { m.Packages[0].Contents = someSHA256 + "0" }, "is malformed"},
		{"digits of the contents' digest", func(m *Manifest) { m.Packages[0].Contents = strings.ToUpper(someSHA256) }, "is malformed"},
		{"digest of a response", func(m *Manifest) { m.Responses[0].Digest = "" }, "digest"},
		{"size of a response", func(m *Manifest) { m.Responses[1].Size = gigabyte + 1 }, "size or digest is malformed"},
		{"negative size", func(m *Manifest) { m.Responses[1].Size = -1 }, "size or digest is malformed"},
		{"content of a response", func(m *Manifest) { m.Responses[1].SHA256 = strings.Repeat("g", 64) }, "size or digest is malformed"},
		{"negative twin", func(m *Manifest) { m.Responses[1].Gzip = -1 }, "size or digest is malformed"},
		{"too large a twin", func(m *Manifest) { m.Responses[1].Gzip = gigabyte + 1 }, "size or digest is malformed"},
	} {
		m := soundManifest()
		c.change(m)
		_, err := DecodeManifest(m.Encode(), m.Environment, m.ID())
		outcome(t, c.what, err, c.want)
	}
	m := soundManifest()
	_, err := DecodeManifest(m.Encode(), "staging", m.ID())
	outcome(t, "of another environment", err, "it is of environment production")
	_, err = DecodeManifest(m.Encode(), "production", testID(1))
	outcome(t, "of another snapshot", err, "its content has the id "+m.ID())
	spaced := append(m.Encode(), ' ')
	_, err = DecodeManifest(spaced, "production", m.IDOf(spaced))
	outcome(t, "a space behind", err, "not written as regsnap writes it")
}

// TestOrigin: what a manifest begins with says where the snapshot is from.
func TestOrigin(t *testing.T) {
	m := soundManifest()
	whole := string(m.Encode())
	head, _, _ := strings.Cut(whole, `"routes"`)
	for what, c := range map[string]struct{ text, want string }{
		"the head":                {head, ""},
		"the whole":               {whole, ""},
		"no document":             {"[", "not a document"},
		"cut in the branches":     {head[:len(head)-20], "branches"},
		"cut before the branches": {head[:strings.Index(head, `"branches"`)], "EOF"},
		"another field first":     {strings.Replace(head, `"environment"`, `"environments"`, 1), "environments where one of"},
		"a field of another type": {strings.Replace(head, `"environment":"production"`, `"environment":3`, 1), "environment: "},
		"a field twice":           {strings.Replace(head, `"regsnap"`, `"environment"`, 1), "environment where one of"},
		"a name that is no text":  {strings.Replace(head, `"regsnap":"1.0.0"`, `7:7`, 1), "manifest: "},
	} {
		got, err := DecodeOrigin([]byte(c.text))
		outcome(t, what, err, c.want)
		if err == nil && (got.Environment != "production" || len(got.Branches) != 1 || !got.Branches[0].Equal(m.Branches[0])) {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// TestBranchEqual: every field counts, and a time in any zone.
func TestBranchEqual(t *testing.T) {
	b := soundManifest().Branches[0]
	b.Author, b.Subject, b.Hidden = "ada", "push", 2
	same := b
	same.Time = b.Time.In(time.FixedZone("", 3600))
	if !b.Equal(same) {
		t.Error("the same time in another zone is another state")
	}
	for what, change := range map[string]func(*ManifestBranch){
		"name": func(b *ManifestBranch) { b.Name = "x" }, "commit": func(b *ManifestBranch) { b.Commit = "x" },
		"time": func(b *ManifestBranch) { b.Time = b.Time.Add(1) }, "author": func(b *ManifestBranch) { b.Author = "x" },
		"subject": func(b *ManifestBranch) { b.Subject = "x" }, "packages": func(b *ManifestBranch) { b.Packages++ }, "hidden": func(b *ManifestBranch) { b.Hidden++ },
	} {
		other := b
		change(&other)
		if b.Equal(other) || other.Equal(b) {
			t.Errorf("another %s is the same state", what)
		}
	}
}

// TestContentsAreChecked is TestManifestIsChecked for contents.json.
func TestContentsAreChecked(t *testing.T) {
	at := func(offset int64) *int64 { return &offset }
	rev := Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	for _, c := range []struct {
		what   string
		change func(*Contents)
		want   string
	}{
		{"a sound one", func(*Contents) {}, ""},
		{"a signature", func(c *Contents) { c.Signature = &ObjectDigest{Size: 9, SHA256: someSHA256} }, ""},
		{"an empty file", func(c *Contents) { c.Files[1].Size = 0 }, ""},
		{"a stream at the very end", func(c *Contents) { c.Files[0].Deflate = &Deflate{Offset: 96, Size: 3} }, ""},
		{"a stream of the whole archive", func(c *Contents) { c.Files[0].Deflate = &Deflate{Size: 99} }, ""},
		{"name", func(c *Contents) { c.Name = "A" }, "package name"},
		{"another package", func(c *Contents) { c.Name = "b" }, "it is of b-1.0.0"},
		{"another version", func(c *Contents) { c.Version = "1.0.1" }, "it is of a-1.0.1"},
		{"archive", func(c *Contents) { c.Archive.SHA256 = "" }, "archive or its signature"},
		{"signature", func(c *Contents) { c.Signature = &ObjectDigest{Size: -1, SHA256: someSHA256} }, "archive or its signature"},
		{"order", func(c *Contents) { slices.Reverse(c.Files) }, "not sorted"},
		{"a path twice", func(c *Contents) { c.Files[1].Path = c.Files[0].Path }, "not sorted"},
		{"size", func(c *Contents) { c.Files[1].Size = -1 }, "fields.yml: size or digest"},
		{"digest", func(c *Contents) { c.Files[1].SHA256 = "x" }, "fields.yml: size or digest"},
		{"a stream before the archive", func(c *Contents) { c.Files[0].Deflate.Offset = -1 }, "outside of the archive"},
		{"a stream of negative size", func(c *Contents) { c.Files[0].Deflate.Size = -1 }, "outside of the archive"},
		{"a stream behind the archive", func(c *Contents) { c.Files[0].Deflate = &Deflate{Offset: 97, Size: 3} }, "outside of the archive"},
		{"stored at the very end", func(c *Contents) { c.Files[1].Stored = at(98) }, ""},
		{"stored before the archive", func(c *Contents) { c.Files[1].Stored = at(-1) }, "outside of the archive"},
		{"stored behind the archive", func(c *Contents) { c.Files[1].Stored = at(99) }, "outside of the archive"},
		{"stored and far behind the archive", func(c *Contents) { c.Files[1].Stored = at(math.MaxInt64) }, "outside of the archive"},
		{"stored and longer than the archive", func(c *Contents) { c.Files[1].Size = 100 }, "outside of the archive"},
		{"a stream that would end behind all numbers", func(c *Contents) { c.Files[0].Deflate = &Deflate{Offset: math.MaxInt64, Size: 3} }, "outside of the archive"},
		{"nowhere", func(c *Contents) { c.Files[1].Stored = nil }, "no or two places"},
		{"in two places", func(c *Contents) { c.Files[1].Deflate = &Deflate{Size: 1} }, "no or two places"},
		{"an object that is stored", func(c *Contents) { c.Files[1].Object = true }, "is an object, and yet"},
		{"as large as one may be that is no object", func(c *Contents) { c.Archive.Size, c.Files[1].Size = 1<<20, LargestArchived }, ""},
		{"too large for no object", func(c *Contents) { c.Archive.Size, c.Files[1].Size = 1<<20, LargestArchived+1 }, "has more than 524288 bytes"},
		{"a stream that is too large for no object", func(c *Contents) {
			c.Archive.Size, c.Files[0].Object, c.Files[0].Deflate = 1<<20, false, &Deflate{Size: LargestArchived + 1}
		}, "has more than 524288 bytes"},
		{"a large object", func(c *Contents) { c.Files[0].Size = LargestArchived + 1 }, ""},
		{"the format before", func(c *Contents) { c.Format, c.Files[0].Object, c.Files[1].Stored = 1, false, nil }, ""},
		{"the format before, which knows no objects", func(c *Contents) { c.Format, c.Files[1].Stored = 1, nil }, "says where it is"},
		{"the format before, which knows no places", func(c *Contents) { c.Format, c.Files[0].Object = 1, false }, "says where it is"},
	} {
		contents := &Contents{
			Format: ContentsFormat, Name: "a", Version: "1.0.0", Archive: ObjectDigest{Size: 99, SHA256: someSHA256},
			Files: []ContentsFile{
				{Path: "docs/README.md", Size: 4, SHA256: someSHA256, Type: "text/markdown", Object: true, Deflate: &Deflate{Offset: 40, Size: 3, CRC32: 7}},
				{Path: "fields/fields.yml", Size: 1, SHA256: someSHA256, Type: "text/yaml", Stored: at(7)},
			},
		}
		c.change(contents)
		_, err := DecodeContents(contents.Encode(), rev)
		outcome(t, c.what, err, c.want)
	}
	c := &Contents{Files: []ContentsFile{{Path: "b"}, {Path: "a"}, {Path: "c"}}}
	c.Sort()
	if c.Files[0].Path != "a" || c.Files[2].Path != "c" || c.Find("b") != &c.Files[1] || c.Find("bb") != nil {
		t.Errorf("sorted: %+v", c.Files)
	}
}

// TestPointerBounds: what a pointer may just still say.
func TestPointerBounds(t *testing.T) {
	moves := func(n int) []Move {
		out := make([]Move, n)
		for i := range out {
			out[i] = Move{Snapshot: testID(1), Kind: MovePublish}
		}
		return out
	}
	for _, c := range []struct {
		what   string
		change func(*Pointer)
		want   string
	}{
		{"no move", func(p *Pointer) { p.Moves, p.Generation = nil, 0 }, ""},
		{"as many moves as are kept", func(p *Pointer) { p.Moves, p.Generation = moves(MaxMoves), MaxMoves }, ""},
		{"as many as were kept before the audit log", func(p *Pointer) { p.Moves, p.Generation = moves(50), 50 }, ""},
		{"one more", func(p *Pointer) { p.Moves, p.Generation = moves(51), 51 }, "51 moves"},
		{"a move more than writes", func(p *Pointer) { p.Moves, p.Generation = moves(3), 2 }, "3 moves in generation 2"},
		{"no previous", func(p *Pointer) { p.Previous = "" }, ""},
		{"previous", func(p *Pointer) { p.Previous = "x" }, "previous"},
		{"the longest note", func(p *Pointer) {
			p.Moves[0].By, p.Moves[0].Reason = strings.Repeat("ü", MaxBy), strings.Repeat("ü", MaxReason)
		}, ""},
		{"whose pin", func(p *Pointer) { p.Pinned = &Pin{By: strings.Repeat("x", MaxBy+1)} }, "pinned: the name is longer"},
		{"why pinned", func(p *Pointer) { p.Pinned = &Pin{Reason: strings.Repeat("x", MaxReason+1)} }, "pinned: the reason is longer"},
		{"a rollback that pins", func(p *Pointer) { p.Moves[0].Kind, p.Moves[0].Pin = MoveRollback, true }, ""},
		{"a publish that pins", func(p *Pointer) { p.Moves[0].Pin = true }, "does not pin"},
		{"a move to nothing", func(p *Pointer) { p.Moves[1].Snapshot = "" }, "move 1: snapshot"},
		{"environment", func(p *Pointer) { p.Environment = "staging" }, "it is of environment staging"},
	} {
		p := Pointer{Format: PointerFormat, Environment: "production", Snapshot: testID(1), Previous: testID(2), Generation: 7, Moves: moves(2)}
		c.change(&p)
		_, err := DecodePointer(p.Encode(), "production")
		outcome(t, c.what, err, c.want)
	}
}

// TestPublished: each snapshot once, at its last publish; going back to one or
// holding it does not publish it.
func TestPublished(t *testing.T) {
	p := Pointer{Moves: []Move{
		{Snapshot: testID(3), Kind: MovePin}, {Snapshot: testID(2), Kind: MoveRollback}, {Snapshot: testID(1), Kind: MovePublish},
		{Snapshot: testID(2), Kind: MovePublish}, {Snapshot: testID(1), Kind: MovePublish},
	}}
	if got, want := p.Published(), []string{testID(1), testID(2)}; !slices.Equal(got, want) {
		t.Errorf("published %v, want %v", got, want)
	}
}

// TestNumbersOfFormats: the number is looked at before anything else, also of
// what is cut off behind it or too large to be read.
func TestNumbersOfFormats(t *testing.T) {
	f := format{"thing", 2, 4, 100}
	for text, want := range map[string]error{
		`{"format":1`: ErrOutdated, `{"format":2`: nil, `{"format":4`: nil, `{"format":5`: ErrNewer, `{"format":99999999999999999999`: ErrNewer,
		`{"a":[1,{"format":9}],"format":3`: nil, `{"format":0`: ErrDamaged, `{"format":-1`: ErrDamaged, `{"format":-99999999999999999999`: ErrDamaged,
		`{"format":2.5`: ErrDamaged, `{"format":"2"`: nil, `{"format":"x"`: ErrDamaged, `{"format":null`: ErrDamaged, `{`: ErrDamaged, `{}`: ErrDamaged, `{"a":1}`: ErrDamaged, `{"a":`: ErrDamaged, `[5]`: ErrDamaged, ``: ErrDamaged,
	} {
		if err := f.check([]byte(text)); !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", text, err, want)
		}
	}
	err := f.check([]byte(`{"format":{}}`))
	outcome(t, "what is not a number", err, "the number of its format: ")
	for text, want := range map[string]string{`{}`: "it has no number of its format", `{"a":`: "it has no number of its format: ", `{"a`: "it has no number of its format: "} {
		outcome(t, text, f.check([]byte(text)), want)
	}
	var v struct {
		Format int
		A      string
	}
	for n, want := range map[int]string{100 - 19: "", 100 - 18: "more than 100 bytes"} {
		err := f.read(fmt.Appendf(nil, `{"format":3,"A":"%s"}`, strings.Repeat("x", n)), &v)
		outcome(t, fmt.Sprint(n, " letters"), err, want)
	}
}

// TestSizes: how large the object at a key may be, and what one that is larger
// is called: newer if it says so, and otherwise damaged.
func TestSizes(t *testing.T) {
	rev := Revision{Name: "a", Version: "1.0.0", ID: strings.Repeat("0", 20)}
	for key, want := range map[string]int64{
		PointerKey("production"):                512 << 10,
		LeaseKey("0123456789abcdef"):            16 << 10,
		ManifestKey("production", testID(1)):    128 << 20,
		RoutesKey("production", testID(1)):      64 << 20,
		rev.ContentsKey():                       64 << 20,
		rev.ArchiveKey():                        1 << 30,
		rev.FileKey("manifest.json"):            1 << 30,
		ResponseKey(DigestOf(nil)):              1 << 30,
		"snapshots/production/x/something.json": 1 << 30,
	} {
		if got := MaxSize(key); got != want {
			t.Errorf("%s: %d, want %d", key, got, want)
		}
		for begin, newer := range map[string]bool{`{"format":99,`: key != rev.ArchiveKey() && want < 1<<30, `{"format":1,`: false, `x`: false} {
			err := TooLarge(key, []byte(begin))
			if errors.Is(err, ErrNewer) != newer || errors.Is(err, ErrDamaged) == newer && !errors.Is(err, ErrOutdated) {
				t.Errorf("%s that begins with %s: %v", key, begin, err)
			}
		}
	}
	if err := TooLarge(RoutesKey("production", testID(1)), []byte(`{"format":1,`)); !errors.Is(err, ErrOutdated) {
		t.Errorf("old routes that are too large: %v", err)
	}
}

// TestCacheBounds: from no time to a year.
func TestCacheBounds(t *testing.T) {
	const year = 365 * 24 * 3600
	for _, c := range []struct {
		CachePolicy
		valid bool
	}{
		{CachePolicy{0, 0}, true}, {CachePolicy{year, year}, true}, {CachePolicy{-1, 0}, false}, {CachePolicy{0, -1}, false},
		{CachePolicy{year + 1, 0}, false}, {CachePolicy{0, year + 1}, false},
	} {
		if err := c.Validate(); (err == nil) != c.valid {
			t.Errorf("%+v: %v", c.CachePolicy, err)
		}
	}
}

// TestColumns: numbers keep their place at every width, and a column is exactly
// as wide as its largest number.
func TestColumns(t *testing.T) {
	for _, c := range []struct {
		numbers []int
		text    string
	}{
		{nil, ""}, {[]int{0}, "A"}, {[]int{63, 0}, "_A"}, {[]int{64, 1}, "BAAB"}, {[]int{4095}, "__"}, {[]int{4096}, "BAA"},
		{[]int{1<<30 - 1, 2}, "_____AAAAC"},
	} {
		if got := pack(c.numbers); got != c.text {
			t.Errorf("%v is packed as %q, want %q", c.numbers, got, c.text)
		}
		if got, err := unpack(c.text, len(c.numbers)); err != nil || !slices.Equal(got, c.numbers) {
			t.Errorf("%q is unpacked as %v, %v; want %v", c.text, got, err, c.numbers)
		}
	}
	for _, c := range []struct {
		text string
		n    int
	}{{"A", 0}, {"", 1}, {"AAA", 2}, {"AAAAAA", 1}, {"A+", 2}, {"A=", 2}} {
		if got, err := unpack(c.text, c.n); err == nil {
			t.Errorf("%q for %d rows is unpacked as %v", c.text, c.n, got)
		}
	}
}

// TestEscapes: what the cut of an over-long element may not do is end in the
// middle of an escape; and a name that only ends like a special one is plain.
func TestEscapes(t *testing.T) {
	for _, c := range []struct{ element, want string }{
		{"a.attrs.attrs", "a.attrs=2Eattrs"}, {".attrs", "=2Eattrs"}, {"attrs", "attrs"}, {"x.attrs.y", "x.attrs.y"},
		{".", "=2E"}, {"...", "=2E=2E=2E"}, {".a", ".a"}, {"09:@AZ[`az{/,.-_", "09=3A=40AZ=5B=60az=7B=2F,.-_"}, {strings.Repeat("a", 220), strings.Repeat("a", 220)},
		// 217 letters and an escape are 220 bytes, 218 are too many.
		{strings.Repeat("a", 217) + " ", strings.Repeat("a", 217) + "=20"},
	} {
		if got := escapeElement(c.element); got != c.want {
			t.Errorf("%q is escaped as %q, want %q", c.element, got, c.want)
		}
	}
	for before, kept := range map[int]int{156: 156, 157: 160, 158: 158, 159: 159, 160: 160} {
		element := strings.Repeat("a", before) + " " + strings.Repeat("b", 80)
		got := escapeElement(element)
		if before == 156 {
			kept = 160 // "=20" and one letter more
		}
		if cut := strings.LastIndex(got, "=-"); cut != kept || len(got) != kept+2+32 {
			t.Errorf("with an escape at %d: cut at %d, want %d: %s", before, cut, kept, got)
		}
	}
	if got := escapeElement(strings.Repeat("a", 218) + " "); len(got) != 160+2+32 {
		t.Errorf("one byte too many is not cut: %s", got)
	}
}

// TestCutParts: a part is at least half a mebibyte, but for the last, and never
// much more than the largest.
func TestCutParts(t *testing.T) {
	const least, largest = 512 << 10, 1536 << 10
	names, blocks := make([]string, 300), make([]int, 300)
	for i := range names {
		names[i], blocks[i] = fmt.Sprintf("name_%03d", i), 20_000+i*7
	}
	for _, c := range []struct {
		what   string
		names  []string
		blocks []int
		want   []int
	}{
		{"nothing", nil, nil, nil},
		{"one small block", names[:1], blocks[:1], []int{1}},
		{"a block of the least size, whose name ends a part", []string{ending(leastPart), "z"}, []int{leastPart, 1}, []int{1, 1}},
		{"a block that is one byte less", []string{ending(leastPart), "z"}, []int{leastPart - 1, 1}, []int{2}},
		{"blocks of the largest size", names[:3], []int{largest, largest, 1}, []int{1, 1, 1}},
		{"a block that is one byte less, whose name does not end a part", []string{"b"}, []int{largest - 1}, []int{1}},
	} {
		if got := CutParts(c.names, c.blocks); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	// Where no name ends a piece it has twice as much as the usual one: 2 × (10 + 128).
	never := make([]string, 6)
	for i := range never {
		never[i] = unending(i)
	}
	for _, c := range []struct {
		blocks []int
		want   []int
	}{
		{[]int{63, 63, 63, 63, 24, 9}, []int{5, 1}}, {[]int{63, 63, 63, 63, 23, 9}, []int{6}}, {[]int{63, 63, 63, 63, 23, 1}, []int{6}},
	} {
		if got := cut(never, c.blocks, 10, 128); !slices.Equal(got, c.want) {
			t.Errorf("blocks of %v where no name ends a piece: %v, want %v", c.blocks, got, c.want)
		}
	}
	at := 0
	parts := CutParts(names, blocks)
	for i, n := range parts {
		size := 0
		for _, b := range blocks[at : at+n] {
			size += b
		}
		at += n
		if n < 1 || size-blocks[at-1] >= largest || i < len(parts)-1 && size < least {
			t.Errorf("part %d has %d names and %d bytes", i, n, size)
		}
	}
	if at != len(names) || len(parts) < 4 {
		t.Errorf("%d parts with %d names of %d", len(parts), at, len(names))
	}
}

// ending is a name that ends a part if its block is that large.
func ending(block int) string {
	for i := 0; ; i++ {
		if name := fmt.Sprint("a", i); ends(name, block, usualPart) {
			return name
		}
	}
}

// unending is a name that ends no piece of the usual size 128 by a block of up to 63 bytes:
// its digest is among the last of 256.
func unending(i int) string {
	for n := 0; ; n++ {
		name := fmt.Sprint("u", i, "_", n)
		if sum := sha256.Sum256([]byte(name)); sum[0] == 0xff {
			return name
		}
	}
}

// TestEnds: whether a part may end depends on the name and on the power of two
// above its block, with the probability that the size asks for.
func TestEnds(t *testing.T) {
	ended := 0
	for i := range 20_000 {
		name := fmt.Sprint("n", i)
		if ends(name, 10_000, usualPart) != ends(name, 16_000, usualPart) {
			t.Fatalf("%s: a block that grows within its power of two decides otherwise", name)
		}
		if ends(name, 10_000, usualPart) {
			ended++
		}
	}
	// 16,384 of 262,144 bytes: one in sixteen.
	if ended < 1100 || ended > 1400 {
		t.Errorf("%d of 20,000 names end a part, want about 1,250", ended)
	}
}
