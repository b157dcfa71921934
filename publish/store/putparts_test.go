package store

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// zeros is a large body that needs no memory.
type zeros struct{ *io.SectionReader }

func newZeros(size int64) zeros {
	return zeros{io.NewSectionReader(nothing{}, 0, size)}
}

type nothing struct{}

func (nothing) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

// TestPutPartsFails has each request of an upload in parts fail: then there is no object,
// and the store is asked to forget the parts.
func TestPutPartsFails(t *testing.T) {
	const ns = ` xmlns="http://s3.amazonaws.com/doc/2006-03-01/"`
	for what, c := range map[string]struct {
		fails   string // of the requests below
		aborted bool
	}{
		"nothing":       {"", false},
		"the look":      {"look", false},
		"the begin":     {"begin", false},
		"a part":        {"part 2", true},
		"the last":      {"part 3", true},
		"the end":       {"end", true},
		"the giving up": {"abort", true},
	} {
		var mu sync.Mutex
		var seen []string
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			request := "other"
			switch {
			case r.Method == http.MethodHead:
				request = "look"
			case r.Method == http.MethodPost && q.Has("uploads"):
				request = "begin"
			case r.Method == http.MethodPut && q.Has("partNumber"):
				request = "part " + q.Get("partNumber")
			case r.Method == http.MethodPost && q.Has("uploadId"):
				request = "end"
			case r.Method == http.MethodDelete && q.Get("uploadId") == "up":
				request = "abort"
			}
			_, _ = io.Copy(io.Discard, r.Body)
			mu.Lock()
			seen = append(seen, request)
			mu.Unlock()
			if request == c.fails || c.fails == "abort" && request == "end" {
				s3Answer(w, http.StatusForbidden, "AccessDenied")
				return
			}
			switch request {
			case "look":
				w.WriteHeader(http.StatusNotFound)
			case "begin":
				fmt.Fprint(w, "<InitiateMultipartUploadResult"+ns+"><UploadId>up</UploadId></InitiateMultipartUploadResult>")
			case "end":
				fmt.Fprint(w, "<CompleteMultipartUploadResult"+ns+"><ETag>e</ETag></CompleteMultipartUploadResult>")
			case "abort":
				w.WriteHeader(http.StatusNoContent)
			default:
				w.Header().Set("ETag", `"e"`)
			}
		})
		err := s.write(t.Context(), layout.Object{Key: "k", ContentType: "text/plain"}, newZeros(onePart+1), onePart+1, condition{absent: true})
		mu.Lock()
		came := slices.Clone(seen) // a part that nobody waits for may still come
		mu.Unlock()
		if (err == nil) != (c.fails == "") {
			t.Errorf("%s fails: %v", what, err)
		}
		if err != nil && !Denied(err) {
			t.Errorf("%s fails: the cause is not said: %v", what, err)
		}
		if got := slices.Contains(came, "abort"); got != c.aborted {
			t.Errorf("%s fails: given up %t, want %t (%q)", what, got, c.aborted, came)
		}
		if strings.HasPrefix(c.fails, "part") && slices.Contains(came, "end") {
			t.Errorf("%s fails, and the upload is ended: %q", what, came)
		}
		if c.fails == "" {
			parts := 0
			for _, request := range came {
				if strings.HasPrefix(request, "part ") {
					parts++
				}
			}
			if parts != 3 || came[0] != "look" || came[1] != "begin" || came[len(came)-1] != "end" {
				t.Errorf("the requests are %q", came)
			}
		}
	}
}

// TestOnePart: an object up to 16 MiB goes in one request, one byte more in parts.
func TestOnePart(t *testing.T) {
	for size, parts := range map[int64]bool{16 << 20: false, 16<<20 + 1: true} {
		whole := true
		s := answering(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.Method == http.MethodPost && r.URL.Query().Has("uploads") {
				whole = false
				s3Answer(w, http.StatusForbidden, "AccessDenied") // that is all there is to see
			}
			if r.Method == http.MethodHead {
				w.WriteHeader(http.StatusNotFound)
			}
		})
		err := s.write(t.Context(), layout.Object{Key: "k", ContentType: "text/plain"}, newZeros(size), size, condition{absent: true})
		if whole == parts || (err == nil) != whole {
			t.Errorf("%d bytes in one request: %t, %v", size, whole, err)
		}
	}
}
