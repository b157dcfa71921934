//go:build ignore

// Generate makes the binary files of the demo storage: a screenshot, and a
// ready-made archive with its signature. The same program makes the same bytes
// (for one version of Go: compression may change), and they are committed.
//
//	go run testdata/generate.go
package main

import (
	"archive/zip"
	"bytes"
	"image"
	"image/color"
	"image/png"
	"log"
	"os"
	"path/filepath"

	"github.com/regsnap/regsnap/index/indextest"
)

func main() {
	for _, dir := range []string{
		"production/packages/web_server/1.1.0", "production/packages/web_server/2.0.0",
		"staging/packages/web_server/1.1.0", "staging/packages/web_server/2.1.0-beta.1",
	} {
		write(dir+"/img/dashboard.png", screenshot())
	}
	write("production/packages/sealed/sealed-1.0.0.zip", archive())
	// Nothing here checks whose signature it is: one of anything will do.
	write("production/packages/sealed/sealed-1.0.0.zip.sig", []byte(indextest.Signature))
}

func write(name string, content []byte) {
	name = filepath.Join("testdata/storage", name)
	check(os.MkdirAll(filepath.Dir(name), 0o777))
	check(os.WriteFile(name, content, 0o666))
}

// screenshot is an image of 4 by 3 pixels.
func screenshot() []byte {
	img := image.NewPaletted(image.Rect(0, 0, 4, 3), color.Palette{color.White, color.Black})
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 2)
	}
	var b bytes.Buffer
	check(png.Encode(&b, img))
	return b.Bytes()
}

// archive is a package as another tool has packed it: without entries for its
// directories, and not in lexical order. It must be served byte for byte.
func archive() []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range []struct{ name, content string }{
		{"manifest.yml", `format_version: 1.0.0
name: sealed
title: Sealed
version: 1.0.0
description: Packed and signed before it came here
categories: [security]
conditions.kibana.version: "^8.0.0"
owner.github: regsnap-demo/sealed
`},
		{"docs/README.md", "# Sealed\n\nThis archive is served as it is.\n"},
		{"changelog.yml", "- version: 1.0.0\n"},
	} {
		to, err := w.CreateHeader(&zip.FileHeader{Name: "sealed-1.0.0/" + f.name, Method: zip.Deflate, ModifiedDate: 1<<5 | 1})
		check(err)
		_, err = to.Write([]byte(f.content))
		check(err)
	}
	check(w.Close())
	return b.Bytes()
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
