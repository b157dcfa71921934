package storetest

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
)

func keys(t *testing.T, b store.Store, prefix string) []string {
	t.Helper()
	var out []string
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, o.Key)
	}
	slices.Sort(out)
	return out
}

func testList(t *testing.T, b store.Store) {
	if got := keys(t, b, ""); len(got) != 0 {
		t.Fatalf("the bucket is not empty: %v", got)
	}
	sizes := map[string]int64{
		"packages/a/1.0.0/x/contents.json": 3, "packages/a/1.0.0/x/files/b.md": 0, "packages/a-b/1.0.0/x/contents.json": 5,
		"responses/a.json": 7,
	}
	for key, size := range sizes {
		put(t, b, key, string(make([]byte, size)))
	}
	for _, test := range []struct {
		prefix string
		want   []string
	}{
		{"", slices.Sorted(maps.Keys(sizes))},
		{"responses/", []string{"responses/a.json"}},
		{"packages/a/", []string{"packages/a/1.0.0/x/contents.json", "packages/a/1.0.0/x/files/b.md"}},
		{"packages/a", []string{"packages/a-b/1.0.0/x/contents.json", "packages/a/1.0.0/x/contents.json", "packages/a/1.0.0/x/files/b.md"}},
		{"responses/a.json", []string{"responses/a.json"}},
		{"snapshots/", nil},
		{"packages/a/1.0.0/x/contents.json/", nil},
	} {
		if got := keys(t, b, test.prefix); !slices.Equal(got, test.want) {
			t.Errorf("prefix %q lists %q, want %q", test.prefix, got, test.want)
		}
	}
	for o, err := range b.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if o.Size != sizes[o.Key] {
			t.Errorf("%s: size %d, want %d", o.Key, o.Size, sizes[o.Key])
		}
		if age := time.Since(o.Modified); age < -time.Minute || age > time.Hour {
			t.Errorf("%s: modified %s", o.Key, o.Modified)
		}
	}
	for range b.List(t.Context(), "") {
		break // a listing may be left early
	}
}

// testLongList goes over the end of a page.
func testLongList(t *testing.T, b store.Store) {
	const n = 1100
	var wg sync.WaitGroup
	for w := range 20 {
		wg.Go(func() {
			for i := w; i < n; i += 20 {
				if err := b.Put(t.Context(), object(fmt.Sprintf("responses/%04d", i), nil)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	got := keys(t, b, "responses/")
	if len(got) != n || len(slices.Compact(got)) != n {
		t.Errorf("the listing has %d keys, want %d", len(got), n)
	}
}

func testDelete(t *testing.T, b store.Store) {
	put(t, b, "packages/a/b", "old")
	put(t, b, "packages/a/c", "stays")
	for range 2 { // the second time there is nothing
		if err := b.Delete(t.Context(), "packages/a/b"); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), "packages/none/at/all"); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, b, ""); !slices.Equal(got, []string{"packages/a/c"}) {
		t.Errorf("%q are left", got)
	}
	put(t, b, "packages/a/b", "new")
	want(t, b, "packages/a/b", []byte("new"))
	want(t, b, "packages/a/c", []byte("stays"))
}
