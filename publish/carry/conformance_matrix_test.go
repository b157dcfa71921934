//go:build conformance

package carry_test

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/publish/carry"
	"github.com/regsnap/regsnap/serve/conformance"
)

// TestConformanceMatrix makes a configuration of the download tool of every recorded search
// that it could make, and takes its packages from the real storage: they are those that
// the reference registry listed, and nothing else.
func TestConformanceMatrix(t *testing.T) {
	folder := indextest.RealFolder(t)
	file := filepath.Join(folder, "production.zip")
	recording, err := conformance.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer recording.Close()
	bodies, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer bodies.Close()
	table := tableOf(t, buildReal(t, indextest.RealStorage(t)))
	rows := func(config string) (out []string) {
		m, err := carry.ParseMatrix([]byte(config))
		if err != nil {
			t.Fatalf("%s%v", config, err)
		}
		set, err := table.SliceRows(m.Slice())
		if err != nil {
			t.Fatalf("%s%v", config, err)
		}
		for row := range set.All {
			out = append(out, table.Name(row)+"-"+table.Versions[row])
		}
		slices.Sort(out)
		return out
	}
	var together strings.Builder
	union := map[string]bool{}
	n := 0
	for _, a := range recording.Answers {
		query, ok := toolQuery(a)
		if !ok {
			continue
		}
		f, err := bodies.Open("bodies/" + a.SHA256)
		if err != nil {
			continue // its body was not kept
		}
		var listed []struct{ Name, Version string }
		if err := json.NewDecoder(f).Decode(&listed); err != nil || f.Close() != nil {
			t.Fatal(a.Path, err)
		}
		var want []string
		for _, p := range listed {
			want = append(want, p.Name+"-"+p.Version)
			union[p.Name+"-"+p.Version] = true
		}
		slices.Sort(want)
		if got := rows("queries:\n  - " + query + "\n"); !slices.Equal(got, want) {
			t.Errorf("%s: %d package versions, want %d", a.Path, len(got), len(want))
		}
		fmt.Fprintf(&together, "  - %s\n", query)
		n++
	}
	got := rows("matrix:\n  - {}\nqueries:\n" + together.String())
	if len(got) != len(union) {
		t.Errorf("all of them take %d package versions, want %d", len(got), len(union))
	}
	t.Logf("%d configurations, %d package versions together", n, len(got))
	if n < 20 {
		t.Errorf("only %d configurations", n)
	}
}

// toolQuery is a recorded search as an entry of a configuration, if it can be one.
func toolQuery(a conformance.Answer) (string, bool) {
	u, err := url.Parse(a.Path)
	if err != nil || u.Path != "/search" || a.Method != "GET" || a.Status != 200 {
		return "", false
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return "", false
	}
	var fields []string
	for name, v := range values {
		text := len(v) == 1 && v[0] != "" && !strings.ContainsAny(v[0], "{}[]:,'\"#&*!|>%@` ")
		switch name {
		case "package", "type", "kibana.version", "spec.min", "spec.max":
			if !text {
				return "", false
			}
		case "all", "prerelease":
			if len(v) != 1 || v[0] != "true" {
				return "", false
			}
		default:
			return "", false
		}
		fields = append(fields, name+": "+v[0])
	}
	slices.Sort(fields)
	return "{" + strings.Join(fields, ", ") + "}", true
}
