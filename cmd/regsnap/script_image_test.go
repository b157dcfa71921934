package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"

	ociregistry "github.com/google/go-containerregistry/pkg/registry"
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

// hub NAME: a container registry whose tags never move; its address goes into the
// variable.
func scriptHub(ts *testscript.TestScript, _ bool, args []string) {
	inner := ociregistry.New(ociregistry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/manifests/") {
			there := httptest.NewRecorder()
			inner.ServeHTTP(there, httptest.NewRequest(http.MethodGet, r.URL.Path, nil))
			if there.Code == http.StatusOK {
				http.Error(w, `{"errors":[{"code":"TAG_INVALID","message":"tags are immutable"}]}`, http.StatusBadRequest)
				return
			}
		}
		inner.ServeHTTP(w, r)
	}))
	ts.Defer(s.Close)
	ts.Setenv(args[0], strings.TrimPrefix(s.URL, "http://"))
}
