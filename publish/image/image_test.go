package image_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/publish/image/imagetest"
	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestImageIsReproducible: neither the folder, nor the time, nor what the bucket
// held before, nor the order of the programs' files makes another digest.
func TestImageIsReproducible(t *testing.T) {
	grown := registry(t, 0)
	first := digest(t, made(t, registry(t, 1), nil))
	id := servetest.Publish(t, grown, 1, 5)
	servetest.Publish(t, grown, 2, 5)
	t.Setenv("TMPDIR", t.TempDir())
	if second := digest(t, made(t, grown, func(o *image.Options) { o.Snapshot = id })); second != first {
		t.Errorf("%s and %s", first, second)
	}
	if other := digest(t, made(t, grown, nil)); other == first {
		t.Errorf("another snapshot has the digest %s too", first)
	}
}

// TestImageOfTwoPlatforms: an index with both, sound by the library's own checks,
// that share all layers but the program's.
func TestImageOfTwoPlatforms(t *testing.T) {
	i := made(t, registry(t, 0), nil)
	if err := validate.Index(i.Index); err != nil {
		t.Error(err)
	}
	index, err := i.Index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, d := range index.Manifests {
		platforms = append(platforms, d.Platform.String())
	}
	if index.MediaType != types.OCIImageIndex || !slices.Equal(platforms, []string{"linux/amd64", "linux/arm64"}) {
		t.Errorf("%s %v", index.MediaType, platforms)
	}
	var layers [2][]v1.Descriptor
	for n, img := range i.Images {
		m, err := img.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		layers[n] = m.Layers
		if m.MediaType != types.OCIManifestSchema1 || m.Config.MediaType != types.OCIConfigJSON {
			t.Errorf("%s, %s", m.MediaType, m.Config.MediaType)
		}
		for _, l := range m.Layers {
			if l.MediaType != types.OCILayer {
				t.Errorf("layer %s", l.MediaType)
			}
		}
	}
	if layers[0][0].Digest == layers[1][0].Digest || !reflect.DeepEqual(layers[0][1:], layers[1][1:]) || len(layers[0]) < 3 {
		t.Errorf("layers %v and %v", layers[0], layers[1])
	}
	if i.Layers() != len(layers[0])+1 {
		t.Errorf("%d layers in all, each has %d", i.Layers(), len(layers[0]))
	}
}

// TestLayersAreFew: Docker's overlay2 takes 128 layers, one of which it adds to a
// container. An image has the packs, the program and the head.
func TestLayersAreFew(t *testing.T) {
	const most = 127
	if n := pack.MaxPacks + 2; n > most {
		t.Errorf("an image may have %d layers, want at most %d", n, most)
	}
}

// TestImageConfiguration: how the image runs, and what it says of where it is from.
func TestImageConfiguration(t *testing.T) {
	b := registry(t, 0)
	i := made(t, b, nil)
	id := i.Manifest.ID()
	if !slices.Equal(i.Tags(), []string{id, "production"}) {
		t.Errorf("tags %v", i.Tags())
	}
	index, err := i.Index.IndexManifest()
	if err != nil || len(index.Manifests) != 2 || index.MediaType != "application/vnd.oci.image.index.v1+json" {
		t.Fatalf("%+v, %v", index, err)
	}
	for n, arch := range []string{"amd64", "arm64"} {
		if p := index.Manifests[n].Platform; p == nil || p.OS != "linux" || p.Architecture != arch {
			t.Errorf("the index has %+v for %s", p, arch)
		}
		c, err := i.Images[n].ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		if c.OS != "linux" || c.Architecture != arch {
			t.Errorf("%s/%s, want linux/%s", c.OS, c.Architecture, arch)
		}
		// The edition's commit is of this time; see servetest.
		if at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC); !c.Created.Equal(at) {
			t.Errorf("created %s", c.Created)
		}
		if c.Config.User != "65532:65532" || !slices.Equal(c.Config.Env, []string{"REGSNAP_LISTEN=:8080"}) {
			t.Errorf("user %s, environment %v", c.Config.User, c.Config.Env)
		}
		if want := []string{"/regsnap", "serve", "--bucket", "pack:///registry", "--env", "production"}; !slices.Equal(c.Config.Entrypoint, want) || c.Config.Cmd != nil {
			t.Errorf("entrypoint %q, command %q", c.Config.Entrypoint, c.Config.Cmd)
		}
		if h := c.Config.Healthcheck; h == nil || !slices.Equal(h.Test, []string{"CMD", "/regsnap", "health"}) {
			t.Errorf("health check %+v", h)
		}
		if _, ok := c.Config.ExposedPorts["8080/tcp"]; !ok || len(c.Config.Volumes) > 0 {
			t.Errorf("ports %v, volumes %v", c.Config.ExposedPorts, c.Config.Volumes)
		}
		m, err := i.Images[n].Manifest()
		if err != nil {
			t.Fatal(err)
		}
		for _, labels := range []map[string]string{c.Config.Labels, m.Annotations, index.Annotations} {
			for name, want := range map[string]string{
				"org.opencontainers.image.version": id, "org.opencontainers.image.created": "2024-01-01T00:00:00Z",
				"org.opencontainers.image.revision": strings.Repeat("0", 39) + "1", "regsnap.commit.production": strings.Repeat("0", 39) + "1",
				"regsnap.environment": "production", "regsnap.snapshot": id, "regsnap.version": "test",
			} {
				if labels[name] != want {
					t.Errorf("%s is %q, want %q", name, labels[name], want)
				}
			}
		}
	}
}

