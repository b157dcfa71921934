package main

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/storagev2/v2test"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// TestStorageGuide runs the mirrors of docs/storage-v2.md: a reader of the copies finds what
// is live, where a flag asks for the index and where the settings do.
func TestStorageGuide(t *testing.T) {
	s := servers.StartGCS(t)
	s.Setenv(t)
	flagged, configured, neither := s.NamedBucket(t, "flagged"), s.NamedBucket(t, "configured"), s.NamedBucket(t, "neither")
	runGuide(t, guide{
		file:    "storage-v2.md",
		replace: [][2]string{{"s3://registry?region=eu-west-1", `"file://$PWD/registry"`}, {"gs://registry-copy", "gs://" + flagged}},
		cannot: [][2]string{
			{"package-registry ", "is a server of another make"},
			{"regsnap import ", "TestMigratingGuide imports from such a bucket"},
		},
		before: guidePackages + `
regsnap build --quiet --source git:. --bucket "file://$PWD/registry" --env production --publish > before.log
printf 'environments:\n  production:\n    branches: [production]\n    package_storage: v2\n' > drill.yml
regsnap mirror --quiet --config drill.yml "file://$PWD/registry" gs://` + configured + `
regsnap mirror --quiet --config drill.yml "file://$PWD/registry" "file://$PWD/disk"
regsnap mirror --quiet --env production "file://$PWD/registry" gs://` + neither + `
`,
	})
	for bucket, want := range map[string]int{flagged: 1, configured: 1, neither: 0} {
		r := v2test.Reader{Addr: s.Addr, Bucket: bucket, Prefix: layout.StorageRoot("production") + "/"}
		if err := r.Follow(t.Context()); (err == nil) != (want > 0) || len(r.Packages) != want {
			t.Errorf("%s: %d packages, want %d: %v", bucket, len(r.Packages), want, err)
		}
	}
}
