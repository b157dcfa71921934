package carry_test

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/serve/servetest"
)

// TestMirrorFromWhereNothingIsLive: a snapshot that is named is taken, and goes live, also
// from an environment whose pointer is lost.
func TestMirrorFromWhereNothingIsLive(t *testing.T) {
	t.Parallel()
	from, to := servetest.Open(t, servetest.FolderURL(t)), servetest.Open(t, servetest.FolderURL(t))
	servetest.Publish(t, from, 0, 1)
	p, err := from.Pointer(t.Context(), servetest.Env)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{layout.PointerKey(servetest.Env), layout.AuditKey(servetest.Env, p.Generation)} {
		if err := from.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	r, err := mirror(t.Context(), from, to, func(o *carry.Options) { o.Snapshot = p.Snapshot })
	if err != nil || r.Moved == nil || r.Moved.Live != p.Snapshot {
		t.Fatalf("%+v, %v", r, err)
	}
	if now, err := to.Pointer(t.Context(), servetest.Env); err != nil || now.Snapshot != p.Snapshot || now.Preview != nil {
		t.Errorf("live is %+v, %v", now, err)
	}
}
