package edgetest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/layout"
)

// Synthetic is the bucket of an environment of any size, as far as an edge
// reads it, in a folder.
type Synthetic struct {
	Env, Dir string
	// Snapshot is the live one; RoutesBytes is the size of its routes.json.
	Snapshot    string
	RoutesBytes int
	// Name and Version are of a package version whose document and archive are there.
	Name, Version string

	table *layout.Table
}

// What a real package storage has of each package version.
const (
	summaryBytes = 1400
	archiveBytes = 1 << 20
)

// rowsPerName is how many versions a package has. Real storages of two thousand
// have about twelve, and grow by versions more than by packages.
func rowsPerName(rows int) int {
	switch {
	case rows <= 2_000:
		return 12
	case rows <= 10_000:
		return 20
	}
	return 50
}

// NewSynthetic makes rows package versions. The objects are there of the
// searches in rendered, in which NAME is a package, and what a document and an
// archive of it need.
func NewSynthetic(t testing.TB, rows int, rendered ...string) *Synthetic {
	t.Helper()
	s := &Synthetic{Env: "production", Dir: t.TempDir(), Snapshot: "20240506T070809Z-0123456789ab"}
	routes := syntheticRoutes(t, s.Env, rows)
	table, err := layout.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	routes.Catalog = table.CatalogDigest()
	file := routes.Encode()
	s.RoutesBytes = len(file)
	s.write(t, layout.RoutesKey(s.Env, s.Snapshot), file)
	s.write(t, layout.PointerKey(s.Env), layout.Pointer{Format: layout.PointerFormat, Environment: s.Env, Snapshot: s.Snapshot}.Encode())

	fragment := func(row int) []byte {
		const open, end = "  {\n    \"name\": \"", "\"\n  }"
		// What differs from package to package, and what does not.
		text := routes.Documents[row*layout.DigestLen:][:layout.DigestLen] + strings.Repeat("the same in every summary, ", summaryBytes/10)
		return []byte(open + text[:routes.Sizes[row]-len(open)-len(end)] + end)
	}
	all := layout.Selection{}
	for row := range rows {
		all.Rows = append(all.Rows, row)
	}
	s.write(t, layout.ResponseKey(routes.Catalog), table.Assemble(all, fragment))
	row := rows / 2
	rev := routes.Revision(row)
	s.Name, s.Version = rev.Name, rev.Version
	s.table = table
	for _, target := range rendered {
		a := s.answer(t, strings.ReplaceAll(target, "NAME", s.Name))
		body := a.Body
		if !a.Query.Counting {
			body = table.Assemble(a.Selection, fragment)
		}
		s.write(t, layout.ResponseKey(a.Digest)+layout.GzipSuffix, encoded(t, body))
	}

	s.write(t, layout.ResponseKey(routes.Document(row))+layout.GzipSuffix, encoded(t, bytes.Repeat([]byte(" "), 20<<10)))
	archive := make([]byte, archiveBytes)
	sum := sha256.Sum256(archive)
	contents := layout.Contents{
		Format: layout.ContentsFormat, Name: rev.Name, Version: rev.Version,
		Archive: layout.ObjectDigest{Size: int64(len(archive)), SHA256: hex.EncodeToString(sum[:])},
	}
	for i := range 60 {
		contents.Files = append(contents.Files, layout.ContentsFile{Path: fmt.Sprintf("docs/%02d.md", i), Size: 1, SHA256: hex.EncodeToString(sum[:]), Type: "text/markdown; charset=utf-8"})
	}
	s.write(t, rev.ContentsKey(), contents.Encode())
	s.write(t, rev.ArchiveKey(), archive)
	return s
}

func (s *Synthetic) answer(t testing.TB, target string) layout.Answer {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	return s.table.Answer("GET", u)
}

// Response is the key of the response to a request, whether it is there or not.
func (s *Synthetic) Response(t testing.TB, target string) string {
	t.Helper()
	return layout.ResponseKey(s.answer(t, target).Digest)
}

