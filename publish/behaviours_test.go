package publish

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/regsnap/regsnap/publish/store"
	"github.com/regsnap/regsnap/publish/store/storetest/rightsproxy"
	"github.com/regsnap/regsnap/publish/store/storetest/servers"
)

// behaviour is a way in which stores that speak as S3 does differ from it.
type behaviour struct {
	name  string
	rules rightsproxy.S3Rules
	// before, if set, answers instead of the store; after changes what it answers.
	before func(http.ResponseWriter, *http.Request) bool
	after  func(*http.Response) error
	// refused is what the first publish comes to, if the store is not good enough.
	refused func(error) bool
}

func behaviours() []behaviour {
	var asked atomic.Int64
	s3Error := func(w http.ResponseWriter, status int, code string) bool {
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("<Error><Code>" + code + "</Code></Error>")) // a client that is gone needs none
		return true
	}
	writes := func(r *http.Response) bool { return r.Request.Method == http.MethodPut }
	return []behaviour{
		{name: "as S3 is"},
		{name: "weak ETags", after: func(r *http.Response) error {
			if tag := r.Header.Get("ETag"); strings.HasPrefix(tag, `"`) {
				r.Header.Set("ETag", "W/"+tag)
			}
			return nil
		}},
		{name: "304 where a condition of a write fails", after: func(r *http.Response) error {
			if writes(r) && r.StatusCode == http.StatusPreconditionFailed {
				r.StatusCode, r.Body, r.ContentLength = http.StatusNotModified, http.NoBody, 0
				r.Header.Del("Content-Length")
			}
			return nil
		}},
		{name: "429 to every fifth request", before: func(w http.ResponseWriter, _ *http.Request) bool {
			return asked.Add(1)%5 == 0 && s3Error(w, http.StatusTooManyRequests, "TooManyRequests")
		}},
		{name: "a clock that is an hour behind", after: func(r *http.Response) error {
			r.Header.Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			return nil
		}},
		{name: "knows no aws-chunked and no trailers", before: func(w http.ResponseWriter, r *http.Request) bool {
			chunked := strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") || r.Header.Get("X-Amz-Trailer") != ""
			return chunked && s3Error(w, http.StatusBadRequest, "XAmzContentSHA256Mismatch")
		}},
		{name: "knows no batches of deletions", before: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && r.URL.Query().Has("delete") && s3Error(w, http.StatusNotImplemented, "NotImplemented")
		}},
		{name: "takes a batch of deletions for something malformed", before: func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method == http.MethodPost && r.URL.Query().Has("delete") && s3Error(w, http.StatusBadRequest, "MalformedXML")
		}},
		{name: "deletes nothing of a batch, and says so of each object", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodPost || !r.URL.Query().Has("delete") {
				return false
			}
			body, _ := io.ReadAll(r.Body) // what is cut short has fewer objects
			w.Header().Set("Content-Type", "application/xml")
			fmt.Fprint(w, "<DeleteResult>")
			for _, key := range regexp.MustCompile("<Key>[^<]*</Key>").FindAllString(string(body), -1) {
				fmt.Fprintf(w, "<Error>%s<Code>InternalError</Code><Message>try again</Message></Error>", key)
			}
			fmt.Fprint(w, "</DeleteResult>")
			return true
		}},
		{name: "keeps no checksums", after: func(r *http.Response) error {
			for name := range r.Header {
				if strings.HasPrefix(strings.ToLower(name), "x-amz-checksum") {
					delete(r.Header, name)
				}
			}
			return nil
		}},
		{name: "ignores conditions", rules: rightsproxy.S3Rules{IgnoreConditions: true},
			refused: func(err error) bool { return errors.Is(err, errUnconditional) }},
		{name: "knows no conditions", rules: rightsproxy.S3Rules{RefuseConditions: true},
			refused: func(err error) bool {
				var trouble *store.Trouble
				return errors.As(err, &trouble) && trouble.Kind == "conditions" && !strings.Contains(err.Error(), "api error")
			}},
	}
}

// On every store that keeps what regsnap relies on, everything works, however else it
// differs; on one that does not, nothing goes live.
func TestBehaviours(t *testing.T) {
	s := servers.StartS3(t)
	for _, c := range behaviours() {
		t.Run(c.name, func(t *testing.T) {
			rights := s.Rights(t)
			c.rules.Role = []rightsproxy.Policy{rightsproxy.Everything}
			rights.Set(c.rules)
			forward := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: rights.Addr})
			forward.ModifyResponse = c.after
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if c.before == nil || !c.before(w, r) {
					forward.ServeHTTP(w, r)
				}
			}))
			t.Cleanup(front.Close)
			b := openRetrying(t, s.Via(strings.TrimPrefix(front.URL, "http://")).URL(s.NewBucket(t)), store.RetryPolicy{Pause: time.Millisecond, MaxPause: time.Millisecond})
			b.lease = defaultLeaseTimes
			b.lease.linger = 0 // no deletion is on its way when its answer is there
			src := newEditions(t)
			if c.refused != nil {
				if _, err := src.publish(t.Context(), b, 0, Note{}); !c.refused(err) {
					t.Errorf("publish: %v", err)
				}
				if p, err := b.Pointer(t.Context(), testEnv); err == nil {
					t.Errorf("%s is live", p.Snapshot)
				}
				return
			}
			for n := range 3 {
				src.mustPublish(t, b, n)
			}
			src.mustPublish(t, b, 2) // there already
			l := b.Lease(LeaseOptions{Purpose: "rollback"})
			back, err := l.PrepareRollback(t.Context(), testEnv, "")
			if err == nil {
				_, err = back.Do(t.Context(), Note{}, false)
			}
			if err := errors.Join(err, l.Release(t.Context())); err != nil {
				t.Fatalf("rollback: %v", err)
			}
			// What someone else wrote meanwhile is a conflict, not a failure of the store.
			_, state, err := b.pointer(t.Context(), testEnv)
			if err != nil {
				t.Fatal(err)
			}
			src.mustPublish(t, b, 2)
			if err := b.store.Swap(t.Context(), "environments/"+testEnv+".json", []byte("{}"), state); !errors.Is(err, store.ErrConflict) {
				t.Errorf("a stale state: %v", err)
			}
			p, err := b.Prune(t.Context(), PruneOptions{Keep: Retention{Last: 1}})
			if err != nil || p.Objects == 0 || p.Unknown != 0 {
				t.Fatalf("prune: %+v, %v", p, err)
			}
			for _, keys := range p.phases {
				for _, key := range keys {
					if there, err := b.exists(t.Context(), key); err != nil || there {
						t.Errorf("%s is there after prune: %t, %v", key, there, err)
					}
				}
			}
			mustBeSound(t, b)
		})
	}
}
