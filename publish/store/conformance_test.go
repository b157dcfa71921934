package store_test

import (
	"testing"

	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// conforms runs the suite of package storetest. url gives an empty bucket.
func conforms(t *testing.T, url func(t *testing.T) string) {
	storetest.Run(t, func(t *testing.T) store.Store { return openStore(t, url(t), store.RetryPolicy{}) })
}

func openStore(t testing.TB, url string, p store.RetryPolicy) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url, store.Options{Retry: p})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformanceFile(t *testing.T) {
	t.Parallel()
	conforms(t, func(t *testing.T) string { return "file://" + t.TempDir() })
}

func TestConformanceMem(t *testing.T) {
	t.Parallel()
	conforms(t, func(*testing.T) string { return "mem://" })
}

func TestConformanceS3(t *testing.T) {
	s := servers.StartS3(t)
	conforms(t, func(t *testing.T) string { return s.URL(s.NewBucket(t)) })
}

func TestConformanceGCS(t *testing.T) {
	s := servers.StartGCS(t)
	conforms(t, func(t *testing.T) string { return s.URL(s.NewBucket(t)) })
}

// A prefix is part of a bucket's URL: all that is done happens below it.
func TestConformancePrefix(t *testing.T) {
	s := servers.StartS3(t)
	conforms(t, func(t *testing.T) string { return s.URL(s.NewBucket(t)) + "&prefix=some/where/" })
}
