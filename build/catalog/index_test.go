package catalog

import (
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// TestIndexOfALargeRegistry: the index of 2,000 packages is under 200 kB as clients
// get it, though no two packages say the same.
func TestIndexOfALargeRegistry(t *testing.T) {
	const packages, most = 2000, 200_000
	r := rand.New(rand.NewPCG(1, 2000))
	words := make([]string, 800)
	for i := range words {
		var b strings.Builder
		for range 1 + r.IntN(4) {
			b.WriteByte("bcdfglmnprst"[r.IntN(12)])
			b.WriteByte("aeiou"[r.IntN(5)])
		}
		words[i] = b.String()
	}
	text := func(n int) string {
		out := make([]string, n)
		for i := range out {
			out[i] = words[r.IntN(len(words))]
		}
		return strings.Join(out, " ")
	}
	e := Environment{Name: "production", Category: func(id string) string { return "The " + id }}
	for i := range packages {
		name := fmt.Sprintf("%s_%d", text(1), i)
		version := fmt.Sprintf("%d.%d.%d", r.IntN(4), r.IntN(30), r.IntN(10))
		e.Packages = append(e.Packages, Package{Name: name, SiteEntry: layout.SiteEntry{Versions: 1 + r.IntN(60), SiteAbout: layout.SiteAbout{
			Version: version, Title: text(1 + r.IntN(3)), Description: text(5 + r.IntN(9)), Icon: "package/" + name + "/" + version + "/img/logo_" + name + ".svg", Type: "integration",
			Categories: []string{words[r.IntN(30)], words[r.IntN(30)]}, Owner: "example/" + words[r.IntN(40)], Subscription: "basic", Kibana: fmt.Sprintf("^%d.%d.0", 7+r.IntN(3), r.IntN(18)),
		}}})
	}
	page := e.Index()
	var encoded countedBytes
	z := gzip.NewWriter(&encoded)
	if _, err := z.Write(page); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d packages: %d bytes, %d encoded", packages, len(page), encoded)
	if encoded >= most {
		t.Errorf("the index of %d packages has %d bytes encoded, want less than %d", packages, encoded, most)
	}
}

type countedBytes int

func (c *countedBytes) Write(b []byte) (int, error) {
	*c += countedBytes(len(b))
	return len(b), nil
}
