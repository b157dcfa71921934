package serve_test

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/serve/servetest"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// storage is a small package storage. Each version differs from its neighbours
// in something that a query can ask for. "EDITION" is what makes two editions
// of it different in every answer.
const storage = `
-- production/packages/web/1.0.0/manifest.yml --
format_version: 1.0.0
name: web
title: Web
version: 1.0.0
description: Edition EDITION
type: integration
categories: [web]
conditions.kibana.version: ^7.16.0
policy_templates:
  - {name: nginx, title: Nginx, description: d, categories: [web]}
  - {name: logs, title: Logs, description: d, categories: [security]}
-- production/packages/web/1.0.0/docs/README.md --
# Web, edition EDITION
-- production/packages/web/2.0.0/manifest.yml --
format_version: 2.3.0
name: web
title: Web
version: 2.0.0
description: Edition EDITION
type: integration
categories: [web, custom]
conditions.kibana.version: ^7.17.0 || ^8.0.0
policy_templates:
  - {name: nginx, title: Nginx, description: d, categories: [web]}
  - {name: logs, title: Logs, description: d, categories: [security]}
-- production/packages/web/2.0.0/docs/README.md --
# Web, edition EDITION
-- production/packages/web/2.1.0-beta.1/manifest.yml --
format_version: 2.3.0
name: web
title: Web
version: 2.1.0-beta.1
description: Edition EDITION
type: integration
categories: [web]
conditions.kibana.version: ^8.5.0
-- production/packages/web/2.1.0-beta.1/docs/README.md --
# Web, edition EDITION
-- production/packages/store/1.0.0/manifest.yml --
format_version: 3.0.0
name: store
title: Store
version: 1.0.0
description: Edition EDITION
type: input
categories: [datastore]
conditions:
  kibana.version: ">=8.1.0"
  agent.version: ^8.2.0
  elastic.capabilities: [security]
discovery.fields: [{name: db.name}]
-- production/packages/store/1.0.0/docs/README.md --
# Store, edition EDITION
-- production/packages/store/1.0.0/docs/a file (1) [x].md --
A name that needs escaping, in an address and in a key. Edition EDITION
Edition EDITION Edition EDITION Edition EDITION Edition EDITION Edition EDITION
Edition EDITION Edition EDITION Edition EDITION Edition EDITION Edition EDITION
-- production/packages/trial/0.1.0/manifest.yml --
format_version: 1.2.0
name: trial
title: Trial
version: 0.1.0
release: experimental
description: Edition EDITION
type: integration
-- production/packages/trial/0.1.0/docs/README.md --
# Trial, edition EDITION
-- production/packages/trial/0.1.0/docs/empty.txt --
-- production/packages/trial/0.1.0/img/icon.svg --
<svg xmlns="http://www.w3.org/2000/svg"><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/><g/></svg>
-- production/packages/trial/0.1.0/agent/stream/long.yml.hbs --
{{#each paths}}
- edition EDITION, edition EDITION, edition EDITION, edition EDITION, edition EDITION
- edition EDITION, edition EDITION, edition EDITION, edition EDITION, edition EDITION
{{/each}}
-- production/packages/trial/0.1.0/agent/stream/short.hbs --
short
-- production/packages/trial/0.1.0/agent/stream/empty.hbs --
-- staging/packages/web/3.0.0/manifest.yml --
format_version: 3.0.0
name: web
title: Web
version: 3.0.0
description: In staging, edition EDITION
type: integration
-- staging/packages/web/3.0.0/docs/README.md --
# Web
`

// cacheObject is the largest file or archive that the tests keep in memory; the
// others are the sizes of files that are larger. In bytes.
const (
	cacheObject = 256 << 10
	largeText   = 700 << 10
	largeImage  = 9 << 20
)

// edition writes the storage as folders, with large files and a signed archive.
func edition(t testing.TB, name string) (root string) { return editionWith(t, name, 300<<10) }

