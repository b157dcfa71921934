package edge_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout/answer/answertest"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestEdgesAreTheOracle builds random packages, and sends the same searches and
// counts to the oracle of the registry API, to the Go edge and to the router.
func TestEdgesAreTheOracle(t *testing.T) {
	for seed := range testtools.Choose(uint64(1), 3) {
		random := answertest.NewRandom(100 + seed)
		oracle := answertest.Oracle{Packages: random.Packages(40), Parents: answertest.Parents}
		bucket, dir := edgetest.Publish(t, edgetest.Committed(t, storageOf(t, oracle.Packages)), build.DefaultBudget)
		recorder, err := edgetest.NewRecorder(t.Context(), bucket, vectorsEnv)
		if err != nil {
			t.Fatal(err)
		}
		defer recorder.Close()
		client := edgetest.Client{Addr: recorder.Addr(), Host: vectorsEnv + ".registry.example"}
		defer func() { _ = client.Close() }() // nothing is lost
		var cases []edgetest.Case
		for range 500 {
			c, err := recorder.Complete(edgetest.Case{Method: http.MethodGet, Target: random.Target()})
			if err != nil {
				t.Fatal(err)
			}
			cases = append(cases, c)
			reply, err := client.Do(c)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := listed(t, c.Target, reply), wanted(t, &oracle, c.Target); got != want {
				t.Fatalf("seed %d: %.500s answers\n%s\nwant\n%s", seed, c.Target, got, want)
			}
		}
		file := filepath.Join(t.TempDir(), "vectors.jsonl")
		if err := os.WriteFile(file, edgetest.Encode(cases), 0o666); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d packages: %s", len(oracle.Packages), node(t, "test/vectors.js", file, dir, vectorsEnv))
	}
}

// storageOf writes packages as a storage whose branches have them by turns.
func storageOf(t *testing.T, packages []answertest.Package) string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range packages {
		folder := filepath.Join(dir, edgetest.Environments[i%len(edgetest.Environments)], "packages", p.Name, p.Version)
		if err := os.MkdirAll(filepath.Join(folder, "docs"), 0o777); err != nil {
			t.Fatal(err)
		}
		for name, content := range map[string][]byte{"manifest.yml": p.Manifest(), "docs/README.md": []byte("# Made up\n")} {
			if err := os.WriteFile(filepath.Join(folder, name), content, 0o666); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// wanted is what the oracle answers, as text.
func wanted(t *testing.T, o *answertest.Oracle, target string) string {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	values, _ := url.ParseQuery(u.RawQuery) // what cannot be decoded does not count
	if u.Path == "/categories" {
		counts, err := o.Categories(values)
		if err != nil {
			return fmt.Sprint(http.StatusBadRequest)
		}
		return fmt.Sprint(counts)
	}
	entries, err := o.Search(values)
	if err != nil {
		return fmt.Sprint(http.StatusBadRequest)
	}
	return fmt.Sprint(entries)
}

// listed is what a reply lists, in the same form.
func listed(t *testing.T, target string, reply *edgetest.Reply) string {
	t.Helper()
	if reply.StatusCode != http.StatusOK {
		return fmt.Sprint(reply.StatusCode)
	}
	var list []struct {
		answertest.Package
		ID    string `json:"id"`
		Count int    `json:"count"`
	}
	if err := json.Unmarshal(reply.Body, &list); err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	counts := map[string]int{}
	var entries []answertest.Entry
	for _, e := range list {
		if e.ID != "" {
			counts[e.ID] = e.Count
			continue
		}
		entry := answertest.Entry{Name: e.Name, Version: e.Version}
		for _, template := range e.Templates {
			entry.Templates = append(entry.Templates, template.Name)
		}
		entries = append(entries, entry)
	}
	if strings.HasPrefix(target, "/categories") {
		return fmt.Sprint(counts)
	}
	return fmt.Sprint(entries)
}
