// Command program stands in for regsnap: it says its version, prints something to
// complete, and links a module.
package main

import (
	"fmt"
	"os"

	"github.com/Masterminds/semver/v3"
)

var release string

func main() {
	if os.Args[1] == "version" {
		fmt.Println("regsnap v" + semver.MustParse(release).String())
		return
	}
	fmt.Println("# completion for " + os.Args[2])
}
