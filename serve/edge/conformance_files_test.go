//go:build conformance

package edge_test

import (
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/serve/edge"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

var everyFile = flag.Int("every-file", 40, "ask the edges for one of so many files of the real package storage; 1 for each of them")

// TestConformanceFiles asks the Worker and the functions for the files of the real
// package storage: plain, with gzip accepted and in part. What they are to be is
// what git has; the headers are those of the Go edge.
func TestConformanceFiles(t *testing.T) {
	bucket, dir := publishReal(t, build.DefaultBudget)
	origin := edgetest.ServeFolder(t, dir)
	source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	shown := map[string]bool{}
	for _, env := range edgetest.Environments {
		recorder, err := edgetest.NewRecorder(t.Context(), bucket, env)
		if err != nil {
			t.Fatal(err)
		}
		defer recorder.Close()
		branch, err := source.Branch(t.Context(), env)
		if err != nil {
			t.Fatal(err)
		}
		var cases []edgetest.Case
		for _, e := range branch.Entries {
			// Another environment shows the version of a branch before.
			if !e.IsArchive() && !shown[e.Name+" "+e.Version] {
				shown[e.Name+" "+e.Version] = true
				cases = append(cases, fileCases(t, source, recorder, e)...)
			}
		}
		passes(t, edgetest.StartWorkerd(t, edgetest.Worker{CloudflareOptions: edge.CloudflareOptions{Environment: env, Origin: origin, Pointer: time.Minute}}).Client(env), env, cases)
		behindCloudFront(t, edge.CloudFrontOptions{Environment: env, Origin: origin, Pointer: time.Minute}, cases)
	}
}

// fileCases are requests for the files of a package version, one of so many, whose
// bodies the Go edge has as git does.
func fileCases(t *testing.T, source index.Source, recorder *edgetest.Recorder, e index.Entry) []edgetest.Case {
	t.Helper()
	files, err := source.List(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[index.ID][]string{}
	var ids []index.ID
	for i, f := range files {
		// Versions begin elsewhere, so that no kind of file is passed over.
		if (i+len(e.Version)+len(e.Name))%*everyFile != 0 {
			continue
		}
		if paths[f.Blob] == nil {
			ids = append(ids, f.Blob)
		}
		paths[f.Blob] = append(paths[f.Blob], f.Path)
	}
	var cases []edgetest.Case
	err = source.Read(t.Context(), ids, func(id index.ID, content []byte) error {
		for _, path := range paths[id] {
			target := (&url.URL{Path: "/package/" + e.Name + "/" + e.Version + "/" + path}).EscapedPath()
			from, to := len(content)/3, max(len(content)/2, 1)
			for _, c := range []struct {
				header, value string
				body          []byte // nil of an encoded form
			}{
				{"Accept-Encoding", "identity", content},
				{"Accept-Encoding", "gzip", nil},
				{"Range", fmt.Sprintf("bytes=%d-%d", from, to-1), content[from:min(to, len(content))]},
			} {
				if c.header == "Range" && len(content) < 2 {
					continue
				}
				asked, err := recorder.Complete(edgetest.Case{Method: "GET", Target: target, Headers: map[string]string{c.header: c.value}})
				if err != nil {
					return err
				}
				if sum := sha256.Sum256(c.body); c.body != nil && asked.Want.SHA256 != hex.EncodeToString(sum[:]) {
					t.Errorf("%s: the Go edge says %d with %d bytes, not the %d that git has", asked, asked.Want.Status, asked.Want.Length, len(c.body))
				}
				cases = append(cases, asked)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return cases
}
