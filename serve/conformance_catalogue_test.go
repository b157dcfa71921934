//go:build conformance

package serve_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
	"github.com/regsnap/regsnap/internal/testtools"
	"github.com/regsnap/regsnap/serve"
	"github.com/regsnap/regsnap/serve/edge/edgetest"
)

// TestConformanceCatalogue walks over every page of the catalogue of a real package
// storage: each link to the registry leads to something that is there, each link into
// a page to an id that it has, no id is there twice, and every element is closed. All
// pages but those of versions are validated, and of each package the newest version's.
func TestConformanceCatalogue(t *testing.T) {
	source, err := git.OpenGit(t.Context(), indextest.RealStorage(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() }) // it was only read
	bucket, _ := edgetest.Publish(t, source, build.DefaultBudget)
	w := &walk{t: t, valid: t.TempDir(), h: newHandler(t, serve.Options{Bucket: bucket, Environments: []serve.Environment{{Name: "snapshot"}}, Default: "snapshot"}),
		seen: map[string]bool{}, ids: map[string]map[string]bool{}, into: map[string]string{}}
	w.follow("/catalog/", "")
	for len(w.todo) > 0 {
		next := w.todo[0]
		w.todo = w.todo[1:]
		w.page(next)
	}
	for to, from := range w.into {
		if page, id, _ := strings.Cut(to, "#"); w.ids[page] != nil && !w.ids[page][id] {
			t.Errorf("%s: link to %s: the page has no such id", from, to)
		}
	}
	validate(t, w.valid)
	t.Logf("%d pages of %d bytes, %d distinct addresses", len(w.ids), w.bytes, len(w.seen))
	if len(w.ids) < 1000 {
		t.Errorf("%d pages, want one for each package version at least", len(w.ids))
	}
}

// validate has html-validate look at pages, side by side.
func validate(t *testing.T, folder string) {
	modules := testtools.BrowserModules.Need(t)
	var g errgroup.Group
	for i := range runtime.NumCPU() {
		g.Go(func() error {
			cmd := exec.CommandContext(t.Context(), "node", filepath.Join("testdata", "catalogue", "validate.cjs"), folder, strconv.Itoa(i), strconv.Itoa(runtime.NumCPU()))
			cmd.Env = append(os.Environ(), "MODULES="+filepath.Join(modules.Root, "node_modules"))
			out, err := cmd.CombinedOutput()
			if len(out) > 0 {
				t.Errorf("%s", out)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

type walk struct {
	t *testing.T
	// valid is the folder of pages that are to be validated.
	valid string
	h     http.Handler
	todo  []string
	// seen are the paths that were asked for or will be.
	seen map[string]bool
	// ids are those of each page, into the links to them with a page that has each.
	ids   map[string]map[string]bool
	into  map[string]string
	bytes int
}

// follow notes a path that a page links to.
func (w *walk) follow(path, from string) {
	if w.seen[path] {
		return
	}
	w.seen[path] = true
	if strings.HasPrefix(path, "/catalog/") && strings.HasSuffix(path, "/") {
		w.todo = append(w.todo, path)
		return
	}
	if status, _ := w.ask(http.MethodHead, path); status != http.StatusOK {
		w.t.Errorf("%s: link to %s: status %d", from, path, status)
	}
}

func (w *walk) ask(method, path string) (int, []byte) {
	r := httptest.NewRequestWithContext(w.t.Context(), method, path, nil)
	r.Header.Set("Accept", "text/html")
	answer := httptest.NewRecorder()
	w.h.ServeHTTP(answer, r)
	return answer.Code, answer.Body.Bytes()
}

// void are the elements that have no end (HTML, section 13.1.2).
var void = strings.Fields("area base br col embed hr img input link meta source track wbr")

// page reads a page and follows its links.
func (w *walk) page(path string) {
	status, body := w.ask(http.MethodGet, path)
	if status != http.StatusOK {
		w.t.Errorf("%s: status %d", path, status)
		return
	}
	w.bytes += len(body)
	ids := map[string]bool{}
	w.ids[path] = ids
	// The newest version's page is the first of its package that others link to.
	name, version, _ := strings.Cut(strings.TrimPrefix(path, "/catalog/"), "/")
	file := name + ".version"
	if version == "" || name == "-" {
		file = "page " + url.PathEscape(path)
	}
	if file = filepath.Join(w.valid, file); !exists(file) {
		said, err := json.Marshal(map[string]string{"path": path, "text": string(body)})
		if err != nil {
			w.t.Fatal(err)
		}
		writeFile(w.t, file, said)
	}
	base := &url.URL{Path: path}
	var open []string
	for z := html.NewTokenizer(bytes.NewReader(body)); ; {
		switch z.Next() {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				w.t.Errorf("%s: ends within %v: %v", path, open, z.Err())
			}
			return
		case html.EndTagToken:
			name, _ := z.TagName()
			if len(open) == 0 || open[len(open)-1] != string(name) {
				w.t.Errorf("%s: </%s> within %v", path, name, open)
				return
			}
			open = open[:len(open)-1]
		case html.StartTagToken:
			name, more := z.TagName()
			if tag := string(name); !slices.Contains(void, tag) {
				open = append(open, tag)
			}
			for more {
				var key, value []byte
				key, value, more = z.TagAttr()
				switch string(key) {
				case "id":
					if ids[string(value)] {
						w.t.Errorf("%s: the id %s is there twice", path, value)
					}
					ids[string(value)] = true
				case "href", "src":
					w.link(base, string(value))
				}
			}
		}
	}
}

// link follows an address that a page has.
func (w *walk) link(base *url.URL, address string) {
	to, err := base.Parse(address)
	if err != nil {
		w.t.Errorf("%s: link to %q: %v", base.Path, address, err)
		return
	}
	if to.Scheme != "" || to.Host != "" {
		return // to elsewhere
	}
	if to.Fragment != "" {
		w.into[to.EscapedPath()+"#"+to.Fragment] = base.Path
	}
	w.follow(to.EscapedPath(), base.Path)
}
