package main

import (
	"os"

	ocilayout "github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/regsnap/regsnap/publish/image/imagetest"
)

// elf FILE ARCH
func scriptELF(ts *testscript.TestScript, _ bool, args []string) {
	machine, ok := map[string]uint16{"amd64": imagetest.AMD64, "arm64": imagetest.ARM64}[args[1]]
	if !ok {
		ts.Fatalf("architecture %q", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), imagetest.ELF(machine, ""), 0o755))
}

// unpack LAYOUT TAG DIR
func scriptUnpack(ts *testscript.TestScript, _ bool, args []string) {
	index, err := ocilayout.ImageIndexFromPath(ts.MkAbs(args[0]))
	ts.Check(err)
	m, err := index.IndexManifest()
	ts.Check(err)
	for _, d := range m.Manifests {
		if d.Annotations["org.opencontainers.image.ref.name"] != args[1] {
			continue
		}
		tagged, err := index.ImageIndex(d.Digest)
		ts.Check(err)
		platforms, err := tagged.IndexManifest()
		ts.Check(err)
		img, err := tagged.Image(platforms.Manifests[0].Digest)
		ts.Check(err)
		ts.Check(imagetest.Unpack(img, ts.MkAbs(args[2])))
		return
	}
	ts.Fatalf("no image has the tag %s", args[1])
}
