//go:build conformance

package image_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/serve/conformance"
)

// TestConformanceImage makes an image of the real production branch, pushes it to
// a registry, pulls it from there into an OCI layout, unpacks its root directory
// and runs it. Every request whose answer by the reference registry was recorded
// gets that answer, plain and gzip-encoded.
func TestConformanceImage(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	b := realBucket(t)
	publishReal(t, b, 0)
	made := made(t, b, func(o *image.Options) { o.Programs = realPrograms(t, runtime.GOARCH) })
	h := startHub(t)
	if _, err := made.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	layout, err := ocilayout.Write(dir, empty.Index)
	if err == nil {
		err = layout.AppendIndex(pull(t, h.repository+":production"))
	}
	if err != nil {
		t.Fatal(err)
	}
	index, err := layout.ImageIndex()
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := index.ImageIndex(m.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	img, root := ofThisMachine(t, pulled), t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil { // it is the root of another user
		t.Fatal(err)
	}
	if err := imagetest.Unpack(img, root); err != nil {
		t.Fatal(err)
	}
	c := start(t, img, root)
	t.Logf("%d layers, %.1f MB; first answer after %s", made.Layers(), float64(made.Bytes())/1e6, c.firstAnswer("/search?kibana.version=8.5.0"))
	if out, err := c.command(c.config.Healthcheck.Test[1:]...).CombinedOutput(); err != nil {
		t.Errorf("the health check fails: %v\n%s", err, out)
	}
	recording, err := conformance.Open(filepath.Join(indextest.RealFolder(t), "production.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	for _, gzip := range []bool{false, true} {
		report, err := conformance.Compare(t.Context(), recording, conformance.Options{BaseURL: "http://" + c.address, Gzip: gzip, Parallel: 4})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d requests, %d gzip-encoded answers, %d differences", report.Requests, report.Encoded, len(report.Differences))
		for _, line := range report.Lines(20) {
			t.Error(line)
		}
		if gzip != (report.Encoded > 0) {
			t.Errorf("gzip asked for: %t; %d answers are encoded", gzip, report.Encoded)
		}
	}
	t.Logf("memory %d MiB", c.memory()>>20)
	c.stop()
	if err := c.command(c.config.Healthcheck.Test[1:]...).Run(); err == nil {
		t.Error("the health check passes without a server")
	}
}
