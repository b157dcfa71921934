// Command install installs the programs that tests run; see package testtools.
// It does nothing if they are there.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/regsnap/regsnap/internal/testtools"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := testtools.Install(ctx, os.Stdout, testtools.All...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
