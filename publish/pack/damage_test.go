package pack_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/publish/pack"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestDamagedPack flips bits of packs, cuts them short and removes them. Each is
// noticed when everything is read, by an error that names the file, and whatever
// is read without one is what it was.
func TestDamagedPack(t *testing.T) {
	b := servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, b, 0, 3)
	want := objects(t, b)
	dir, made := packed(t, b)
	random := rand.New(rand.NewPCG(3, 4))
	for _, name := range made.Packs {
		file := filepath.Join(dir, filepath.FromSlash(name))
		sound, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		places := []int{0, len(sound) - 1, len(sound) - 41} // 41: the last byte of the tables
		for range 12 {
			places = append(places, random.IntN(len(sound)), len(sound)-1-random.IntN(min(len(sound), 600)))
		}
		for _, at := range places {
			damaged := bytes.Clone(sound)
			damaged[at] ^= 1 << random.IntN(8)
			if !readDamaged(t, dir, file, damaged, want) {
				t.Errorf("%s: byte %d of %d is another: not noticed", name, at, len(sound))
			}
		}
		for _, size := range []int{0, 1, len(sound) / 2, len(sound) - 1} {
			if !readDamaged(t, dir, file, sound[:size], want) {
				t.Errorf("%s with %d of %d bytes is not noticed", name, size, len(sound))
			}
		}
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
		if _, err := pack.Open(dir); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("without %s: %v", name, err)
		}
		if err := os.WriteFile(file, sound, 0o666); err != nil {
			t.Fatal(err)
		}
	}
}

// readDamaged reads everything with another content of one pack, and tells
// whether that was noticed.
func readDamaged(t *testing.T, dir, file string, content []byte, want map[string][]byte) bool {
	t.Helper()
	if err := os.WriteFile(file, content, 0o666); err != nil {
		t.Fatal(err)
	}
	is := func(err error) bool {
		if !errors.Is(err, pack.ErrDamaged) && !strings.Contains(err.Error(), "format") || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("%v is not ErrDamaged that names %s", err, filepath.Base(file))
		}
		return true
	}
	s, err := pack.Open(dir)
	if err != nil {
		return is(err)
	}
	defer s.Close()
	noticed := false
	for key, body := range want {
		got, err := s.Read(t.Context(), key)
		if err != nil {
			noticed = is(err)
		} else if !bytes.Equal(got, body) {
			t.Fatalf("%s: a damaged pack gives another content without an error", key)
		}
	}
	return noticed
}

// TestDamagedList: what is wrong with packs.json is told, and nothing in it leads
// out of the folder.
func TestDamagedList(t *testing.T) {
	dir, _ := packed(t, registry(t))
	name := filepath.Join(dir, "packs.json")
	sound, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"format": 1`, `"format": 2`, "format 2 is not known"},
		{`"environment": "production"`, `"environment": "../x"`, "damaged"},
		{`"digest": "`, `"digest": "../`, "damaged"},
		{`"size": `, `"size": 1`, "damaged"},
		{`{`, ``, "damaged"},
	} {
		if err := os.WriteFile(name, bytes.Replace(sound, []byte(c.old), []byte(c.new), 1), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := pack.Open(dir); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v, want %q", c.new, err, c.want)
		}
	}
	if _, err := pack.Open(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
}
