package publish

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// opens counts how often objects are read.
type opens struct {
	store.Store
	n atomic.Int64
}

func (s *opens) Open(ctx context.Context, key string, offset, length int64) (io.ReadCloser, int64, error) {
	s.n.Add(1)
	return s.Store.Open(ctx, key, offset, length)
}

// Lists that were read are not read again for another snapshot, and one that is lost is
// damage of every manifest that has it, unless that was pruned.
func TestManifestLists(t *testing.T) {
	src, ctx := newEditions(t), t.Context()
	first := openTest(t, "mem://")
	counted := &opens{Store: first.store}
	b := In(counted)
	old, live := src.mustPublish(t, b, 0), src.mustPublish(t, b, 1)
	b = In(counted)
	reads := func(id string) int64 {
		t.Helper()
		before := counted.n.Load()
		m, err := b.Manifest(ctx, testEnv, id)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Lists) != 2 || len(m.Packages) == 0 || len(m.Responses) == 0 {
			t.Fatalf("%d lists, %d packages, %d responses", len(m.Lists), len(m.Packages), len(m.Responses))
		}
		return counted.n.Load() - before
	}
	if n := reads(live.Snapshot); n != 3 {
		t.Errorf("%d objects are read, want the manifest and two lists", n)
	}
	if n := reads(live.Snapshot); n != 1 {
		t.Errorf("%d objects are read again, want the manifest alone", n)
	}
	head, err := b.Head(ctx, testEnv, old.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range head.Lists {
		body, err := b.Read(ctx, listKey(l))
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Delete(ctx, listKey(l)); err != nil {
			t.Fatal(err)
		}
		if _, err := In(counted).Routes(ctx, testEnv, old.Snapshot); err != nil {
			t.Errorf("routes without a list: %v", err)
		}
		if m, err := In(counted).Manifest(ctx, testEnv, old.Snapshot); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrNoSnapshot) {
			t.Errorf("%v without a list: %v", m, err)
		}
		if err := b.Put(ctx, layout.Object{Key: listKey(l), Body: body, ContentType: layout.JsonType}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(ctx, listKey(head.Lists[0])); err != nil {
		t.Fatal(err)
	}
	m, _, err := b.head(ctx, testEnv, old.Snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Delete(ctx, layout.ManifestKey(testEnv, old.Snapshot)); err != nil {
		t.Fatal(err)
	}
	if err := In(counted).fill(ctx, m, old.Snapshot); !errors.Is(err, ErrPruned) || errors.Is(err, ErrDamaged) {
		t.Errorf("pruned while it was read: %v", err)
	}
}

// TestNoList: what has the digest of a list and is not a list is named.
func TestNoList(t *testing.T) {
	b := openTest(t, "mem://")
	var encoded bytes.Buffer
	z := gzip.NewWriter(&encoded)
	if _, err := z.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	r := layout.ManifestResponse{Digest: layout.DigestOf([]byte("x")), Size: 1, SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("x"))), Gzip: int64(encoded.Len()), EncodedOnly: true}
	if _, err := b.readList(t.Context(), r); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "is missing") {
		t.Errorf("%v", err)
	}
	if err := b.Put(t.Context(), layout.Object{Key: listKey(r), Body: encoded.Bytes(), ContentType: layout.JsonType}); err != nil {
		t.Fatal(err)
	}
	if l, err := b.list(t.Context(), r); l != nil || err == nil || !strings.HasPrefix(err.Error(), listKey(r)) {
		t.Errorf("%+v, %v", l, err)
	}
	if b.lists.get(r) != nil {
		t.Error("it is remembered")
	}
}

// The memory of lists keeps the newest, up to its size.
func TestListMemory(t *testing.T) {
	var m listMemory
	ref := func(i int) layout.ManifestResponse {
		return layout.ManifestResponse{SHA256: fmt.Sprint(i), Size: rememberedLists / 4}
	}
	for i := range 6 {
		for range 2 { // a second time changes nothing
			m.put(ref(i), &layout.ManifestList{Format: i})
		}
	}
	for i := range 6 {
		got := m.get(ref(i))
		if known := got != nil; known != (i >= 2) || known && got.Format != i {
			t.Errorf("list %d: %v", i, got)
		}
	}
	m.put(layout.ManifestResponse{SHA256: "large", Size: rememberedLists + 1}, &layout.ManifestList{})
	if len(m.by) != 0 || len(m.order) != 0 || m.bytes != 0 {
		t.Errorf("%d lists of %d bytes are kept beside one that is too large", len(m.by), m.bytes)
	}
}
