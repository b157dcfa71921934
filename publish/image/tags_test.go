package image_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/internal/folderlock"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/image"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestTags: the environment's tag is for all of what is live.
func TestTags(t *testing.T) {
	b := registry(t, 0)
	old := made(t, b, nil).Manifest.ID()
	live := servetest.Publish(t, b, 1, 5)
	one := layout.Slice{Packages: []string{"agent"}}
	for _, c := range []struct {
		name   string
		change func(*image.Options)
		tags   int
	}{
		{"live", func(*image.Options) {}, 2},
		{"live, by its id", func(o *image.Options) { o.Snapshot = live }, 2},
		{"an older one", func(o *image.Options) { o.Snapshot = old }, 1},
		{"an older one, though older may go live", func(o *image.Options) { o.Snapshot, o.Back = old, true }, 1},
		{"a slice", func(o *image.Options) { o.Slice = one }, 1},
	} {
		i := made(t, b, c.change)
		want := []string{i.Manifest.ID(), "production"}[:c.tags]
		if got := i.Tags(); !slices.Equal(got, want) {
			t.Errorf("%s: tags %v, want %v", c.name, got, want)
		}
	}
}

// TestLateImage: one that was made before the newest was stored does not take the
// environment's tag from that, unless that is wanted; its own tag it gets.
func TestLateImage(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	h := startHub(t)
	b := registry(t, 0)
	late := made(t, b, nil)
	back := made(t, b, func(o *image.Options) { o.Back = true })
	servetest.Publish(t, b, 1, 5)
	newer := made(t, b, nil)
	dir := t.TempDir()
	_, err := newer.WriteLayout(t.Context(), dir)
	if err == nil {
		_, err = newer.Push(t.Context(), h.repository, "test", nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	production := func(when string, want *image.Image) {
		t.Helper()
		got := tagged(t, dir)
		if got["production"] != digest(t, want) || got[late.Manifest.ID()] != digest(t, late) {
			t.Errorf("%s: tags of the layout %v", when, got)
		}
		for tag, i := range map[string]*image.Image{"production": want, late.Manifest.ID(): late} {
			if got, err := pull(t, h.repository+":"+tag).Digest(); err != nil || got.String() != digest(t, i) {
				t.Errorf("%s: %s is %s: %v", when, tag, got, err)
			}
		}
	}
	if _, err := late.WriteLayout(t.Context(), dir); !errors.Is(err, image.ErrOlder) || !strings.Contains(err.Error(), newer.Manifest.ID()) ||
		!strings.HasPrefix(err.Error(), dir+": ") || !strings.HasSuffix(err.Error(), "; the image is there as "+late.Manifest.ID()) {
		t.Errorf("%v", err)
	}
	refs, err := late.Push(t.Context(), h.repository, "test", nil)
	if !errors.Is(err, image.ErrOlder) || !strings.Contains(err.Error(), newer.Manifest.ID()) || !slices.Equal(refs, []string{h.repository + ":" + late.Manifest.ID()}) {
		t.Errorf("%v %v", refs, err)
	}
	production("late", newer)
	if _, err := back.WriteLayout(t.Context(), dir); err != nil {
		t.Error(err)
	}
	if _, err := back.Push(t.Context(), h.repository, "test", nil); err != nil {
		t.Error(err)
	}
	production("back", late)
	// What is live takes the tag, whatever its date.
	takes := func(i *image.Image) error {
		_, err := i.WriteLayout(t.Context(), dir)
		if err == nil {
			_, err = i.Push(t.Context(), h.repository, "test", nil)
		}
		return err
	}
	if err := takes(newer); err != nil {
		t.Error(err)
	}
	production("forward", newer)
	if err := servetest.GoLive(t.Context(), b, "production", late.Manifest.ID()); err != nil {
		t.Fatal(err)
	}
	if err := takes(newer); !errors.Is(err, image.ErrOlder) {
		t.Errorf("newer by its date, but no longer live: %v", err)
	}
	production("after the way back", newer)
	if err := takes(made(t, b, nil)); err != nil {
		t.Error(err)
	}
	production("the way back", late)
}

// TestLayoutOfManyWriters: who writes to a folder at the same time loses nobody's
// tags.
func TestLayoutOfManyWriters(t *testing.T) {
	b := registry(t, 0)
	images := []*image.Image{made(t, b, nil)}
	for _, p := range []string{"agent", "web-1.0.0", "web-2.0.0"} {
		images = append(images, made(t, b, func(o *image.Options) { o.Slice = layout.Slice{Packages: []string{p}} }))
	}
	dir := filepath.Join(t.TempDir(), "images")
	var wg sync.WaitGroup
	for _, i := range images {
		wg.Go(func() {
			if _, err := i.WriteLayout(t.Context(), dir); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	got := tagged(t, dir)
	for _, i := range images {
		for _, tag := range i.Tags() {
			if got[tag] != digest(t, i) {
				t.Errorf("%s is %q", tag, got[tag])
			}
		}
	}
}

// TestLayoutWaits for who writes to the folder, but not for longer than is wanted.
func TestLayoutWaits(t *testing.T) {
	i := made(t, registry(t, 0), nil)
	dir := t.TempDir()
	unlock, err := folderlock.Lock(t.Context(), filepath.Join(dir, ".regsnap.lock"), nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := i.WriteLayout(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	unlock()
	if _, err := i.WriteLayout(t.Context(), dir); err != nil {
		t.Error(err)
	}
}

// TestLayoutAfterAKill: what a writer that was killed left behind is no reason to
// refuse the folder, and goes.
func TestLayoutAfterAKill(t *testing.T) {
	i := made(t, registry(t, 0), nil)
	dir := t.TempDir()
	left := []string{filepath.Join(dir, ".regsnap-1"), filepath.Join(dir, "blobs", "sha256", ".regsnap-2")}
	leave := func(name string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o777), os.WriteFile(name, []byte("half"), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range left { // the second cannot be there before the layout is one
		leave(name)
		if _, err := i.WriteLayout(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Lstat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s is still there: %v", name, err)
		}
	}
}
