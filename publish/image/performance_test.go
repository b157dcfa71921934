//go:build bench

package image_test

import (
	"archive/tar"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/internal/performance"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
)

// starts is how often a container is started for the time to its first answer.
const starts = 5

// pushes is how many commits the images of a push are measured for.
const pushes = 10

// TestPerformanceImage measures the image of the real production branch: its size
// against the same content as files in layers, the time to its first answer, and
// what the image of the next push takes. It writes the table into
// docs/performance.md.
func TestPerformanceImage(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	b := realBucket(t)
	small := programs(t) // that of a push stays as it is
	h := startHub(t)
	var sent []received
	for back := pushes; back > 0; back-- {
		publishReal(t, b, back)
		each := made(t, b, func(o *image.Options) { o.Programs = small })
		if _, err := each.Push(t.Context(), h.repository, "test", nil); err != nil {
			t.Fatal(err)
		}
		sent = append(sent, h.reset())
		if err := each.Close(); err != nil {
			t.Fatal(err)
		}
	}
	publishReal(t, b, 0)
	last := made(t, b, func(o *image.Options) { o.Programs = small })
	if _, err := last.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Fatal(err)
	}
	newest := h.reset()
	sent = append(sent[1:], newest) // the first was to a registry that had nothing
	slices.SortFunc(sent, func(a, b received) int { return int(a.bytes - b.bytes) })

	built := realPrograms(t, "amd64", "arm64")
	at := time.Now()
	after := made(t, b, func(o *image.Options) { o.Programs = built })
	took := time.Since(at)
	if _, err := after.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Fatal(err)
	}
	img, root := ofThisMachine(t, pull(t, h.repository+":production")), t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil { // it is the root of another user
		t.Fatal(err)
	}
	if err := imagetest.Unpack(img, root); err != nil {
		t.Fatal(err)
	}
	var first []time.Duration
	var memory int64
	for range starts {
		c := start(t, img, root)
		first = append(first, c.firstAnswer("/search?kibana.version=8.5.0"))
		memory = max(memory, c.memory())
		c.stop()
	}
	slices.Sort(first)

	unpacked := int64(0)
	for _, info := range stats(t, root) {
		unpacked += info.Size()
	}
	program := programBytes(t, img)
	tree, plain := plainLayers(t, b, after.Manifest)
	mb := func(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
	total := after.Bytes()
	for _, each := range after.Images {
		total -= programBytes(t, each)
	}
	var w strings.Builder
	fmt.Fprintf(&w, "| the image of %s, %d package versions | |\n| --- | ---: |\n", after.Manifest.ID(), len(after.Manifest.Packages))
	fmt.Fprintf(&w, "| every object of the snapshot as a file | %s |\n", mb(tree))
	fmt.Fprintf(&w, "| the same in a compressed layer | %s |\n", mb(plain))
	fmt.Fprintf(&w, "| **its %d layers in the image** | **%s** |\n", after.Layers()-len(after.Images), mb(total))
	fmt.Fprintf(&w, "| regsnap for one platform, a layer more | %s |\n", mb(program))
	fmt.Fprintf(&w, "| the image for one platform, unpacked | %s |\n", mb(unpacked))
	fmt.Fprintf(&w, "| making it for two platforms, from a `file://` bucket | %.1f s |\n", took.Seconds())
	fmt.Fprintf(&w, "| start of the process to the first 200 of `/search`, median of %d | %d ms |\n", starts, first[len(first)/2].Milliseconds())
	fmt.Fprintf(&w, "| memory of the process then | %d MiB |\n", memory>>20)
	fmt.Fprintf(&w, "| **sent to a registry that has the image of the commit before** | **%s** in %d blobs and %d manifests |\n", mb(newest.bytes), newest.blobs, newest.manifests)
	fmt.Fprintf(&w, "| the same for each of the last %d commits, median and most | %s, %s |\n", len(sent), mb(sent[len(sent)/2].bytes), mb(sent[len(sent)-1].bytes))
	performance.Section(t, "../../docs/performance.md", "image", 1, w.String())
	if total*3 > plain || newest.bytes*10 > total {
		t.Errorf("the image has %d bytes, plain layers %d; a push sends %d", total, plain, newest.bytes)
	}
}

// plainLayers are the sizes of the objects of a snapshot's bucket, and of a layer
// that holds each as a file.
func plainLayers(t *testing.T, b *publish.Bucket, m *layout.Manifest) (tree, layer int64) {
	t.Helper()
	responses := map[string]bool{}
	for _, r := range m.Responses {
		for _, key := range r.Keys() {
			responses[key] = true
		}
	}
	counted := new(counter)
	z := gzip.NewWriter(counted)
	w := tar.NewWriter(z)
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		switch kind, _, _ := strings.Cut(o.Key, "/"); {
		case kind == "snapshots" && !strings.Contains(o.Key, m.ID()), kind == "responses" && !responses[o.Key], kind == "leases":
			continue // of the snapshot before
		}
		body, err := b.Read(t.Context(), o.Key)
		if err == nil {
			err = w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: o.Key, Size: int64(len(body)), Mode: 0o644})
		}
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			t.Fatal(err)
		}
		tree += int64(len(body))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return tree, counted.n
}

// programBytes is the size of the layer of the program.
func programBytes(t *testing.T, img v1.Image) int64 {
	t.Helper()
	m, err := img.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	return m.Layers[0].Size
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}
