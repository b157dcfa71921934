//go:build conformance

package edge_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve/conformance"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestConformancePeer compares the Go edge, a Worker and the functions of
// Lambda@Edge with what the reference registry answered for packages that use
// what the real ones do not: ready-made archives, notices, every mixture of
// versions. REGSNAP_PEER names the folder with them.
func TestConformancePeer(t *testing.T) {
	folder := indextest.PeerFolder(t)
	const env = "production"
	for _, set := range []struct{ repository, recording string }{{"storage.git", "production.zip"}, {"made-up.git", "made-up.zip"}} {
		t.Run(set.repository, func(t *testing.T) {
			bucket, dir := edgetest.PublishProduction(t, filepath.Join(folder, set.repository), build.DefaultBudget)
			file := filepath.Join(folder, set.recording)
			recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
			if err != nil {
				t.Fatal(err)
			}
			defer recorder.Close()
			compared(t, file, conformance.Options{BaseURL: "http://" + recorder.Addr()})

			origin := edgetest.ServeFolder(t, dir)
			cases := recordedVectors(t, bucket, env, file, 1)
			w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: env, Origin: origin, Pointer: time.Minute}})
			conform(t, w, env, file)
			passes(t, w.Client(env), env, cases)
			behindCloudFront(t, edge.CloudFrontOptions{Environment: env, Origin: origin, Pointer: time.Minute}, cases)
		})
	}
}
