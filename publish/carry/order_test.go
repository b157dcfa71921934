package carry

import (
	"errors"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store"
)

// bucketWith is a bucket in memory with a pointer, unless that names no environment.
func bucketWith(t *testing.T, p layout.Pointer) *publish.Bucket {
	t.Helper()
	s, err := store.Open(t.Context(), "mem://", store.Options{})
	if err == nil && p.Environment != "" {
		p.Format, p.Generation = layout.PointerFormat, int64(len(p.Moves))
		err = s.Swap(t.Context(), layout.PointerKey(p.Environment), p.Encode(), "")
	}
	if err != nil {
		t.Fatal(err)
	}
	b := publish.In(s)
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// TestByRecord: what the source says of the order of two snapshots.
func TestByRecord(t *testing.T) {
	id := func(n string) string { return "20240101T000000Z-" + strings.Repeat(n, 12) }
	moved := func(kind layout.MoveKind, ids ...string) (moves []layout.Move) {
		for _, n := range ids {
			moves = append(moves, layout.Move{Snapshot: id(n), Kind: kind})
		}
		return moves
	}
	published := bucketWith(t, layout.Pointer{Environment: "production", Snapshot: id("3"), Moves: moved(layout.MovePublish, "3", "2", "1")})
	back := bucketWith(t, layout.Pointer{Environment: "production", Snapshot: id("9"), Moves: append(moved(layout.MoveRollback, "9"), moved(layout.MovePublish, "3", "2")...)})
	ordered := func(n, of string) *publish.Ordered {
		m := &layout.Manifest{}
		if of != "" {
			m.Slice = &layout.SliceOf{Snapshot: id(of)}
		}
		return &publish.Ordered{ID: id(n), Manifest: m}
	}
	for _, c := range []struct {
		what                     string
		from                     *publish.Bucket
		now, nowOf, next, nextOf string
		want                     error
	}{
		{"the next", published, "1", "", "2", "", nil},
		{"the one after the next", published, "1", "", "3", "", nil},
		{"the one before", published, "2", "", "1", "", publish.ErrOlder},
		{"the same", published, "2", "", "2", "", nil},
		{"the same, of a source without a pointer", bucketWith(t, layout.Pointer{}), "2", "", "2", "", nil},
		{"another slice of it", published, "a", "2", "b", "2", nil},
		{"its whole", published, "a", "2", "2", "", nil},
		{"a slice of the next", published, "a", "1", "b", "2", nil},
		{"a slice of the one before", published, "a", "3", "b", "2", publish.ErrOlder},
		{"what was never published", published, "2", "", "7", "", publish.ErrOlder},
		{"over what was never published, the live one", published, "7", "", "3", "", nil},
		{"over what was never published, another", published, "7", "", "2", "", publish.ErrUnordered},
		{"neither was", published, "7", "", "8", "", publish.ErrUnordered},
		{"over what was never published, what is live again", back, "7", "", "9", "", publish.ErrUnordered},
		{"the newest that was published, over what is live again", back, "9", "", "3", "", publish.ErrUnordered},
		{"the first of the record", back, "2", "", "3", "", nil},
		{"a source without a pointer", bucketWith(t, layout.Pointer{}), "1", "", "2", "", publish.ErrUnordered},
	} {
		diverged, err := byRecord(c.from, "production")(t.Context(), ordered(c.now, c.nowOf), ordered(c.next, c.nextOf))
		if !errors.Is(err, c.want) || err != nil && c.want == nil || diverged != nil {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// TestLiveSlice: which slice need not be made, because it is live.
func TestLiveSlice(t *testing.T) {
	slice := layout.Slice{Packages: []string{"a", "b"}}
	same := func() *layout.Manifest {
		return &layout.Manifest{Environment: "production", Regsnap: "1", Render: build.RenderVersion, Slice: &layout.SliceOf{Snapshot: "of", Slice: slice}}
	}
	other := &layout.Manifest{Environment: "production", Regsnap: "1", Render: build.RenderVersion}
	for what, c := range map[string]struct {
		change func(*layout.Manifest)
		want   bool
	}{
		"the same":            {func(*layout.Manifest) {}, true},
		"another environment": {func(m *layout.Manifest) { m.Environment = "staging" }, false},
		"another version":     {func(m *layout.Manifest) { m.Regsnap = "2" }, false},
		"another render":      {func(m *layout.Manifest) { m.Render-- }, false},
		"no slice":            {func(m *layout.Manifest) { m.Slice = nil }, false},
		"of another snapshot": {func(m *layout.Manifest) { m.Slice.Snapshot = "other" }, false},
		"of other packages":   {func(m *layout.Manifest) { m.Slice.Packages = []string{"a"} }, false},
		"of a query as well":  {func(m *layout.Manifest) { m.Slice.Queries = []layout.SliceQuery{{Query: "x"}} }, false},
	} {
		m := same()
		c.change(m)
		b := bucketWith(t, layout.Pointer{})
		o := Options{Environment: "production", Regsnap: "1", Slice: layout.Slice{Packages: []string{"b", "a", "a"}}, To: b.Lease(publish.LeaseOptions{Live: []*layout.Manifest{other, m}})}
		got, err := o.live(t.Context(), "of")
		if want := m.ID(); err != nil || (got == want) != c.want || got != "" && got != want {
			t.Errorf("%s: %q, %v", what, got, err)
		}
		o.Slice.Packages = []string{"A"}
		if got, err := o.live(t.Context(), "of"); err == nil || got != "" {
			t.Errorf("%s: what cannot be a slice: %q, %v", what, got, err)
		}
		if err := o.To.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestParseMatrix: what a file of the download tool says, and what none does.
func TestParseMatrix(t *testing.T) {
	for text, want := range map[string]string{
		"queries: [{}]":                                "exact=true",
		"packages: [{name: a, version: 1.0.0}]":        "a-1.0.0",
		"packages: [{name: a, version: 3.10}]":         "a-3.10",
		"address: x\nactions: [{a: b}]\nqueries: [{}]": "exact=true",
		"queries: [{package: p, type: t, kibana.version: 8.10, spec.min: 2.30, spec.max: 3.0, all: true, prerelease: true}]": "all=true&exact=true&kibana.version=8.10&package=p&prerelease=true&spec.max=3.0&spec.min=2.30&type=t",
		"queries: [{all: false, prerelease: false}]":                                                "exact=true",
		"matrix: [{type: a}, {type: b}]\nqueries: [{}, {package: p}, {type: c}]":                    "exact=true&type=a exact=true&package=p&type=a exact=true&type=c exact=true&type=b exact=true&package=p&type=b exact=true&type=c",
		"version.limit: 4\nmatrix: [{version.limit: 3}, {}]\nqueries: [{version.limit: 2}, {}]":     "exact=true@2 exact=true@3 exact=true@2 exact=true@4",
		"version.limit: 4\nqueries: [{version.limit: 0}, {version.limit: -1}]":                      "exact=true exact=true",
		"version.limit: 1\nqueries: [{}]\npackages: [{name: a, version: 1}, {name: b, version: 2}]": "exact=true@1 a-1 b-2",

		"":                      "! neither queries nor packages",
		"matrix: [{}]":          "! neither queries nor packages",
		"queries: []":           "! neither queries nor packages",
		"packages: [{name: a}]": "! packages[0]: a package is pinned by name and version",
		"queries: [{}]\npackages: [{name: a, version: 1}, {version: 1}]": "! packages[1]: a package is pinned by name and version",
		"querys: [{}]":                  "! querys",
		"queries: [{packages: p}]":      "! packages",
		"queries:\n- {package: [a, b]}": "! line 2: want a single value",
		"queries: {":                    "! ",
	} {
		m, err := ParseMatrix([]byte(text))
		if wrong, fails := strings.CutPrefix(want, "! "); fails {
			if err == nil || m != nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%s: %v, want %q", text, err, wrong)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for _, q := range m.Slice().Queries {
			if q.Versions != 0 {
				q.Query += "@" + string(rune('0'+q.Versions))
			}
			got = append(got, q.Query)
		}
		if got = append(got, m.Slice().Packages...); strings.Join(got, " ") != want {
			t.Errorf("%s asks for %q, want %q", text, got, want)
		}
	}
}
