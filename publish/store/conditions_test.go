package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/regsnap/regsnap/layout"
)

// TestConditions: what a write comes to whose condition does not hold.
func TestConditions(t *testing.T) {
	other := errors.New("another")
	for _, c := range []struct {
		err  error
		old  Token
		swap error
		put  error
	}{
		{nil, "", nil, nil},
		{nil, "state", nil, nil},
		{errRefused, "", ErrConflict, nil},
		{errRefused, "state", ErrConflict, nil},
		{fs.ErrNotExist, "", fs.ErrNotExist, fs.ErrNotExist}, // there is no such bucket, say
		{fs.ErrNotExist, "state", ErrConflict, fs.ErrNotExist},
		{other, "", other, other},
		{other, "state", other, other},
	} {
		if got := swapped(c.err, c.old); got != c.swap {
			t.Errorf("a swap of %q: %v becomes %v, want %v", c.old, c.err, got, c.swap)
		}
		if got := ifAbsent(c.err); got != c.put {
			t.Errorf("a put: %v becomes %v, want %v", c.err, got, c.put)
		}
	}
	if ifThere(fs.ErrNotExist) != nil || ifThere(nil) != nil || ifThere(other) != other {
		t.Error("what is missing is forgiven, and nothing else")
	}
}

// withoutList is a store that cannot be listed.
type withoutList struct{ Store }

func (withoutList) List(context.Context, string) iter.Seq2[ObjectInfo, error] {
	return func(yield func(ObjectInfo, error) bool) { yield(ObjectInfo{}, ErrURL) }
}

// TestFilledInFails: what is filled in where a store lacks it says why it fails.
func TestFilledInFails(t *testing.T) {
	mem, err := Open(t.Context(), "mem://", Options{})
	if err != nil {
		t.Fatal(err)
	}
	can := CapabilitiesOf(bare{withoutList{mem}})
	if err := can.putFrom(t.Context(), layout.Object{Key: "k", ContentType: "text/plain"}, failingContent{}, 1); !errors.Is(err, ErrURL) {
		t.Errorf("a body that cannot be read is put: %v", err)
	}
	if _, _, err := mem.Open(t.Context(), "k", 0, -1); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("it is there: %v", err)
	}
	if _, _, err := can.page(t.Context(), "", nil); !errors.Is(err, ErrURL) {
		t.Errorf("a page: %v", err)
	}
	if err := newRetrying(mem, RetryPolicy{}).putFrom(t.Context(), layout.Object{Key: "k"}, stuck{bytes.NewReader(nil)}, 0); !errors.Is(err, ErrURL) {
		t.Errorf("a body that cannot be read twice: %v", err)
	}
	if _, err := Open(t.Context(), "mem://?x=1", Options{}); !errors.Is(err, ErrURL) {
		t.Errorf("a memory of another kind: %v", err)
	}
}

// TestJudged: what the clients say of a wrong checksum is damage, and nothing else is.
func TestJudged(t *testing.T) {
	for text, damaged := range map[string]bool{"checksum did not match: algorithm CRC32": true, "storage: bad CRC on read: got 1": true, "connection reset": false} {
		cause := errors.New(text)
		if err := judged(cause); errors.Is(err, layout.ErrDamaged) != damaged || !errors.Is(err, cause) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if judged(nil) != nil {
		t.Error("no error is one")
	}
}

// TestSwapsThatCannotBe: a lock, or a pointer, that is a folder.
func TestSwapsThatCannotBe(t *testing.T) {
	for _, folder := range []string{"environments/" + lockName, "environments/a.json"} {
		s := newFileStore(t.TempDir())
		if err := os.MkdirAll(s.file(folder), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := s.Swap(t.Context(), "environments/a.json", []byte("x"), ""); err == nil || errors.Is(err, ErrConflict) {
			t.Errorf("%s is a folder: %v", folder, err)
		}
	}
}

// TestBodiesThatCannotBeSent: what cannot be read, or has no such sum, is not stored.
func TestBodiesThatCannotBeSent(t *testing.T) {
	var asked []string
	s := answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method)
		if r.Method == http.MethodPost {
			fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>up</UploadId></InitiateMultipartUploadResult>")
		}
	})
	if err := s.replace(t.Context(), layout.Object{Key: "k", Body: []byte("x"), SHA256: "no sum"}); err == nil || len(asked) > 0 {
		t.Errorf("of another sum: %v, after %q", err, asked)
	}
	if err := s.write(t.Context(), layout.Object{Key: "k"}, failingContent{}, onePart+1, condition{}); !errors.Is(err, ErrURL) || !slices.Equal(asked, []string{"POST", "DELETE"}) {
		t.Errorf("in parts: %v, after %q", err, asked)
	}
}

// TestReadsThatDoNotGoOn: a read that was cut says why it could not go on.
func TestReadsThatDoNotGoOn(t *testing.T) {
	for _, c := range []struct {
		ends, again error // how bodies end, and what the second request comes to
		want        error
		says        string
	}{
		{io.ErrUnexpectedEOF, ErrURL, ErrURL, "bucket URL"},
		{syscall.ECONNRESET, nil, syscall.ECONNRESET, "k: at byte 1: gave up after 2 attempts"},
	} {
		synctest.Test(t, func(t *testing.T) {
			opened := 0
			s := Retry(&scripted{open: func(context.Context, string, int64, int64) (io.ReadCloser, int64, error) {
				if opened++; opened > 1 && c.again != nil {
					return nil, 0, c.again
				}
				body := "x"[min(opened-1, 1):]
				return io.NopCloser(brokenOff{strings.NewReader(body), c.ends}), int64(9 + len(body)), nil
			}}, RetryPolicy{Attempts: 2})
			r, _, err := s.Open(t.Context(), "k", 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(r)
			if string(body) != "x" || !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) || errors.Is(err, layout.ErrDamaged) || opened != 2 {
				t.Errorf("%q, %v after %d requests, want %v", body, err, opened, c.want)
			}
			_ = r.Close()
		})
	}
}
