package build

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// A live snapshot that contradicts itself is refused before anything is taken
// from it.
func TestLiveIsWhole(t *testing.T) {
	table := planTable(t)
	live := func() Live {
		m := &layout.Manifest{Environment: "test", Render: RenderVersion}
		for row := range table.Rows() {
			rev := table.Revision(row)
			m.Packages = append(m.Packages, layout.ManifestPackage{Name: rev.Name, Version: rev.Version, Revision: rev.ID, Document: table.Document(row)})
			m.Responses = append(m.Responses, layout.ManifestResponse{Digest: table.Document(row)})
		}
		slices.SortFunc(m.Responses, func(a, b layout.ManifestResponse) int { return cmp.Compare(a.Digest, b.Digest) })
		return Live{Manifest: m, Routes: table.Routes}
	}
	s, err := newLive(live())
	if err != nil || len(s.rows) != table.Rows() {
		t.Fatalf("%v, %+v", err, s)
	}
	for _, c := range []struct {
		want  string
		spoil func(m *layout.Manifest)
	}{
		{"the manifest lists 5 packages, the routes 6", func(m *layout.Manifest) { m.Packages = m.Packages[1:] }},
		{"manifest and routes disagree on row 0", func(m *layout.Manifest) { m.Packages[0].Version = "9.9.9" }},
		{"does not list the document of ", func(m *layout.Manifest) { m.Responses = m.Responses[1:] }},
	} {
		l := live()
		c.spoil(l.Manifest)
		if _, err := newLive(l); err == nil || !strings.HasPrefix(err.Error(), "live snapshot of test: ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %s", err, c.want)
		}
	}
}
