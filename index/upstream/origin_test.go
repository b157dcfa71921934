package upstream

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"
)

// oneObject is a bucket with an object, or without.
type oneObject struct {
	body io.ReadCloser
	size int64
}

func (b oneObject) Open(ctx context.Context, _ string, _, _ int64) (io.ReadCloser, int64, error) {
	if b.body == nil {
		return nil, 0, fs.ErrNotExist
	}
	if b.size < 0 {
		return nil, 0, errors.New("the bucket is closed")
	}
	context.AfterFunc(ctx, func() { _ = b.body.Close() })
	return b.body, b.size, nil
}

// failsToClose has an error when it is closed.
type failsToClose struct{ io.Reader }

func (failsToClose) Close() error { return errors.New("the connection is gone") }

// TestBucketOrigin: what a bucket gives is bounded in size and time, and whole.
func TestBucketOrigin(t *testing.T) {
	stuck, w := io.Pipe() // nothing is ever written to it
	defer w.Close()
	text := func(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }
	for name, c := range map[string]struct {
		oneObject
		want string
	}{
		"whole":            {oneObject{text("0123456789"), 10}, ""},
		"too large":        {oneObject{text("0123456789!"), 11}, "it has 11 bytes: at most 10 are taken"},
		"larger than said": {oneObject{text("0123456789!"), 10}, "more than 10 bytes"},
		"cut short":        {oneObject{text("01234"), 10}, "5 of 10 bytes came"},
		"stuck":            {oneObject{stuck, 10}, "it sends less than 65536 bytes in 10ms"},
		"missing":          {oneObject{}, errMissing.Error()},
		"not to be opened": {oneObject{text(""), -1}, "the bucket is closed"},
		"fails at its end": {oneObject{failsToClose{strings.NewReader("0123456789")}, 10}, "the connection is gone"},
		"both":             {oneObject{failsToClose{strings.NewReader("01")}, 10}, "2 of 10 bytes came"},
	} {
		b := newBucketOrigin(c.oneObject, "gs://bucket", Options{Rate: 1000})
		b.silence, b.again.Attempts = 10*time.Millisecond, 1
		if c.body != stuck {
			b.silence = time.Hour
		}
		got := new(memory)
		_, err := b.get(t.Context(), "/a/b", "", state{}, 10, got)
		if c.want == "" {
			if err != nil || !bytes.Equal(got.Bytes(), []byte("0123456789")) {
				t.Errorf("%s: %q, %v", name, got, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "missing" && !errors.Is(err, errMissing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInflated: what begins as a gzip member is one, or is refused.
func TestInflated(t *testing.T) {
	read := func(text string, limit int64) (string, error) {
		m := new(memory)
		m.WriteString(text)
		r, err := inflated(m, limit)
		if err != nil {
			return "", err
		}
		b, err := io.ReadAll(r)
		return string(b), err
	}
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write([]byte("12345")); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"12345", z.String()} {
		if got, err := read(text, 5); got != "12345" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := read(text, 4); !errors.Is(err, errRefused) {
			t.Errorf("a byte too long: %v", err)
		}
	}
	if got, err := read("1", 5); got != "1" || err != nil {
		t.Errorf("one byte: %q, %v", got, err)
	}
	if _, err := read("\x1f\x8bxxxxxxxxxxxxxxxx", 50); !errors.Is(err, errRefused) {
		t.Errorf("no gzip after all: %v", err)
	}
}
