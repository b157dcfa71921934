package publish

import (
	"context"
	"errors"
	"testing"

	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/rightsproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// rightsOf gives a bucket's URL behind a proxy, and how to become one of the roles of
// docs/rights.md there.
func rightsOf(t *testing.T, kind string) (url string, publisher, pruner, careless func()) {
	t.Helper()
	if kind == "gcs" {
		s := servers.StartGCS(t)
		name := s.NamedBucket(t, "rights")
		proxy := rightsproxy.StartGCS(t, s.Addr)
		via := s.Via(proxy.Addr)
		via.Setenv(t)
		p, d := rightsproxy.GCSFromManual(t)
		become := func(r rightsproxy.GCSRules) func() { return func() { proxy.Set(r) } }
		return via.URL(name), become(rightsproxy.GCSRules{Bindings: p}), become(rightsproxy.GCSRules{Bindings: d}), become(rightsproxy.GCSRules{Bindings: p, IgnoreConditions: true})
	}
	s := servers.StartS3(t)
	name := s.NamedBucket(t, "rights")
	proxy := s.Rights(t)
	p, d, once := rightsproxy.FromManual(t, name)
	become := func(r rightsproxy.S3Rules) func() { return func() { proxy.Set(r) } }
	bucket := []rightsproxy.Policy{once}
	return s.Via(proxy.Addr).URL(name), become(rightsproxy.S3Rules{Role: []rightsproxy.Policy{p}, Bucket: bucket}), become(rightsproxy.S3Rules{Role: []rightsproxy.Policy{d}, Bucket: bucket}),
		become(rightsproxy.S3Rules{Role: []rightsproxy.Policy{p}, IgnoreConditions: true})
}

// All that regsnap writes works under the policies of docs/rights.md: builds, repeated
// builds, publishes, a pin, a way back, and prune, each with the role that is for it.
// What is another role's is refused. On a store that ignores conditions nothing goes
// live.
func TestRights(t *testing.T) {
	for _, kind := range []string{"s3", "gcs"} {
		t.Run(kind, func(t *testing.T) {
			url, publisher, pruner, careless := rightsOf(t, kind)
			b := openRetrying(t, url, store.RetryPolicy{Attempts: 1})
			b.lease = defaultLeaseTimes
			b.lease.linger = 0 // a deletion that is refused is not on its way
			src := newEditions(t)
			careless()
			if _, err := src.publish(t.Context(), b, 0, Note{}); !errors.Is(err, errUnconditional) {
				t.Errorf("the store ignores conditions: %v", err)
			}
			if p, err := b.Pointer(t.Context(), testEnv); err == nil {
				t.Errorf("%s is live on a store that ignores conditions", p.Snapshot)
			}
			publisher()
			for n := range 4 {
				src.mustPublish(t, b, n)
			}
			src.mustPublish(t, b, 3)
			do := func(what string, f func(ctx context.Context) error) {
				t.Helper()
				if err := f(t.Context()); err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			do("rollback", func(ctx context.Context) error {
				l := b.Lease(LeaseOptions{Purpose: "rollback"})
				r, err := l.PrepareRollback(ctx, testEnv, "")
				if err == nil {
					_, err = r.Do(ctx, Note{}, true)
				}
				return errors.Join(err, l.Release(ctx))
			})
			do("tag", func(ctx context.Context) error { return second(tagged(ctx, b, "release", idOfEdition(t, b, 2), false)) })
			do("move a tag", func(ctx context.Context) error { return second(tagged(ctx, b, "release", idOfEdition(t, b, 1), true)) })
			do("another tag", func(ctx context.Context) error { return second(tagged(ctx, b, "going", idOfEdition(t, b, 1), true)) })
			do("delete a tag", func(ctx context.Context) error { return second(b.Untag(ctx, testEnv, "going", Note{})) })
			prune := func(ctx context.Context) error {
				p, err := b.Prune(ctx, PruneOptions{Keep: Retention{Last: 1}})
				if err == nil && p.Objects == 0 {
					t.Error("nothing was pruned")
				}
				return err
			}
			if err := prune(t.Context()); err == nil {
				t.Error("the publisher can prune")
			}
			pruner()
			do("prune", prune)
			if _, err := src.publish(t.Context(), b, 5, Note{}); err == nil {
				t.Error("prune's role can publish")
			}
			do("fence", b.fence)
			publisher()
			mustBeSound(t, b)
		})
	}
}
