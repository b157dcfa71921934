package edge_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestRawBytes sends bytes above 127 that no client has escaped. What is not UTF-8 workerd
// replaces by U+FFFD before a worker sees it; CloudFront's events are JSON, which cannot
// hold it.
func TestRawBytes(t *testing.T) {
	bucket, dir := demo(t)
	recorder, err := edgetest.NewRecorder(t.Context(), bucket, vectorsEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	var cases []edgetest.Case
	text := 0 // cases that are UTF-8, which come first
	for _, valid := range []bool{true, false} {
		for _, target := range edgetest.RawTargets {
			if utf8.ValidString(target) != valid {
				continue
			}
			for _, method := range []string{"GET", "HEAD"} {
				c, err := recorder.Record(edgetest.Case{Method: method, Target: strings.ToValidUTF8(target, "\uFFFD")})
				if err != nil {
					t.Fatal(err)
				}
				c[0].Target = target
				cases = append(cases, c[0])
			}
		}
		if valid {
			text = len(cases)
		}
	}
	behindCloudFront(t, edge.CloudFrontOptions{Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute}, cases[:text])
	w := edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: vectorsEnv, Origin: edgetest.ServeFolder(t, dir), Pointer: time.Minute}})
	passes(t, w.Client(vectorsEnv), vectorsEnv, cases)
}
