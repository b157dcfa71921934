package storagev2_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/storage"
	"google.golang.org/api/iterator"

	"github.com/regsnap/regsnap/index/searchindex"
	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/storagev2/v2test"
	"github.com/regsnap/regsnap/serve/servetest"
)

// Registries read with Google's client. The readers of these tests ask for the same objects
// and folders in the same way, and that client gets the index as it was written.
func TestGoogleClient(t *testing.T) {
	b := newBeside(t)
	servetest.Publish(t, b.Bucket, 0, 0)
	b.mustFollow(t, "first")
	servetest.Publish(t, b.Bucket, 1, 0)
	b.mustFollow(t, "second")

	ours := b.readers[1]
	var mu sync.Mutex
	var asked []string
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: ours.Addr})
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, recorded(r))
		mu.Unlock()
		r.Host = ours.Addr // the emulator looks at it
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	address := strings.TrimPrefix(front.URL, "http://")
	take := func() []string {
		mu.Lock()
		defer mu.Unlock()
		out := slices.Compact(slices.Sorted(slices.Values(asked)))
		asked = nil
		return out
	}

	reader := &v2test.Reader{Addr: address, Bucket: ours.Bucket, Prefix: ours.Prefix, Incremental: true, Cursor: "00000000000000000000"}
	if err := reader.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	byReader := take()

	t.Setenv("STORAGE_EMULATOR_HOST", address)
	client, err := storage.NewClient(t.Context(), storage.WithJSONReads())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	bucket := client.Bucket(ours.Bucket)
	read := func(name string) []byte {
		t.Helper()
		r, err := bucket.Object(ours.Prefix + name).NewReader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	cursor, err := searchindex.ParseCursor(read("v2/metadata/cursor.json"))
	if err != nil || cursor != reader.Cursor {
		t.Fatalf("cursor %q, %v; want %q", cursor, err, reader.Cursor)
	}
	var folders []string
	list := bucket.Objects(t.Context(), &storage.Query{Prefix: ours.Prefix + "v2/metadata/", Delimiter: "/"})
	for {
		o, err := list.Next()
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if o.Prefix != "" {
			folders = append(folders, strings.TrimSuffix(strings.TrimPrefix(o.Prefix, ours.Prefix+"v2/metadata/"), "/"))
		}
	}
	slices.Sort(folders)
	if len(folders) != 2 || folders[1] != cursor {
		t.Fatalf("folders %q, want two, the last of which is %s", folders, cursor)
	}
	packages := map[string]bool{}
	for _, folder := range folders {
		clear(packages)
		if err := searchindex.Read(strings.NewReader(string(read("v2/metadata/"+folder+"/search-index-all.json"))), func(e searchindex.Entry) error {
			packages[e.ID()] = true
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for id := range b.live(t) {
		if !packages[id] {
			t.Errorf("the index of %s lacks %s", layout.StorageRoot(servetest.Env), id)
		}
	}
	if byClient := take(); !slices.Equal(byClient, byReader) {
		t.Errorf("Google's client asks\n%s\nthe reader of the tests\n%s", strings.Join(byClient, "\n"), strings.Join(byReader, "\n"))
	}
}

// recorded is a request as far as a store looks at it: fields of a listing that say which
// page is wanted, and what of each object, have no meaning here.
func recorded(r *http.Request) string {
	q := r.URL.Query()
	for _, name := range []string{"pageToken", "versions", "includeTrailingDelimiter", "startOffset", "endOffset", "fields", "maxResults", "softDeleted", "matchGlob", "includeFoldersAsPrefixes"} {
		if v := q.Get(name); v == "" || v == "false" {
			q.Del(name)
		}
	}
	return r.Method + " " + r.URL.EscapedPath() + "?" + q.Encode()
}
