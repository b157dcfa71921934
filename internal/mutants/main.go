// Command mutants says which small faults of the code its tests would not
// notice: it makes mutants of packages, one fault each, runs the tests, and
// lists the mutants that they pass.
//
//	go run ./internal/mutants [-base REF] [-sample N [-seed S]] [-longest D] [PACKAGE…]
//
// All mutants of a package are compiled into one test binary, and a variable
// of the environment chooses one, so a mutant costs a run of the tests that come
// by its place, and not a build (see instrument.go). What find.go makes: a
// comparison that takes one value more or less, a condition that is turned round
// or loses an operand, an error that is not returned, a statement that is left
// out, two statements in the other order, a number that is one larger.
//
// A package's own tests run, and those that otherTests names. A mutant that
// changes nothing that can be observed is marked with its reason in the
// package's testdata/mutants.txt (see marks.go). The sources are Go: what holds
// the router's JavaScript is its vectors.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"time"
)

// quick are the packages whose tests take seconds: what runs if no other are
// named.
var quick = []string{
	"./layout", "./layout/answer", "./index", "./index/parse", "./build/sign", "./internal/redact", "./internal/retry",
	"./publish/store",
}

// otherTests names tests of other packages that hold a package to what it is
// to do, as a pattern of go test.
var otherTests = map[string]map[string]string{
	"./layout": {"./layout/answer": "Formats|Routes|Contents|Manifest|CachePolicy|Parts"},
	"./layout/answer": {
		"./build": "Plan", "./publish": "Diff", "./publish/carry": "Slice", "./serve": "Assembl|Routes|Rendered|DamagedObjects",
	},
	"./publish":       {"./publish/carry": "Headers"},
	"./publish/store": {"./publish/doctor": "."},
	"./publish/pack":  {"./publish/image": "Image|Layers"},
}

func main() {
	base := flag.String("base", "", "only mutants in lines that changed since `REF`")
	sample := flag.Int("sample", 0, "at most `N` mutants of each package, chosen at random; 0 is all")
	seed := flag.Uint64("seed", 1, "`SEED` of the choice: what survived one sample is looked at, so the next needs another")
	workers := flag.Int("parallel", max(1, runtime.NumCPU()/2), "how many mutants are tried at once")
	own := flag.String("run", "", "only those of a package's own tests that `PATTERN` names")
	longest := flag.Duration("longest", 0, "leave out tests that take longer than `D` alone (0: any)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	packages := flag.Args()
	if len(packages) == 0 {
		packages = quick
	}
	o := options{base: *base, sample: *sample, seed: *seed, workers: *workers, own: *own, longest: *longest}
	if err := runAll(ctx, o, packages); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

type options struct {
	base            string
	sample, workers int
	seed            uint64
	own             string
	longest         time.Duration
}

// errSurvivors is the outcome that tests are to be written for.
var errSurvivors = errors.New("tests do not notice the mutants above: write a test for each, or mark it with a reason in testdata/mutants.txt")

// runAll tries the packages one after another, and prints a table of them.
func runAll(ctx context.Context, o options, packages []string) error {
	var results []result
	survivors := 0
	for _, p := range packages {
		r, err := runPackage(ctx, o, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p, err)
		}
		r.print(os.Stdout)
		survivors += len(r.survivors) + len(r.stale)
		results = append(results, r)
	}
	printTable(os.Stdout, results)
	if survivors > 0 {
		return errSurvivors
	}
	return nil
}
