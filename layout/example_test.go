package layout_test

import (
	"fmt"
	"log"

	"github.com/Masterminds/semver/v3"

	"github.com/regsnap/regsnap/layout"
)

// Every object of a package revision lies below one prefix, and its key says
// what it is.
func ExampleParsePackageKey() {
	apache := layout.Revision{Name: "apache", Version: "1.3.0", ID: "0123456789abcdef0123"}
	fmt.Println(apache.ArchiveKey())
	fmt.Println(apache.FileKey("img/logo 1.svg"))

	revision, what, path, err := layout.ParsePackageKey(apache.FileKey("img/logo 1.svg"))
	fmt.Println(revision == apache, what == layout.FileObject, path, err)
	// Output:
	// packages/apache/1.3.0/0123456789abcdef0123/apache-1.3.0.zip
	// packages/apache/1.3.0/0123456789abcdef0123/files/img/logo=201.svg
	// true true img/logo 1.svg <nil>
}

// A constraint becomes intervals, which an edge can compare with a version
// without knowing the language of constraints.
func ExampleRanges() {
	ranges, err := layout.RangesOf("^7.16.0 || ^8.0.0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(ranges)
	for _, text := range []string{"7.15.2", "7.17.0", "9.0.0"} {
		accepted, err := ranges.Accepts(semver.MustParse(text))
		fmt.Println(text, accepted, err)
	}
	// Output:
	// 7.16.0 to before 9.0.0
	// 7.15.2 false <nil>
	// 7.17.0 true <nil>
	// 9.0.0 false <nil>
}