// editionWith has an image of that many bytes.
func editionWith(t testing.TB, name string, image int) (root string) {
	t.Helper()
	root = indextest.Folders(t, strings.ReplaceAll(storage, "EDITION", name))
	write := func(path string, content []byte) {
		writeFile(t, filepath.Join(root, "production", "packages", filepath.FromSlash(path)), content)
	}
	random := rand.NewChaCha8([32]byte{})
	var text bytes.Buffer
	for text.Len() < largeText {
		fmt.Fprintf(&text, "%x large text\n", random.Uint64())
	}
	write("trial/0.1.0/docs/large.txt", text.Bytes())
	pixels := make([]byte, image)
	_, _ = random.Read(pixels)
	copy(pixels, "\x89PNG\r\n\x1a\n")
	write("store/1.0.0/img/large.png", pixels)
	write("store/1.0.0/img/flat.png", append([]byte("\x89PNG\r\n\x1a\n"), make([]byte, 5000)...)) // smaller when it is encoded, which a picture never is
	// The largest file that is no object, and the smallest that is one for its size.
	write("trial/0.1.0/agent/large.txt", text.Bytes()[:layout.LargestArchived])
	write("trial/0.1.0/agent/larger.txt", text.Bytes()[:layout.LargestArchived+1])
	write("signed-1.0.0.zip", packed(t, "signed-1.0.0", "format_version: 1.0.0\nname: signed\ntitle: Signed\nversion: 1.0.0\ndescription: ready-made\ntype: integration\n"))
	write("signed-1.0.0.zip.sig", []byte(indextest.Signature))
	return root
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = os.WriteFile(path, content, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func packed(t testing.TB, root, manifest string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []txtar.File{{Name: "manifest.yml", Data: []byte(manifest)}, {Name: "docs/README.md", Data: []byte("# Signed\n")},
		{Name: "agent/deflated.hbs", Data: bytes.Repeat([]byte("- deflated\n"), 50)}, {Name: "agent/stored.hbs", Data: []byte("stored\n")}, {Name: "agent/empty.hbs"}} {
		h := &zip.FileHeader{Name: root + "/" + f.Name, Method: zip.Deflate}
		if f.Name == "agent/stored.hbs" {
			h.Method = zip.Store
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write(f.Data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func newBucket(t testing.TB) *publish.Bucket {
	t.Helper()
	b, err := publish.Create(context.Background(), "file://"+filepath.ToSlash(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// onlyCatalog renders no search ahead but that for every version.
var onlyCatalog = layout.Budget{Responses: 1, Bytes: 1 << 30}

// environments are the two that the storage has branches for.
var environments = []build.Environment{
	{Name: "production", Branches: []string{"production"}, ServiceVersion: "1.40.1", Cache: layout.DefaultCachePolicy, Catalogue: true},
	{Name: "staging", Branches: []string{"production", "staging"}, ServiceVersion: "1.40.1", Cache: layout.CachePolicy{Index: 1, Content: 2}},
}

// built builds an edition into a bucket and gives the ids of the snapshots by
// environment.
func built(t testing.TB, bucket *publish.Bucket, root string, budget layout.Budget) map[string]string {
	t.Helper()
	source, err := git.OpenDir(root)
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	result, err := build.Build(context.Background(), build.Options{
		Source: source, Store: bucket, Environments: environments, Regsnap: "test", Budget: budget,
	})
	if err != nil {
		t.Fatal(err, result.Report.Errors)
	}
	ids := map[string]string{}
	for _, s := range result.Snapshots {
		ids[s.Manifest.Environment] = s.ID
	}
	return ids
}

func published(t testing.TB, bucket *publish.Bucket, ids map[string]string) {
	t.Helper()
	for env, id := range ids {
		if err := servetest.GoLive(context.Background(), bucket, env, id); err != nil {
			t.Fatal(err)
		}
	}
}

// shared is a bucket with one edition, for all tests that do not change it.
var shared = struct {
	once   sync.Once
	bucket *publish.Bucket
	root   string
}{}

func TestMain(m *testing.M) {
	code := testtools.RunInMemory(m)
	if shared.bucket != nil {
		_ = shared.bucket.Close()
		_ = os.RemoveAll(shared.root)
	}
	os.Exit(code)
}

func sharedBucket(t testing.TB) *publish.Bucket {
	t.Helper()
	shared.once.Do(func() {
		dir, err := os.MkdirTemp("", "regsnap-serve")
		if err != nil {
			t.Fatal(err)
		}
		shared.root = dir
		if shared.bucket, err = publish.Create(context.Background(), "file://"+filepath.ToSlash(dir)); err != nil {
			t.Fatal(err)
		}
		published(t, shared.bucket, built(t, shared.bucket, editionWith(t, "one", largeImage), layout.Budget{}))
	})
	if shared.bucket == nil {
		t.Fatal("the shared bucket could not be made")
	}
	return shared.bucket
}
