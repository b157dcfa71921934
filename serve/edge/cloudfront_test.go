package edge_test

import (
	"archive/zip"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// functions writes the two functions of a distribution into a folder, and
// returns the files of their modules.
func functions(t *testing.T, o edge.CloudFrontOptions) (request, response string) {
	t.Helper()
	files, err := edge.CloudFront(o)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, f := range files[:2] {
		name := filepath.Join(dir, strings.TrimSuffix(f.Name, ".zip"))
		if err := os.Mkdir(name, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(name, "index.mjs"), unzipped(t, f.Content, "index.mjs"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "origin-request", "index.mjs"), filepath.Join(dir, "origin-response", "index.mjs")
}

func unzipped(t *testing.T, archive []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// behindCloudFront gives vectors to the functions the way that CloudFront does.
func behindCloudFront(t *testing.T, o edge.CloudFrontOptions, cases []edgetest.Case) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "vectors.jsonl")
	if err := os.WriteFile(file, edgetest.Encode(cases), 0o666); err != nil {
		t.Fatal(err)
	}
	request, response := functions(t, o)
	t.Logf("%s", node(t, "test/cloudfront.js", file, request, response, o.Origin.URL))
}

// TestCloudFrontLargeFile: a file that is too large for a function encoded too comes as it
// is, from the bucket.
func TestCloudFrontLargeFile(t *testing.T) {
	storage := filepath.Join(t.TempDir(), "storage")
	if err := os.CopyFS(storage, os.DirFS(filepath.Join("..", "..", "testdata", "storage"))); err != nil {
		t.Fatal(err)
	}
	const file = "ml_model/host.json"
	folder := filepath.Join(storage, "production", "packages", "host_boards", "1.0.0", "elasticsearch")
	content := make([]byte, 1_000_000)
	_, _ = rand.NewChaCha8([32]byte{}).Read(content) // it never fails
	text := []byte(`{"definition": "` + hex.EncodeToString(content) + `"}`)
	if err := errors.Join(os.MkdirAll(filepath.Join(folder, "ml_model"), 0o777), os.WriteFile(filepath.Join(folder, file), text, 0o666)); err != nil {
		t.Fatal(err)
	}
	bucket, dir := edgetest.Publish(t, edgetest.Committed(t, storage), onlyCatalog)
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, "production")
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	var cases []edgetest.Case
	for _, encoding := range []string{"identity", "gzip"} {
		c, err := recorder.Complete(edgetest.Case{Method: "GET", Target: "/package/host_boards/1.0.0/elasticsearch/" + file, Headers: map[string]string{"Accept-Encoding": encoding}})
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if plain, encoded := cases[0].Want, cases[1].Want; plain.Length != len(text) || encoded.Headers["content-encoding"] != "gzip" || encoded.Length < 1_000_000 {
		t.Fatalf("the file is not one that is too large: %+v", cases)
	}
	behindCloudFront(t, edge.CloudFrontOptions{Environment: "production", Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute}, cases)
}

// TestCloudFront gives vectors to the functions of Lambda@Edge; the bucket is on
// a real S3 server, closed to everybody, and every request to it is signed.
func TestCloudFront(t *testing.T) {
	server := servers.StartS3(t)
	url := server.URL(server.NewBucket(t))
	bucket := edgetest.PublishTo(t, url, demoSource(t), build.DefaultBudget)
	behindCloudFront(t, edge.CloudFrontOptions{Environment: vectorsEnv, Origin: parseOrigin(t, url), Pointer: time.Minute},
		record(t, bucket, vectorsEnv, 3, testtools.Choose(1, 3)*committed))
}
