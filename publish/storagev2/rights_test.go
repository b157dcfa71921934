package storagev2_test

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/storagev2"
	"github.com/regsnap/regsnap/publish/store/storetest/rightsproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
	"github.com/regsnap/regsnap/serve/servetest"
)

// With the rights of docs/rights.md a publisher writes index and cursor of its
// environment and deletes neither; prune deletes the indexes that are not read.
func TestRights(t *testing.T) {
	s := servers.StartGCS(t)
	name := s.NamedBucket(t, "rights")
	proxy := rightsproxy.StartGCS(t, s.Addr)
	via := s.Via(proxy.Addr)
	via.Setenv(t)
	publisher, pruner := rightsproxy.GCSFromManual(t)
	b := servetest.Open(t, via.URL(name))
	proxy.Set(rightsproxy.GCSRules{Bindings: publisher})
	for n := range 5 {
		servetest.Publish(t, b, n, 0)
		if r, err := storagev2.Follow(t.Context(), b, servetest.Env); err != nil || !r.Written {
			t.Fatalf("push %d: %+v, %v", n, r, err)
		}
	}
	if err := b.Delete(t.Context(), layout.IndexKey(servetest.Env, 1)); err == nil {
		t.Error("a publisher deletes an index")
	}
	if err := b.MoveCursor(t.Context(), "staging", 1, ""); err == nil {
		t.Error("a publisher writes the cursor of another environment")
	}
	if err := b.Put(t.Context(), layout.IndexObject("staging", 1).With([]byte("x"))); err == nil {
		t.Error("a publisher writes the index of another environment")
	}
	proxy.Set(rightsproxy.GCSRules{Bindings: pruner})
	plan, err := b.Prune(t.Context(), publish.PruneOptions{Keep: publish.Retention{Last: 1}})
	if err != nil || plan.Indexes.Objects != 2 {
		t.Errorf("prune: %+v, %v", plan, err)
	}
}
