//go:build conformance

package scaletest

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/regsnap/regsnap/index"
)

var update = flag.Bool("update", false, "write statistics.json")

// TestConformanceStatistics: the committed numbers are those of the storage that
// REGSNAP_REAL names.
func TestConformanceStatistics(t *testing.T) {
	real := os.Getenv("REGSNAP_REAL")
	if real == "" {
		t.Fatal("REGSNAP_REAL must name the folder with package-storage.git: run make conformance REAL=…")
	}
	source, err := index.OpenGit(t.Context(), filepath.Join(real, "package-storage.git"))
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	s, err := Derive(t.Context(), source)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile("statistics.json", got, 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(got) != string(derived) {
		t.Errorf("statistics.json does not describe this storage: if it is the one to describe, run\n"+
			"go test -tags conformance ./index/scaletest -run ConformanceStatistics -update\n%s", got)
	}
}
