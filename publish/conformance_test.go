package publish_test

import (
	"testing"

	"github.com/regsnap/regsnap/publish"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// conforms runs the suites of package storetest. url gives an empty bucket.
func conforms(t *testing.T, url func(t *testing.T) string) {
	open := func(t *testing.T) *publish.Bucket { return openBucket(t, url(t)) }
	storetest.Run(t, open)
	storetest.RunPointers(t, func(t *testing.T) storetest.Pointers { return publish.RawPointers{Bucket: open(t)} })
}

func openBucket(t testing.TB, url string) *publish.Bucket {
	t.Helper()
	b, err := publish.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestConformanceFile(t *testing.T) {
	conforms(t, func(t *testing.T) string { return "file://" + t.TempDir() })
}

func TestConformanceMem(t *testing.T) {
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

// A prefix is part of a bucket's URL: all that publish does happens below it.
func TestConformancePrefix(t *testing.T) {
	s := servers.StartS3(t)
	conforms(t, func(t *testing.T) string { return s.URL(s.NewBucket(t)) + "&prefix=some/where/" })
}
