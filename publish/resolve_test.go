package publish

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	b, _ := fileBucket(t)
	s := newEditions(t)
	var ids []string
	for n := range 3 {
		ids = append(ids, s.mustPublish(t, b, n).Snapshot)
	}
	lease := b.Lease(LeaseOptions{Purpose: "rollback"})
	back, err := lease.PrepareRollback(t.Context(), testEnv, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := back.Do(t.Context(), Note{}, true); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		ids[1]:                                 ids[1],
		"20990101T000000Z-000000000000":        "20990101T000000Z-000000000000", // whether it exists is for others to say
		ids[1][:stampLength+2]:                 ids[1],
		ids[1][stampLength:]:                   ids[1],
		ids[2][stampLength : stampLength+6]:    ids[2],
		"live":                                 ids[0],
		"@{0}":                                 ids[0],
		"@{1}":                                 ids[2],
		"@{2}":                                 ids[1],
		"@{3}":                                 ids[0],
		"production@" + "00000000000000000000": "", // fits all three
		"production@0000000000000000000000000000000000000002": ids[1],
	} {
		got, err := b.Resolve(t.Context(), testEnv, name)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%s is %q, %v; want %q", name, got, err, want)
		}
	}
	for name, want := range map[string]error{
		"production@0000": ErrAmbiguous,
		"20250101":        ErrNoSnapshot,
		"@{4}":            ErrNoSnapshot,
		"staging@0000":    ErrNoSnapshot,
		"production@ffff": ErrNoSnapshot,
		"previous":        errNoPrevious,
		"":                ErrNotName,
		"202":             ErrNotName,
		"../x":            ErrNotName,
		"newest":          ErrNotName,
		"@{-1}":           ErrNotName,
		"@{99999}":        ErrNotName,
		"production@":     ErrNotName,
		"2024-01-01":      ErrNotName,
	} {
		if got, err := b.Resolve(t.Context(), testEnv, name); !errors.Is(err, want) {
			t.Errorf("%q is %q, %v; want %v", name, got, err, want)
		}
	}
	if _, err := b.Resolve(t.Context(), testEnv, "@{4}"); !strings.Contains(fmt.Sprint(err), "the pointer remembers 4, up to @{3}") {
		t.Errorf("how far back it goes: %v", err)
	}
	if _, err := b.Resolve(t.Context(), "staging", "live"); !errors.Is(err, ErrNothingLive) {
		t.Errorf("nothing is live: %v", err)
	}
}
