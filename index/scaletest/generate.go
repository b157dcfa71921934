//go:build ignore

// Generate derives statistics.json from a package storage, a git repository:
//
//	go run index/scaletest/generate.go path/to/package-storage.git
package main

import (
	"context"
	"encoding/json"
	"log"
	"os"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/scaletest"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run index/scaletest/generate.go REPOSITORY")
	}
	source, err := index.OpenGit(context.Background(), os.Args[1])
	check(err)
	defer source.Close()
	s, err := scaletest.Derive(context.Background(), source)
	check(err)
	text, err := json.MarshalIndent(s, "", "  ")
	check(err)
	check(os.WriteFile("index/scaletest/statistics.json", append(text, '\n'), 0o666))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
