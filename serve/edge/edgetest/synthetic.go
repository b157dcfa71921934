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
	"strconv"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
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

	table *answer.Table
}

// archiveBytes is the size of the archive that is there.
const archiveBytes = 1 << 20

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
	row, document := rows/2, bytes.Repeat([]byte(" "), 20<<10)
	at := row * layout.DigestLen
	routes.Documents = routes.Documents[:at] + string(layout.DigestOf(document)) + routes.Documents[at+layout.DigestLen:]
	blocks := syntheticCatalog(routes)
	table, err := answer.NewTable(routes)
	if err != nil {
		t.Fatal(err)
	}
	for first, i := 0, 0; i < len(routes.Catalog); i++ {
		p := &routes.Catalog[i]
		p.Digest = table.PartDigest(first, p.Names)
		s.write(t, layout.PartKey(p.Digest), bytes.Join(blocks[first:first+p.Names], nil))
		first += p.Names
	}
	routes.Every = table.EveryDigest()
	file := routes.Encode()
	s.RoutesBytes = len(file)
	s.write(t, layout.RoutesKey(s.Env, s.Snapshot), file)
	s.write(t, layout.PointerKey(s.Env), layout.Pointer{Format: layout.PointerFormat, Environment: s.Env, Snapshot: s.Snapshot}.Encode())
	rev := routes.Revision(row)
	s.Name, s.Version = rev.Name, rev.Version
	s.table = table
	for _, target := range rendered {
		a := s.answer(t, strings.ReplaceAll(target, "NAME", s.Name))
		body := a.Body
		if !a.Query.Counting {
			body, err = table.Assemble(a.Selection, func(dst []byte, row int) ([]byte, error) { return append(dst, summaryOf(routes, row)...), nil })
			if err != nil {
				t.Fatal(err)
			}
		}
		s.write(t, layout.ResponseKey(a.Digest)+layout.GzipSuffix, encoded(t, body))
	}

	s.write(t, layout.ResponseKey(routes.Document(row))+layout.GzipSuffix, encoded(t, document))
	archive := make([]byte, archiveBytes)
	sum := sha256.Sum256(archive)
	contents := layout.Contents{
		Format: layout.ContentsFormat, Name: rev.Name, Version: rev.Version,
		Archive: layout.ObjectDigest{Size: int64(len(archive)), SHA256: hex.EncodeToString(sum[:])},
	}
	for i := range 60 {
		contents.Files = append(contents.Files, layout.ContentsFile{Path: fmt.Sprintf("docs/%02d.md", i), Size: 1, Object: true, SHA256: hex.EncodeToString(sum[:]), Type: "text/markdown; charset=utf-8"})
	}
	s.write(t, rev.ContentsKey(), contents.Encode())
	s.write(t, rev.ArchiveKey(), archive)
	return s
}

func (s *Synthetic) answer(t testing.TB, target string) answer.Answer {
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
		Every: layout.DigestOf(nil), Constraints: []layout.Ranges{{}}, Capabilities: [][]string{nil, {"security"}, {"observability"}, {"security", "uptime"}},
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
		ids.WriteString(digit(layout.DigestLen))
	}
	r.Documents = ids.String()
	var revisions strings.Builder
	for row := range rows {
		revisions.WriteString(r.Documents[row*layout.DigestLen:][:20])
	}
	r.Revisions = revisions.String()
	return r
}

// syntheticCatalog makes the catalog's blocks, and says in the routes what is in
// them.
func syntheticCatalog(r *layout.Routes) [][]byte {
	var digests strings.Builder
	summaries := make([][]byte, r.Rows())
	for row := range summaries {
		summaries[row] = summaryOf(r, row)
		r.Sizes = append(r.Sizes, len(summaries[row]))
		digests.WriteString(string(layout.DigestOf(summaries[row])))
	}
	r.Summaries = digests.String()
	var blocks [][]byte
	for _, name := range r.Names {
		from, to := r.Versioned(name)
		block := answer.NewBlock(r.Versions[from:to], summaries[from:to])
		blocks = append(blocks, block)
		r.Blocks = append(r.Blocks, len(block))
	}
	for _, n := range layout.CutParts(r.Names, r.Blocks) {
		r.Catalog = append(r.Catalog, layout.Part{Names: n})
	}
	return blocks
}

// summaryOf is a summary as long as those of real packages, which differ from
// version to version as these do: by the version, which is there four times, the
// constraint, and a data stream that was added now and then.
func summaryOf(r *layout.Routes, row int) []byte {
	from, _ := r.Versioned(r.Name(row))
	var streams []string
	for i := range 1 + (row-from)/20 {
		streams = append(streams, strings.ReplaceAll(summaryStream, "I", strconv.Itoa(i)))
	}
	text := strings.NewReplacer("STREAMS", strings.Join(streams, ",\n"), "MINOR", strconv.Itoa((row-from)/3)).Replace(summaryText)
	return []byte(strings.NewReplacer("NAME", r.Name(row), "VERSION", r.Versions[row]).Replace(text))
}

const summaryStream = `      {
        "type": "logs",
        "dataset": "NAME.stream_I",
        "title": "Stream I of NAME"
      }`

const summaryText = `  {
    "name": "NAME",
    "title": "Package NAME",
    "version": "VERSION",
    "release": "ga",
    "description": "Collect logs and metrics from NAME.",
    "type": "integration",
    "download": "/epr/NAME/NAME-VERSION.zip",
    "path": "/package/NAME/VERSION",
    "icons": [
      {
        "src": "/img/logo.svg",
        "path": "/package/NAME/VERSION/img/logo.svg",
        "title": "logo",
        "size": "32x32",
        "type": "image/svg+xml"
      }
    ],
    "policy_templates": [
      {
        "name": "one",
        "title": "One of NAME"
      },
      {
        "name": "two",
        "title": "Two of NAME"
      }
    ],
    "conditions": {
      "kibana": {
        "version": "^8.MINOR.0"
      }
    },
    "owner": {
      "github": "example/integrations"
    },
    "data_streams": [
STREAMS
    ]
  }`
