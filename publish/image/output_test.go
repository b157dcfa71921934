package image_test

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	ociregistry "github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/servetest"
)

// tagged reads a layout with the library: the digest of each tag.
func tagged(t *testing.T, dir string) map[string]string {
	t.Helper()
	index, err := ocilayout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range m.Manifests {
		out[d.Annotations["org.opencontainers.image.ref.name"]] = d.Digest.String()
		each, err := index.ImageIndex(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Index(each); err != nil {
			t.Error(err)
		}
	}
	return out
}

// TestLayout: an image is added, added again at no cost, and the next one takes
// over the tag of the environment.
func TestLayout(t *testing.T) {
	b := registry(t, 0)
	first := made(t, b, nil)
	dir := filepath.Join(t.TempDir(), "images")
	w, err := first.WriteLayout(t.Context(), dir)
	if err != nil || w.Bytes <= first.Bytes() || w.Blobs != first.Layers()+2*len(first.Images)+1 {
		t.Errorf("%+v %v, the layers have %d bytes", w, err, first.Bytes())
	}
	before := stats(t, dir)
	if w, err = first.WriteLayout(t.Context(), dir); err != nil || w.Blobs != 0 {
		t.Errorf("again: %+v %v", w, err)
	}
	for name, info := range stats(t, dir) {
		if !os.SameFile(before[name], info) {
			t.Errorf("%s was written again", name)
		}
	}
	servetest.Publish(t, b, 1, 5)
	second := made(t, b, nil)
	if w, err = second.WriteLayout(t.Context(), dir); err != nil || w.Blobs == 0 || w.Blobs >= second.Layers()+5 {
		t.Errorf("the next: %+v %v", w, err)
	}
	want := map[string]string{
		first.Manifest.ID(): digest(t, first), second.Manifest.ID(): digest(t, second), "production": digest(t, second),
	}
	if got := tagged(t, dir); len(got) != 3 || got["production"] != want["production"] || got[first.Manifest.ID()] != digest(t, first) || got[second.Manifest.ID()] != digest(t, second) {
		t.Errorf("tags %v, want %v", got, want)
	}
}

func stats(t *testing.T, dir string) map[string]fs.FileInfo {
	t.Helper()
	out := map[string]fs.FileInfo{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		out[name], err = d.Info()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestLayoutBrokenOff: a run that ends early leaves no half file and no image, and
// the next one completes; a blob that is too short is written again.
func TestLayoutBrokenOff(t *testing.T) {
	i := made(t, registry(t, 0), nil)
	dir := t.TempDir()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := i.WriteLayout(gone, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for name := range stats(t, dir) {
		if base := filepath.Base(name); base != "oci-layout" && base != ".regsnap.lock" {
			t.Errorf("%s was left", name)
		}
	}
	if _, err := i.WriteLayout(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	for name := range stats(t, filepath.Join(dir, "blobs")) {
		if err := os.Truncate(name, 10); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.WriteLayout(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := tagged(t, dir); got["production"] != digest(t, i) {
		t.Errorf("tags %v", got)
	}
}

// TestLayoutRefuses a folder that holds something else, and writes nothing there.
func TestLayoutRefuses(t *testing.T) {
	i := made(t, registry(t, 0), nil)
	dir := t.TempDir()
	file := filepath.Join(dir, "letter.txt")
	if err := os.WriteFile(file, []byte("Dear Ada"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := i.WriteLayout(t.Context(), dir); !errors.Is(err, image.ErrNotLayout) {
		t.Errorf("%v", err)
	}
	if left := stats(t, dir); len(left) != 1 {
		t.Errorf("%v", left)
	}
}

// TestTarball: the library reads what docker load would, under both tags.
func TestTarball(t *testing.T) {
	b := registry(t, 0)
	both := made(t, b, nil)
	file := filepath.Join(t.TempDir(), "registry.tar")
	if err := both.WriteTarball(t.Context(), file, "regsnap"); err == nil {
		t.Error("an archive of two platforms was written")
	}
	i := made(t, b, func(o *image.Options) { o.Programs = o.Programs[1:] })
	if err := i.WriteTarball(t.Context(), file, "Not A Name"); !errors.Is(err, image.ErrName) {
		t.Errorf("%v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := i.WriteTarball(gone, file, "regsnap"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	if left := stats(t, filepath.Dir(file)); len(left) != 0 {
		t.Errorf("%v was left", left)
	}
	if err := i.WriteTarball(t.Context(), file, "hub.example/registry"); err != nil {
		t.Fatal(err)
	}
	for _, tag := range i.Tags() {
		ref, err := name.NewTag("hub.example/registry:" + tag)
		if err != nil {
			t.Fatal(err)
		}
		img, err := tarball.ImageFromPath(file, &ref)
		if err != nil {
			t.Fatal(err)
		}
		if err := validate.Image(img); err != nil {
			t.Error(err)
		}
		got, err := img.ConfigName()
		if err != nil {
			t.Fatal(err)
		}
		if want, err := i.Images[0].ConfigName(); err != nil || got != want {
			t.Errorf("%s: configuration %s, want %s", tag, got, want)
		}
	}
}

// hub is a container registry on the loopback interface that counts what it gets.
type hub struct {
	repository string
	mu         sync.Mutex
	got        received
}

// received is what a registry was sent.
type received struct {
	bytes     int64 // of blobs and manifests
	blobs     int
	manifests int      // the same one under two tags counts twice
	tags      []string // in the order in which they were set
}

func startHub(t *testing.T) *hub {
	t.Helper()
	return startHubFor(t, "", "")
}

// startHubFor starts a registry that answers nobody but a user, if one is named.
func startHubFor(t *testing.T, user, password string) *hub {
	t.Helper()
	h := &hub{}
	inner := ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if u, p, _ := r.BasicAuth(); user != "" && (u != user || p != password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="hub"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		body := &countedBody{ReadCloser: r.Body}
		r.Body = body
		inner.ServeHTTP(w, r)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.got.bytes += body.n
		if r.Method != http.MethodPut {
			return
		}
		if _, ref, ok := strings.Cut(r.URL.Path, "/manifests/"); !ok {
			h.got.blobs++
		} else if h.got.manifests++; !strings.Contains(ref, ":") {
			h.got.tags = append(h.got.tags, ref)
		}
	}))
	t.Cleanup(s.Close)
	h.repository = strings.TrimPrefix(s.URL, "http://") + "/packages/registry"
	return h
}

// reset gives what was received since the last time.
func (h *hub) reset() received {
	h.mu.Lock()
	defer h.mu.Unlock()
	got := h.got
	h.got = received{}
	return got
}

type countedBody struct {
	io.ReadCloser
	n int64
}

func (c *countedBody) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.n += int64(n)
	return n, err
}

// TestPush: the registry gets what it lacks, and the tag of the environment last.
func TestPush(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	h := startHub(t)
	b := registry(t, 0)
	first := made(t, b, nil)
	var sent, total int64
	refs, err := first.Push(t.Context(), h.repository, "test", func(d, n int64) { sent, total = d, n })
	if err != nil || !slices.Equal(refs, []string{h.repository + ":" + first.Manifest.ID(), h.repository + ":production"}) {
		t.Errorf("%v %v", refs, err)
	}
	if sent < first.Bytes() || sent != total {
		t.Errorf("%d of %d bytes were sent, the layers have %d", sent, total, first.Bytes())
	}
	if got := h.reset(); got.blobs != first.Layers()+2 || got.bytes < first.Bytes() || got.tags[len(got.tags)-1] != "production" {
		t.Errorf("%+v, want %d blobs", got, first.Layers()+2)
	}
	if _, err := first.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Fatal(err)
	}
	if got := h.reset(); got.blobs+got.manifests != 0 {
		t.Errorf("again: %+v", got)
	}
	servetest.Publish(t, b, 1, 5)
	second := made(t, b, nil)
	if _, err := second.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Fatal(err)
	}
	if got := h.reset(); got.blobs == 0 || got.blobs > second.Layers() {
		t.Errorf("the next image: %+v of %d layers", got, second.Layers())
	}
	pulled := pull(t, h.repository+":production")
	if got, err := pulled.Digest(); err != nil || got.String() != digest(t, second) {
		t.Errorf("pulled %s %v, want %s", got, err, digest(t, second))
	}
	if err := validate.Index(pulled); err != nil {
		t.Error(err)
	}
	if _, err := second.Push(t.Context(), "Not A Name", "test", nil); !errors.Is(err, image.ErrName) {
		t.Errorf("%v", err)
	}
}

// TestPushAs: who pushes is whom docker login has written down; nobody else can, and
// no error tells a password.
func TestPushAs(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	h := startHubFor(t, "ada", "lovelace")
	i := made(t, registry(t, 0), nil)
	login := func(password string) {
		host, _, _ := strings.Cut(h.repository, "/")
		auth := base64.StdEncoding.EncodeToString([]byte("ada:" + password))
		if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(`{"auths":{"`+host+`":{"auth":"`+auth+`"}}}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := i.Push(t.Context(), h.repository, "test", nil); err == nil {
		t.Error("someone unknown can push")
	}
	login("wrong-word")
	if _, err := i.Push(t.Context(), h.repository, "test", nil); err == nil || strings.Contains(err.Error(), "wrong-word") {
		t.Errorf("with a wrong password: %v", err)
	}
	login("lovelace")
	if _, err := i.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Error(err)
	}
}

func pull(t *testing.T, reference string) v1.ImageIndex {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	index, err := remote.Index(ref, remote.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// TestImageOfMemory: an image does not tell from which store it is.
func TestImageOfMemory(t *testing.T) {
	memory := servetest.Open(t, "mem://")
	servetest.Publish(t, memory, 0, 5)
	if got, want := digest(t, made(t, memory, nil)), digest(t, made(t, registry(t, 0), nil)); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
