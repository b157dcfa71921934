package publish

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// Every object of a snapshot that is missing or changed is found, and named.
func TestVerifyFindsEverything(t *testing.T) {
	src := newEditions(t)
	b, dir := fileBucket(t)
	m := src.mustPublish(t, b, 0)
	checked := 0
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(o.Key, layout.EnvironmentsPrefix) || strings.HasPrefix(o.Key, layout.AuditPrefix) {
			continue
		}
		checked++
		file := filepath.Join(dir, filepath.FromSlash(o.Key))
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, damage := range []struct {
			name string
			body []byte
		}{{"longer", append(body[:len(body):len(body)], 'x')}, {"flipped", flipped(body)}, {"missing", nil}} {
			if damage.body == nil {
				err = b.Delete(t.Context(), o.Key)
			} else {
				err = b.replaceLive(t.Context(), layout.Object{Key: o.Key, Body: damage.body})
			}
			if err != nil {
				t.Fatal(err)
			}
			v, err := b.Verify(t.Context(), testEnv, m.Snapshot, VerifyOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Faults) != 1 || v.Faults[0].Key != o.Key || v.Faults[0].Missing != (damage.body == nil) || v.Sound() {
				t.Errorf("%s %s: %+v", o.Key, damage.name, v.Faults)
			}
		}
		if err := b.replaceLive(t.Context(), layout.Object{Key: o.Key, Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	v, err := b.Verify(t.Context(), testEnv, m.Snapshot, VerifyOptions{})
	if err != nil || !v.Sound() || v.Checked.Objects != checked {
		t.Errorf("%d objects, of which %+v were checked; %v", checked, v.Checked, err)
	}
}

func flipped(body []byte) []byte {
	out := append([]byte(nil), body...)
	out[len(out)/2] ^= 1
	return out
}

// Writing over an object does not write over the same content of another.
func TestReplaceUnlinks(t *testing.T) {
	b, dir := fileBucket(t)
	for _, key := range []string{"responses/a", "responses/b"} {
		if err := b.Put(t.Context(), layout.Object{Key: key, Body: []byte("same"), SHA256: "s"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.replaceLive(t.Context(), layout.Object{Key: "responses/a", Body: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"a": "other", "b": "same"} {
		if got, err := os.ReadFile(filepath.Join(dir, "responses", key)); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", key, got, err)
		}
	}
}

func TestVerifyState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	open := func(id string) *verifyState {
		t.Helper()
		s, err := openVerifyState(path, testEnv, id)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open("one")
	if err := errors.Join(s.add("packages/a", true), s.add("responses/b", true), s.close()); err != nil {
		t.Fatal(err)
	}
	// The machine stopped in the middle of a line.
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("responses/c")
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	s = open("one")
	if !s.known("packages/a") || !s.known("responses/b") || s.known("responses/c") {
		t.Errorf("remembered: %v", s.done)
	}
	if err := errors.Join(s.add("responses/d", true), s.close()); err != nil {
		t.Fatal(err)
	}
	s = open("one")
	if !s.known("responses/d") || len(s.done) != 3 {
		t.Errorf("remembered: %v", s.done)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openVerifyState(path, testEnv, "two"); err == nil {
		t.Error("the state of another snapshot was taken")
	}
}

func TestVerifySample(t *testing.T) {
	src := newEditions(t)
	b, _ := fileBucket(t)
	m := src.mustPublish(t, b, 0)
	all, err := b.Verify(t.Context(), testEnv, m.Snapshot, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	keys, names := map[string]bool{}, unitsOf(mustRead(t, b, m.Snapshot))
	for seed := range uint64(200) {
		chosen := VerifyOptions{Sample: 0.01, Seed: seed}.sample(slices.Clone(names))
		again := VerifyOptions{Sample: 0.01, Seed: seed}.sample(slices.Clone(names))
		if len(chosen) != 1 || chosen[0].name != again[0].name {
			t.Fatalf("seed %d chooses %d units, and others the second time", seed, len(chosen))
		}
		keys[chosen[0].name] = true
	}
	if len(keys) != len(names) {
		t.Errorf("samples of one chose %d of %d units in 200 runs", len(keys), len(names))
	}
	told := []Checked{}
	v, err := b.Verify(t.Context(), testEnv, m.Snapshot, VerifyOptions{Progress: func(c Checked) { told = append(told, c) }})
	if err != nil || len(told) != v.Checked.Units || told[len(told)-1] != v.Checked {
		t.Errorf("told %d times, last %+v; it came to %+v, %v", len(told), told[len(told)-1], v.Checked, err)
	}
	for _, all := range []float64{0, 1} {
		if got := (VerifyOptions{Sample: all}).sample(slices.Clone(names)); len(got) != len(names) {
			t.Errorf("a sample of %v has %d of %d units", all, len(got), len(names))
		}
		if got := byName(VerifyOptions{Sample: all})(slices.Clone(names)); len(got) != len(names) {
			t.Errorf("a sample of %v by name has %d of %d units", all, len(got), len(names))
		}
	}
	for _, share := range []float64{0.01, 0.5} {
		v, err := b.Verify(t.Context(), testEnv, m.Snapshot, VerifyOptions{Sample: share, Seed: 3})
		if want := max(1, int(float64(all.Checked.Total-1)*share)) + 1; err != nil || v.Checked.Total != want || v.Checked.Units != want {
			t.Errorf("share %v: %+v of %+v, %v; want %d", share, v.Checked, all.Checked, err, want)
		}
	}
}

// TestSampleByName: whether a unit is in the sample of a run over all snapshots hangs on its
// name and the seed alone, and the share is that of the units.
func TestSampleByName(t *testing.T) {
	var units []unit
	for i := range 10_000 {
		units = append(units, unit{name: fmt.Sprintf("responses/%s %x", layout.DigestOf(fmt.Append(nil, i)), sha256.Sum256(fmt.Append(nil, i)))})
	}
	names := func(units []unit) (out []string) {
		for _, u := range units {
			out = append(out, u.name)
		}
		return out
	}
	one := names(byName(VerifyOptions{Sample: 0.25, Seed: 1})(slices.Clone(units)))
	other := names(byName(VerifyOptions{Sample: 0.25, Seed: 2})(slices.Clone(units)))
	if len(one) < 2300 || len(one) > 2700 || len(other) < 2300 || len(other) > 2700 || slices.Equal(one, other) {
		t.Errorf("of 10,000 units a quarter is %d, and by another seed %d", len(one), len(other))
	}
	half := names(byName(VerifyOptions{Sample: 0.25, Seed: 1})(slices.Clone(units[:5000])))
	if !slices.Equal(half, one[:len(half)]) {
		t.Error("what else is looked at decides")
	}
	more := names(byName(VerifyOptions{Sample: 0.5, Seed: 1})(slices.Clone(units)))
	for _, name := range one {
		if !slices.Contains(more, name) {
			t.Fatalf("%s is in a quarter and not in the half", name)
		}
	}
}

// TestStateCannotBeWritten: what was verified and cannot be remembered ends the run, wherever
// that is.
func TestStateCannotBeWritten(t *testing.T) {
	src := newEditions(t)
	b := openTest(t, "mem://")
	id := src.mustPublish(t, b, 0).Snapshot
	state := newVerifyState()
	file, err := os.Create(filepath.Join(t.TempDir(), "state"))
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	state.file = file
	if v, err := b.verify(t.Context(), testEnv, id, VerifyOptions{}, state, byName(VerifyOptions{})); !errors.Is(err, os.ErrClosed) {
		t.Errorf("%+v, %v", v, err)
	}
	c := &unitCheck{v: &verifier{b: b, state: state, result: &Verification{}}}
	if _, err := c.lists(t.Context(), mustRead(t, b, id)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a list: %v", err)
	}
	if len(c.faults) > 0 {
		t.Errorf("%+v", c.faults)
	}
}

// Everything is verified in one run: what several snapshots share once, and what is
// wrong is said once.
func TestVerifyAll(t *testing.T) {
	b, dir := fileBucket(t)
	src, ctx := newEditions(t), t.Context()
	for n := range 3 {
		src.mustPublish(t, b, n)
	}
	all := func(o VerifyOptions) (found []*Verification, objects, faults int) {
		t.Helper()
		if err := b.VerifyAll(ctx, o, func(v *Verification) error {
			found, objects, faults = append(found, v), objects+v.Checked.Objects, faults+len(v.Faults)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		return found, objects, faults
	}
	listed := 0
	for o, err := range b.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(o.Key, layout.EnvironmentsPrefix) && !strings.HasPrefix(o.Key, layout.AuditPrefix) {
			listed++
		}
	}
	state := filepath.Join(t.TempDir(), "state")
	if found, objects, faults := all(VerifyOptions{State: state}); len(found) != 3 || objects != listed || faults != 0 {
		t.Errorf("%d snapshots, %d objects, %d faults, want 3, %d, 0", len(found), objects, faults, listed)
	}
	if _, objects, _ := all(VerifyOptions{State: state}); objects != 6 {
		t.Errorf("%d objects were read again, want manifests and routes", objects)
	}
	if _, objects, _ := all(VerifyOptions{Sample: 0.3, Seed: 1}); objects <= 6 || objects >= listed {
		t.Errorf("a sample has %d of %d objects", objects, listed)
	}
	if err := os.WriteFile(filepath.Join(dir, layout.PointerKey(testEnv)), []byte("x"), 0o666); err != nil {
		t.Fatal(err)
	}
	steady, err := filepath.Glob(filepath.Join(dir, "packages/steady/1.0.0/*/steady-1.0.0.zip"))
	if err != nil || len(steady) != 1 {
		t.Fatal(steady, err)
	}
	if err := os.Remove(steady[0]); err != nil {
		t.Fatal(err)
	}
	if found, _, faults := all(VerifyOptions{}); faults != 2 || found[0].Snapshot != "" || found[0].Faults[0].Key != layout.PointerKey(testEnv) {
		t.Errorf("%d faults, the first of %+v", faults, found[0])
	}
}

// mustRead reads the manifest of a snapshot.
func mustRead(t *testing.T, b *Bucket, id string) *layout.Manifest {
	t.Helper()
	m, err := b.Manifest(t.Context(), testEnv, id)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
