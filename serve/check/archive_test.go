package check

import (
	"archive/zip"
	"bytes"
	"fmt"
	"hash/crc32"
	"strings"
	"testing"
)

// stored is an archive of entries "name=content", uncompressed. What change returns is
// what the archive's directory says of an entry.
func stored(t *testing.T, change func(*zip.FileHeader), entries ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		name, text, _ := strings.Cut(e, "=")
		h := &zip.FileHeader{
			Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(text)),
			CompressedSize64: uint64(len(text)), UncompressedSize64: uint64(len(text)),
		}
		if change != nil {
			change(h)
		}
		w, err := z.CreateRaw(h)
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCompareArchives: what in an archive is a difference, each of them alone, and what it
// is called. How entries are packed and ordered, and folders, make no
// difference.
func TestCompareArchives(t *testing.T) {
	want := stored(t, nil, "a=one", "b=two")
	for name, c := range map[string]struct{ got, want, text string }{
		"the same":            {want, want, ""},
		"another order":       {stored(t, nil, "b=two", "a=one"), want, ""},
		"a folder more":       {stored(t, nil, "a=one", "b=two", "c/="), want, ""},
		"a folder less":       {want, stored(t, nil, "a=one", "b=two", "c/="), ""},
		"a file less":         {stored(t, nil, "a=one"), want, "lacks b"},
		"a file more":         {stored(t, nil, "a=one", "b=two", "c="), want, "has c too much"},
		"the first of two":    {stored(t, nil, "a=one", "b=two", "d=", "c="), want, "has c too much"},
		"a file twice":        {stored(t, nil, "a=one", "b=two", "b=two"), want, "has b 2 times"},
		"another size":        {stored(t, nil, "a=one", "b=twos"), want, "b has 4 bytes and CRC-32 " + crc("twos") + ", not 3 and " + crc("two")},
		"another text":        {stored(t, nil, "a=one", "b=owt"), want, "b has 3 bytes and CRC-32 " + crc("owt") + ", not 3 and " + crc("two")},
		"another directory":   {stored(t, func(h *zip.FileHeader) { h.CRC32 = crc32.ChecksumIEEE([]byte("two")) }, "b=TWO"), stored(t, nil, "b=two"), "b cannot be read: zip: checksum error"},
		"another method":      {stored(t, func(h *zip.FileHeader) { h.Method = 99 }, "b=two"), stored(t, nil, "b=two"), "b cannot be read: zip: unsupported compression algorithm"},
		"not an archive":      {"two", want, "zip: not a valid zip file"},
		"the bucket's is not": {want, "two", "the bucket's: zip: not a valid zip file"},
	} {
		if got := compareArchives(body(c.got), body(c.want)); got != c.text {
			t.Errorf("%s: %q, want %q", name, got, c.text)
		}
	}
	// Of what is not kept, the size is all that is compared.
	part := content{size: 5}
	for _, c := range []struct {
		got, want content
		text      string
	}{{part, part, ""}, {part, body("12345"), ""}, {body("12345"), part, ""}, {part, body("1234"), "too long to look into"}, {body("1234"), part, "too long to look into"}} {
		if got := compareArchives(c.got, c.want); got != c.text {
			t.Errorf("%d bytes instead of %d: %q, want %q", c.got.size, c.want.size, got, c.text)
		}
	}
}

// crc is the CRC-32 of a text in hexadecimal.
func crc(text string) string { return fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) }
