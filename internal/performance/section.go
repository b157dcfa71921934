// Package performance writes the tables of docs/performance.md, which the
// benchmarks make.
package performance

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"testing"
	"time"
)

// Section prints a table and puts it between its marks in a file, with what it
// was made by.
func Section(t testing.TB, file, name string, rounds int, body string) {
	t.Helper()
	body = fmt.Sprintf("%s\n%s, %d cores, %s, %d round(s).\n", body, runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format("2006-01-02"), rounds)
	fmt.Printf("\n## %s\n\n%s", name, body)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	open, end := "<!-- begin "+name+" -->\n", "<!-- end "+name+" -->"
	re := regexp.MustCompile(`(?s)` + regexp.QuoteMeta(open) + `.*?` + regexp.QuoteMeta(end))
	if !re.Match(data) {
		t.Fatalf("%s has no section %q", file, name)
	}
	if err := os.WriteFile(file, re.ReplaceAllLiteral(data, []byte(open+"\n"+body+"\n"+end)), 0o644); err != nil {
		t.Fatal(err)
	}
}