// Routes is the file of the routes.
func (s *Synthetic) Routes() string {
	return filepath.Join(s.Dir, filepath.FromSlash(layout.RoutesKey(s.Env, s.Snapshot)))
}

func encoded(t testing.TB, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := z.Write(body)
	if err = errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func (s *Synthetic) write(t testing.TB, key string, content []byte) {
	t.Helper()
	file := filepath.Join(s.Dir, filepath.FromSlash(key))
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
}

// syntheticRoutes has tables as large as those of real storages, and larger
// where there are more packages.
func syntheticRoutes(t testing.TB, env string, rows int) *layout.Routes {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	r := &layout.Routes{
		Format: layout.RoutesFormat, Environment: env, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy,
		Catalog: layout.DigestOf(nil), Constraints: []layout.Ranges{{}}, Capabilities: [][]string{nil, {"security"}, {"observability"}, {"security", "uptime"}},
		Types: []string{"", "integration", "input", "content"}, Labels: [][]string{nil}, Templates: [][]layout.Template{nil},
		Discoveries: []layout.Discovery{{}, {Fields: []string{"process.pid"}}, {Datasets: []string{"system.cpu"}}},
	}
	for i := range 70 {
		r.Categories = append(r.Categories, layout.Category{ID: fmt.Sprintf("category_%02d", i), Title: fmt.Sprintf("Category %d", i)})
		if i >= 20 {
			r.Categories[i].Parent = r.Categories[i%20].ID
		}
	}
	for major := range 3 {
		for minor := range 19 {
			ranges, err := layout.RangesOf(fmt.Sprintf("^%d.%d.0 || ^%d.0.0", 7+major, minor, 8+major))
			if err != nil {
				t.Fatal(err)
			}
			r.Constraints = append(r.Constraints, ranges)
		}
	}
	for i := range 12 {
		r.Specs = append(r.Specs, layout.Spec{Major: uint64(1 + i/6), Minor: uint64(i % 6)})
	}
	category := func() string { return r.Categories[random.IntN(len(r.Categories))].ID }
	for range 100 + rows/1000 {
		r.Labels = append(r.Labels, []string{category(), category()})
		r.Templates = append(r.Templates, []layout.Template{{Categories: []string{category()}}, {}})
	}
	var ids strings.Builder
	digit := func(n int) string {
		b := make([]byte, (n+1)/2)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return hex.EncodeToString(b)[:n]
	}
	each := rowsPerName(rows)
	for row := range rows {
		if row%each == 0 {
			r.Names = append(r.Names, fmt.Sprintf("package_%06d", row/each))
			r.Starts = append(r.Starts, row)
		}
		r.Versions = append(r.Versions, fmt.Sprintf("1.%d.0", row%each))
		r.Flags = append(r.Flags, 0)
		r.Kibana = append(r.Kibana, random.IntN(len(r.Constraints)))
		r.Agent = append(r.Agent, random.IntN(3))
		r.Spec = append(r.Spec, random.IntN(len(r.Specs)))
		r.Type = append(r.Type, 1+random.IntN(3))
		r.Capability = append(r.Capability, random.IntN(10)/7)
		// A package keeps its categories, and its policy templates go with them.
		label := 1 + row/each*7%(len(r.Labels)-1)
		r.Label = append(r.Label, label)
		r.Template = append(r.Template, label/2)
		r.Discover = append(r.Discover, random.IntN(30)/28)
		r.Sizes = append(r.Sizes, summaryBytes/2+random.IntN(summaryBytes))
		ids.WriteString(digit(layout.DigestLen))
	}
	r.Documents, r.Summaries = ids.String(), ids.String()
	var revisions strings.Builder
	for row := range rows {
		revisions.WriteString(r.Documents[row*layout.DigestLen:][:20])
	}
	r.Revisions = revisions.String()
	return r
}
