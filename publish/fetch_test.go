package publish_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish"
)

// TestCheckEncoded tells a reader that fails, wherever it does, from an object that
// is damaged: the one is tried again, the other mended.
func TestCheckEncoded(t *testing.T) {
	plain := []byte(strings.Repeat("a registry's answer ", 500))
	sum := sha256.Sum256(plain)
	want := layout.ObjectDigest{Size: int64(len(plain)), SHA256: hex.EncodeToString(sum[:])}
	var encoded bytes.Buffer
	z := gzip.NewWriter(&encoded)
	if _, err := z.Write(plain); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	body := encoded.Bytes()
	check := func(r io.Reader) error {
		return publish.CheckEncoded("responses/a.json.gz", r, int64(len(body)), want)
	}
	if err := check(bytes.NewReader(body)); err != nil {
		t.Error(err)
	}
	// At the bound: what is said of the size, or what any encoder makes, whichever is more.
	for more, ok := range map[int64]bool{0: true, 1: false} {
		most := max(int64(len(body)), layout.MaxEncoded(want.Size))
		var padded bytes.Buffer
		z := gzip.NewWriter(&padded)
		z.Extra = make([]byte, most-int64(len(body))-2+more) // its length takes two bytes
		if _, err := z.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if n := int64(padded.Len()); n != most+more {
			t.Fatalf("%d bytes, want %d", n, most+more)
		}
		if err := check(&padded); (err == nil) != ok || err != nil && (!errors.Is(err, publish.ErrDamaged) || !strings.Contains(err.Error(), "more bytes than")) {
			t.Errorf("%d more than the most: %v", more, err)
		}
	}
	// Another encoder makes another size; what is far larger than any would make is refused.
	for flushes, ok := range map[int]bool{0: true, int(want.Size): false} {
		var other bytes.Buffer
		z, err := gzip.NewWriterLevel(&other, gzip.NoCompression)
		if err != nil {
			t.Fatal(err)
		}
		for range flushes {
			if err := z.Flush(); err != nil { // an empty block
				t.Fatal(err)
			}
		}
		if _, err := z.Write(plain); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := check(&other); ok != (err == nil) || !ok && !errors.Is(err, publish.ErrDamaged) {
			t.Errorf("%d empty blocks: %v", flushes, err)
		}
	}
	for _, cause := range []error{io.ErrUnexpectedEOF, context.Canceled, syscall.ENOSPC} {
		for _, at := range []int{0, 5, len(body) / 2, len(body) - 1, len(body)} {
			err := check(io.MultiReader(bytes.NewReader(body[:at]), iotest.ErrReader(cause)))
			if !errors.Is(err, cause) || errors.Is(err, publish.ErrDamaged) {
				t.Errorf("%v at byte %d: %v", cause, at, err)
			}
		}
	}
	flipped := slices.Clone(body)
	flipped[len(body)/2] ^= 0xff
	for name, damaged := range map[string][]byte{
		"empty": nil, "its header alone": body[:5], "cut": body[:len(body)-1], "longer": append(slices.Clone(body), 0),
		"other bytes": flipped, "no gzip": plain,
	} {
		if err := check(bytes.NewReader(damaged)); !errors.Is(err, publish.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
