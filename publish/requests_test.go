package publish

import (
	"testing"

	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestRequests counts what operations cost on S3, on a small registry and on one
// that is larger.
func TestRequests(t *testing.T) {
	s := servers.StartS3(t)
	s.Setenv(t)
	proxy := faultproxy.Start(t, faultproxy.Options{Target: s.Addr})
	for _, extra := range []int{0, 30} {
		b := openTest(t, s.Via(proxy.Addr).URL(s.NewBucket(t)))
		src := newEditions(t)
		src.extra, src.inline = extra, 0
		requests := func(what string, most int, do func() error) {
			t.Helper()
			before := proxy.Requests()
			if err := do(); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got := proxy.Requests() - before
			t.Logf("%d packages: %s: %d requests", 3+extra, what, got)
			if got > most {
				t.Errorf("%d packages: %s took %d requests, want at most %d", 3+extra, what, got, most)
			}
		}
		for n := range 3 {
			src.mustPublish(t, b, n)
		}
		ctx := t.Context()
		requests("a build and publish with nothing to do", 6, func() error {
			_, err := src.publish(ctx, b, 2, Note{})
			return err
		})
		p, err := b.Pointer(ctx, testEnv)
		if err != nil {
			t.Fatal(err)
		}
		requests("a rollback", 13+glances, func() error {
			l := b.Lease(LeaseOptions{Purpose: "rollback"})
			r, err := l.PrepareRollback(ctx, testEnv, "")
			if err != nil {
				return err
			}
			if _, err := r.Do(ctx, Note{}, false); err != nil {
				return err
			}
			return l.Release(ctx)
		})
		requests("a publish of what was built", 10, func() error {
			_, err := publishID(ctx, b, p.Snapshot)
			return err
		})
		requests("a publish of what is live", 2, func() error {
			_, err := publishID(ctx, b, p.Snapshot)
			return err
		})
		requests("a pin", 4, func() error {
			_, err := b.Pin(ctx, testEnv, Note{})
			return err
		})
	}
}
