package answer_test

import (
	"fmt"
	"log"
	"net/url"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// A table is all that is needed to tell what a request gets: an object of the
// bucket, or an answer that needs none.
func ExampleTable_Answer() {
	digest := string(layout.DigestOf([]byte("what the package's document says")))
	table, err := answer.NewTable(&layout.Routes{
		Format: layout.RoutesFormat, Environment: "production", ServiceVersion: "1.2.3",
		Names: []string{"apache"}, Starts: []int{0}, Blocks: []int{200},
		Catalog:     []layout.Part{{Digest: layout.DigestOf(nil), Names: 1}},
		Every:       layout.DigestOf(nil),
		Constraints: []layout.Ranges{{}}, Capabilities: [][]string{nil}, Types: []string{""}, Specs: []layout.Spec{{Major: 1}},
		Labels: [][]string{nil}, Templates: [][]layout.Template{nil}, Discoveries: []layout.Discovery{{}},
		Versions: []string{"1.3.0"}, Flags: []layout.Flags{0}, Kibana: []int{0}, Agent: []int{0}, Spec: []int{0},
		Type: []int{0}, Capability: []int{0}, Label: []int{0}, Template: []int{0}, Discover: []int{0},
		Sizes: []int{100}, Revisions: digest[:20], Documents: digest, Summaries: digest,
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, path := range []string{"/epr/apache/apache-1.3.0.zip", "/epr/apache/apache-9.9.9.zip"} {
		a := table.Answer("GET", &url.URL{Path: path})
		if a.Kind == answer.Archive {
			fmt.Println(a.Status, a.Revision.Name, a.Revision.Version)
		} else {
			fmt.Printf("%d %s", a.Status, a.Body)
		}
	}
	// Output:
	// 200 apache 1.3.0
	// 404 artifact not found
}

// Encode is the inverse of ParseQuery: a query is written in one way, however it
// was asked.
func ExampleQuery_Encode() {
	q, err := answer.ParseQuery("prerelease=TRUE&kibana.version=8.5.0&unknown=1", false)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(q.Encode())
	fmt.Println(q.Target())
	// Output:
	// kibana.version=8.5.0&prerelease=true
	// /search?kibana.version=8.5.0&prerelease=true
}
