package store_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// particular is an S3 server that answers some requests in its own way, and has a
// real one answer the others.
type particular struct {
	real *servers.Server
	// answer answers a request, or returns false.
	answer func(w http.ResponseWriter, r *http.Request, body []byte) bool
	// weaken marks ETags as weak, as what compresses answers on the way does.
	weaken bool

	mu   sync.Mutex
	seen []string // method and query of each request
}

func (p *particular) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.URL.RawQuery)
	p.mu.Unlock()
	if p.answer != nil && p.answer(w, r, body) {
		return
	}
	to := r.Clone(r.Context())
	to.RequestURI, to.URL.Scheme, to.URL.Host = "", "http", p.real.Addr // Host stays: it is signed
	if to.Body = http.NoBody; len(body) > 0 {
		to.Body = io.NopCloser(bytes.NewReader(body))
	}
	resp, err := http.DefaultTransport.RoundTrip(to)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	if p.weaken && w.Header().Get("ETag") != "" {
		w.Header().Set("ETag", "W/"+w.Header().Get("ETag"))
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// url runs the server, and is that of a new bucket.
func (p *particular) url(t *testing.T) string {
	p.real = servers.StartS3(t)
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return p.real.Via(strings.TrimPrefix(s.URL, "http://")).URL(p.real.NewBucket(t))
}

// TestS3BodiesGoOneWay: objects, pointers and parts come as they are, with their
// SHA-256 in the headers. A server that knows nothing else takes them.
func TestS3BodiesGoOneWay(t *testing.T) {
	for _, checksums := range []bool{true, false} {
		t.Run(fmt.Sprintf("checksums=%v", checksums), func(t *testing.T) {
			var wrong []string
			var mu sync.Mutex
			p := &particular{answer: func(w http.ResponseWriter, r *http.Request, body []byte) bool {
				if r.Method != http.MethodPut {
					return false
				}
				sum := sha256.Sum256(body)
				header := ""
				if checksums {
					header = base64.StdEncoding.EncodeToString(sum[:])
				}
				if r.Header.Get("X-Amz-Content-Sha256") == hex.EncodeToString(sum[:]) && r.Header.Get("X-Amz-Checksum-Sha256") == header &&
					r.Header.Get("X-Amz-Trailer") == "" && !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") {
					return false
				}
				mu.Lock()
				defer mu.Unlock()
				wrong = append(wrong, fmt.Sprint(r.URL, r.Header))
				w.WriteHeader(http.StatusBadRequest)
				return true
			}}
			url := p.url(t)
			if !checksums {
				url += "&request_checksum_calculation=when_required"
			}
			s := openStore(t, url, soon)
			for _, size := range []int{0, 1000, 17 << 20, 24 << 20} {
				if err := s.Put(t.Context(), testObject(fmt.Sprint("packages/", size), make([]byte, size))); err != nil {
					t.Error(err)
				}
			}
			key := layout.PointerKey("production")
			if err := s.Swap(t.Context(), key, []byte("one"), ""); err != nil {
				t.Error(err)
			}
			_, state, err := s.Load(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Swap(t.Context(), key, []byte("two"), state); err != nil {
				t.Error(err)
			}
			if err := store.CapabilitiesOf(s).Replace(t.Context(), testObject("packages/1000", make([]byte, 18<<20))); err != nil {
				t.Error(err)
			}
			if len(wrong) > 0 {
				t.Errorf("%d bodies went another way: %s", len(wrong), wrong[0])
			}
		})
	}
}

// TestS3NotModified: older servers refuse a conditional write with 304.
func TestS3NotModified(t *testing.T) {
	p := &particular{answer: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodPut && (r.Header.Get("If-None-Match") != "" || r.Header.Get("If-Match") != "") {
			w.WriteHeader(http.StatusNotModified)
			return true
		}
		return false
	}}
	s := openStore(t, p.url(t), soon)
	if err := s.Put(t.Context(), testObject("responses/a.json", []byte("{}"))); err != nil {
		t.Errorf("an object that is there: %v", err)
	}
	for _, state := range []store.Token{"", `"state"`} {
		if err := s.Swap(t.Context(), layout.PointerKey("production"), []byte("x"), state); !errors.Is(err, store.ErrConflict) {
			t.Errorf("swap from %q: %v", state, err)
		}
	}
}

