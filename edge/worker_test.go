package edge_test

import (
	"testing"
	"time"

	"github.com/regsnap/regsnap/edge"
	"github.com/regsnap/regsnap/edge/edgetest"
)

// passes gives vectors to a worker and reports what is not as wanted.
func passes(t *testing.T, w *edgetest.Workerd, env string, cases []edgetest.Case) {
	t.Helper()
	differences, err := edgetest.Compare(t.Context(), w.Client(env), cases, 4)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s: %d vectors, %d differences", env, len(cases), len(differences))
	for i, text := range differences {
		if i == 20 {
			t.Errorf("… and %d more", len(differences)-i)
			break
		}
		t.Error(text)
	}
}

// TestWorker gives vectors to the bundle in the runtime of Workers.
func TestWorker(t *testing.T) {
	bucket, dir := demo(t)
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{
		Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute,
	}})
	passes(t, w, vectorsEnv, record(t, bucket, vectorsEnv, 2, 3*committed))
	if log := w.Log(); log != "" {
		t.Errorf("the worker complains: %s", log)
	}
}