// TestImageContent: unpacked it is the program and a packed snapshot that has what
// the bucket has, and nothing else.
func TestImageContent(t *testing.T) {
	b := registry(t, 0)
	i := made(t, b, nil)
	root := t.TempDir()
	if err := imagetest.Unpack(i.Images[1], root); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 2 || entries[0].Name() != "registry" || entries[1].Name() != "regsnap" {
		t.Errorf("%v %v", entries, err)
	}
	program, err := os.ReadFile(filepath.Join(root, "regsnap"))
	if err != nil || !bytes.Equal(program, imagetest.ELF(imagetest.ARM64, "")) {
		t.Errorf("the program is another: %v", err)
	}
	if info, err := os.Stat(filepath.Join(root, "regsnap")); err != nil || info.Mode().Perm() != 0o755 {
		t.Errorf("the program has the mode %s: %v", info.Mode(), err)
	}
	s, err := pack.Open(filepath.Join(root, "registry"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(o.Key, layout.EnvironmentsPrefix) || strings.HasPrefix(o.Key, layout.AuditPrefix) {
			continue
		}
		want, err := b.Read(t.Context(), o.Key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Read(t.Context(), o.Key); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %v", o.Key, err)
		}
	}
}

// TestImageOfASlice: only what the slice has is in it, and it says of what.
func TestImageOfASlice(t *testing.T) {
	b := registry(t, 0)
	whole := made(t, b, nil)
	part := made(t, b, func(o *image.Options) { o.Slice = layout.Slice{Packages: []string{"web-1.0.0", "agent"}} })
	var names []string
	for _, p := range part.Manifest.Packages {
		names = append(names, p.Name+"-"+p.Version)
	}
	if want := []string{"agent-1.0.0", "agent-1.1.0", "web-1.0.0"}; !slices.Equal(names, want) {
		t.Errorf("%v, want %v", names, want)
	}
	c, err := part.Images[0].ConfigFile()
	if err != nil || c.Config.Labels["regsnap.slice-of"] != whole.Manifest.ID() {
		t.Errorf("labels %v: %v", c.Config.Labels, err)
	}
	// The large image of another package is not in it.
	if part.Bytes() > whole.Bytes()/10 {
		t.Errorf("%d bytes, the whole has %d", part.Bytes(), whole.Bytes())
	}
}

// TestPrograms: what cannot run in an image is refused, and the error says how to
// make what can.
func TestPrograms(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name, arch, want string
		content          []byte
	}{
		{"linked dynamically", "amd64", "needs libraries", imagetest.ELF(imagetest.AMD64, "/lib64/ld-linux-x86-64.so.2\x00")},
		{"of another processor", "amd64", "EM_AARCH64", imagetest.ELF(imagetest.ARM64, "")},
		{"a script", "arm64", "not a program for Linux", []byte("#!/bin/sh\necho this is a script and no program\n")},
		{"cut short", "arm64", "not a program for Linux", imagetest.ELF(imagetest.ARM64, "")[:20]},
		{"missing", "arm64", "no such file", nil},
	} {
		file := filepath.Join(dir, c.name)
		if c.content != nil {
			if err := os.WriteFile(file, c.content, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		err := image.Program{Arch: c.arch, Path: file}.Check()
		if !errors.Is(err, image.ErrProgram) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), file) {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.content != nil && !strings.Contains(err.Error(), "CGO_ENABLED=0 GOOS=linux GOARCH="+c.arch) {
			t.Errorf("%s: %v does not say how to build one", c.name, err)
		}
	}
	for _, p := range programs(t) {
		if err := p.Check(); err != nil {
			t.Error(err)
		}
	}
	if _, err := image.ParsePlatform("windows/amd64"); err == nil {
		t.Error("windows/amd64 is a platform")
	}
}

// TestMakeFails: what is missing or damaged in the bucket is told as other commands
// tell it, and no temporary file stays.
func TestMakeFails(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	url := servetest.FolderURL(t)
	b := servetest.Open(t, url)
	servetest.Publish(t, b, 0, 5)
	m, err := b.Live(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name   string
		ctx    context.Context
		change func(*image.Options)
		want   error
	}{
		{"no such environment", t.Context(), func(o *image.Options) { o.Environment = "staging" }, publish.ErrNothingLive},
		{"no such snapshot", t.Context(), func(o *image.Options) { o.Snapshot = "20240101T000000Z-000000000000" }, publish.ErrNoSnapshot},
		{"stopped", gone, func(*image.Options) {}, context.Canceled},
		{"changed", t.Context(), func(*image.Options) {
			p := m.Packages[0]
			name := filepath.Join(strings.TrimPrefix(url, "file://"), filepath.FromSlash(layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ArchiveKey()))
			body, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			body[len(body)/2] ^= 1
			if err := errors.Join(os.Remove(name), os.WriteFile(name, body, 0o666)); err != nil { // it may be linked
				t.Fatal(err)
			}
		}, publish.ErrDamaged},
		{"damaged", t.Context(), func(o *image.Options) {
			p := m.Packages[0]
			key := layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}.ArchiveKey()
			if err := b.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}, publish.ErrDamaged},
	} {
		o := image.Options{From: b, Environment: servetest.Env, Regsnap: "test", Programs: programs(t)}
		c.change(&o)
		if _, err := image.Make(c.ctx, o); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	left, err := filepath.Glob(filepath.Join(temp, "regsnap-image-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("%v were left: %v", left, err)
	}
}