// TestS3WeakETag: a state that was weakened on the way can still be swapped.
func TestS3WeakETag(t *testing.T) {
	p := &particular{weaken: true}
	s := openStore(t, p.url(t), soon)
	key, state := layout.PointerKey("production"), store.Token("")
	for _, body := range []string{"one", "two", "three"} {
		if err := s.Swap(t.Context(), key, []byte(body), state); err != nil {
			t.Fatal(err)
		}
		if err := s.Swap(t.Context(), key, []byte("late"), state); !errors.Is(err, store.ErrConflict) {
			t.Errorf("a swap that is late: %v", err)
		}
		var now []byte
		var err error
		if now, state, err = s.Load(t.Context(), key); err != nil || string(now) != body {
			t.Errorf("%q, %v, want %q", now, err, body)
		}
	}
}

// TestS3OtherRegion: the answer names the region, and so does the error.
func TestS3OtherRegion(t *testing.T) {
	p := &particular{answer: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		w.Header().Set("X-Amz-Bucket-Region", "eu-north-9")
		w.WriteHeader(http.StatusMovedPermanently)
		return true
	}}
	url := p.url(t)
	s := openStore(t, url, soon)
	_, readErr := storetest.Read(t.Context(), s, "responses/a.json")
	_, _, loadErr := s.Load(t.Context(), layout.PointerKey("production"))
	errs := []error{readErr, loadErr, s.Put(t.Context(), testObject("responses/a.json", nil)), s.Delete(t.Context(), "responses/a.json")}
	for _, err := range s.List(t.Context(), "") {
		errs = append(errs, err)
	}
	for _, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "region=eu-north-9") {
			t.Errorf("the error names no region: %v", err)
		}
	}
}

// TestS3LargeObjectThatIsThere is not sent again; one that another writer has
// stored meanwhile stays; and nothing is printed about either.
func TestS3LargeObjectThatIsThere(t *testing.T) {
	var printed bytes.Buffer
	before := log.Writer()
	log.SetOutput(&printed)
	defer log.SetOutput(before)
	blind := false // HEAD finds nothing: the other writer was a moment later
	p := &particular{answer: func(w http.ResponseWriter, r *http.Request, _ []byte) bool {
		if r.Method == http.MethodHead && blind {
			w.WriteHeader(http.StatusNotFound)
			return true
		}
		return false
	}}
	s := openStore(t, p.url(t), store.RetryPolicy{})
	first := bytes.Repeat([]byte("first"), 4<<20)
	for _, body := range [][]byte{first, bytes.Repeat([]byte("other"), 4<<20)} {
		if err := s.Put(t.Context(), testObject("packages/large", body)); err != nil {
			t.Fatal(err)
		}
	}
	parts := 0
	for _, r := range p.seen {
		if strings.Contains(r, "partNumber") {
			parts++
		}
	}
	if parts != 3 {
		t.Errorf("%d parts were sent, want those of one object: %q", parts, p.seen)
	}
	blind = true
	if err := s.Put(t.Context(), testObject("packages/large", bytes.Repeat([]byte("later"), 4<<20))); err != nil {
		t.Error(err)
	}
	if got, err := storetest.Read(t.Context(), s, "packages/large"); err != nil || !bytes.Equal(got, first) {
		t.Errorf("%d bytes are there, %v", len(got), err)
	}
	if printed.Len() > 0 {
		t.Errorf("printed: %s", &printed)
	}
}

// TestStoredOnceMore: an object that is there is stored again in one attempt, also
// where the server refuses the request while the body is on its way and closes the
// connection: versitygw does, and its answer is often lost.
func TestStoredOnceMore(t *testing.T) {
	for _, s := range []*servers.Server{servers.StartS3(t), servers.StartGCS(t)} {
		b := openStore(t, s.URL(s.NewBucket(t)), store.RetryPolicy{Attempts: 1})
		for _, size := range []int{1, 1 << 20, 8 << 20} {
			o := testObject(fmt.Sprintf("packages/%d", size), bytes.Repeat([]byte("a"), size))
			for n := range 20 {
				if err := b.Put(t.Context(), o); err != nil {
					t.Fatalf("%s, %d bytes, time %d: %v", s.Kind(), size, n, err)
				}
			}
			other := testObject(o.Key, bytes.Repeat([]byte("b"), size))
			if err := b.Put(t.Context(), other); err != nil {
				t.Fatalf("%s, %d other bytes: %v", s.Kind(), size, err)
			}
			if got, err := storetest.Read(t.Context(), b, o.Key); err != nil || !bytes.Equal(got, o.Body) {
				t.Errorf("%s: %d bytes are there, not those of the first time: %v", s.Kind(), len(got), err)
			}
		}
	}
}
