package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/faultproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestBuildThroughFaults builds and publishes through a network that fails one
// request in ten or five. A run may fail, but then nothing that is live
// is incomplete; sooner or later a run goes through, and then all is there.
func TestBuildThroughFaults(t *testing.T) {
	source, err := git.OpenDir("../testdata/storage")
	if err != nil {
		t.Fatal(err)
	}
	environments := []build.Environment{
		{Name: "production", Branches: []string{"production"}, Cache: layout.DefaultCachePolicy},
		{Name: "staging", Branches: []string{"production", "staging"}, Cache: layout.DefaultCachePolicy},
	}
	for _, s := range []*servers.Server{servers.StartS3(t), servers.StartGCS(t)} {
		for _, test := range []struct {
			rate     float64
			attempts int
		}{
			{0.10, 3}, // so few that some runs fail
			{0.20, 10},
		} {
			const answer = time.Second
			proxy := faultproxy.Start(t, faultproxy.Options{
				Target: s.Addr, RewriteHost: s.Kind() == "gcs", Delay: answer * 3 / 2, Seed: uint64(test.attempts), Rate: test.rate,
			})
			name, via := s.NewBucket(t), s.Via(proxy.Addr)
			via.Setenv(t) // which says where the bucket is when it is opened
			far := openRetrying(t, via.URL(name), store.RetryPolicy{Attempts: test.attempts, Pause: answer / 20, MaxPause: answer / 10, Answer: answer})
			s.Setenv(t)
			direct := openTest(t, s.URL(name))
			t.Run(fmt.Sprintf("%s, %.0f %%", s.Kind(), 100*test.rate), func(t *testing.T) {
				t.Parallel() // it waits for late answers
				runs := 1
				for ; ; runs++ {
					err := buildAndPublish(t, far, source, environments)
					proxy.Settle()
					checkLive(t, direct, environments, err == nil)
					if err == nil {
						break
					}
					t.Logf("run %d: %v", runs, err)
					if runs == mostRuns {
						t.Fatal("no run went through")
					}
				}
				t.Logf("%d attempts, %d runs: %s", test.attempts, runs, proxy.Summary())
			})
		}
	}
}

// mostRuns is after how many runs one must have gone through.
const mostRuns = 20

func buildAndPublish(t *testing.T, b *Bucket, source index.Source, environments []build.Environment) (err error) {
	lease := b.Lease(LeaseOptions{Purpose: "test"})
	defer func() { err = errors.Join(err, lease.Release(t.Context())) }()
	result, err := build.Build(t.Context(), build.Options{
		Source: source, Store: lease, Environments: environments, Regsnap: "test", Parallel: 32,
	})
	if err != nil {
		return err
	}
	for _, s := range result.Snapshots {
		if _, err := lease.Publish(t.Context(), s.Manifest.Environment, s.ID, Note{}, ByHistory(nil, false)); err != nil {
			return err
		}
	}
	return nil
}

// checkLive checks what is live; all environments are if the run went through.
func checkLive(t *testing.T, b *Bucket, environments []build.Environment, all bool) {
	t.Helper()
	for _, env := range environments {
		err := checkEverything(t.Context(), b, env.Name)
		if errors.Is(err, fs.ErrNotExist) && !all {
			if _, err := b.Pointer(t.Context(), env.Name); errors.Is(err, fs.ErrNotExist) {
				continue // not published yet
			}
		}
		if err != nil {
			t.Errorf("%s: %v", env.Name, err)
		}
	}
}
