package parse

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/git"
	"github.com/regsnap/regsnap/index/indextest"
)

// zipEntry is an entry as its headers state it; what is left zero is made to fit.
type zipEntry struct {
	name     string
	content  string
	mode     fs.FileMode
	method   uint16
	flags    uint16
	crc      *uint32
	size     *uint64 // uncompressed
	compress *uint64
}

func ptr[T any](v T) *T { return &v }

// makeZip writes an archive byte for byte as it is told.
func makeZip(t testing.TB, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		data := e.content
		if e.method == zip.Deflate {
			data = deflate(t, data)
		}
		h := &zip.FileHeader{
			Name: e.name, Method: e.method, Flags: e.flags, CRC32: crc32.ChecksumIEEE([]byte(e.content)),
			UncompressedSize64: uint64(len(e.content)), CompressedSize64: uint64(len(data)),
		}
		if e.crc != nil {
			h.CRC32 = *e.crc
		}
		if e.size != nil {
			h.UncompressedSize64 = *e.size
		}
		if e.compress != nil {
			h.CompressedSize64 = *e.compress
		}
		if e.mode != 0 {
			h.SetMode(e.mode)
		}
		f, err := w.CreateRaw(h)
		if err == nil {
			_, err = io.WriteString(f, data)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func deflate(t testing.TB, s string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err == nil {
		_, err = io.WriteString(w, s)
	}
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

// patch changes the n-th header in the central directory (APPNOTE 4.3.12).
func patch(t testing.TB, archive []byte, n int, change func(header []byte)) []byte {
	t.Helper()
	at := -1
	for range n + 1 {
		next := bytes.Index(archive[at+1:], []byte("PK\x01\x02"))
		if next < 0 {
			t.Fatal("the archive has too few headers")
		}
		at += 1 + next
	}
	archive = slices.Clone(archive)
	change(archive[at:])
	return archive
}

func TestOpenArchive(t *testing.T) {
	archive := makeZip(t,
		zipEntry{name: "p-1.0.0/", mode: fs.ModeDir | 0o755},
		zipEntry{name: "p-1.0.0/z.md", content: "stored"},
		zipEntry{name: "p-1.0.0/a.b", content: "dot"},
		zipEntry{name: "p-1.0.0/a/", mode: fs.ModeDir | 0o755},
		zipEntry{name: "p-1.0.0/a/b", content: strings.Repeat("deflated ", 1000), method: zip.Deflate, mode: 0o644},
		zipEntry{name: "p-1.0.0/a/run", content: "#!/bin/sh", mode: 0o755},
		zipEntry{name: "p-1.0.0/empty"},
	)
	tree, found := openArchive("p", "1.0.0", archive, index.Limits{})
	if len(found.Errors) > 0 {
		t.Fatal(found.Errors)
	}
	var got []string
	for _, f := range tree.Files() {
		content, err := tree.Read(f.Path)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(content)) != f.Size || git.ObjectID(git.BlobObject, content) != f.Blob {
			t.Errorf("content of %s does not fit %+v", f.Path, f)
		}
		got = append(got, fmt.Sprintf("%s %d %d %.8s", f.Path, f.Mode, f.Size, content))
	}
	indextest.Compare(t, "files", got, []string{"a/b 0 9000 deflated", "a/run 1 9 #!/bin/s", "a.b 0 3 dot", "empty 0 0 ", "z.md 0 6 stored"})
	if tree.Files()[3].Blob.String() != "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391" { // git hash-object /dev/null
		t.Errorf("the id of the empty file is %s", tree.Files()[3].Blob)
	}
	if _, err := tree.Read("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
}

func TestOpenArchiveRefuses(t *testing.T) {
	good := zipEntry{name: "p-1.0.0/a", content: "content"}
	two := makeZip(t, good, zipEntry{name: "p-1.0.0/b", content: "another"})
	zeros := strings.Repeat("\x00", 4<<20)
	tests := map[string]struct {
		archive []byte
		limits  index.Limits
		want    string // the only finding, or the first
	}{
		"not a zip file":   {[]byte("PK? no"), index.Limits{}, "is not a zip file: no end record is found [archive-format]"},
		"cut off":          {two[:len(two)-30], index.Limits{}, "is not a zip file: no end record is found [archive-format]"},
		"no entries":       {makeZip(t), index.Limits{}, "the archive is empty [archive-format]"},
		"large archive":    {two, index.Limits{ArchiveSize: 100}, fmt.Sprintf("the archive has %d bytes: it may have 100 [file-size]", len(two))},
		"other root":       {makeZip(t, good, zipEntry{name: "q-1.0.0/a"}), index.Limits{}, "q-1.0.0/a: is not in the directory p-1.0.0/, which must hold all of the package [archive-root]"},
		"no root":          {makeZip(t, zipEntry{name: "manifest.yml"}), index.Limits{}, "manifest.yml: is not in the directory p-1.0.0/, which must hold all of the package [archive-root]"},
		"absolute":         {makeZip(t, zipEntry{name: "/etc/passwd"}), index.Limits{}, "/etc/passwd: is not in the directory p-1.0.0/, which must hold all of the package [archive-root]"},
		"absolute inside":  {makeZip(t, zipEntry{name: "p-1.0.0//etc/passwd"}), index.Limits{}, "/etc/passwd: the path has an element without a name [path-element]"},
		"traversal":        {makeZip(t, zipEntry{name: "p-1.0.0/../../x"}), index.Limits{}, `../../x: the path has the element "..", which means something else than a name [path-element]`},
		"directory up":     {makeZip(t, good, zipEntry{name: "p-1.0.0/../", mode: fs.ModeDir}), index.Limits{}, `..: the path has the element "..", which means something else than a name [path-element]`},
		"backslash":        {makeZip(t, zipEntry{name: `p-1.0.0/..\x`}), index.Limits{}, `..\x: the path has a backslash, which separates directories for some: rename it [path-character]`},
		"backslash root":   {makeZip(t, zipEntry{name: `p-1.0.0\x`}), index.Limits{}, `p-1.0.0\x: is not in the directory p-1.0.0/, which must hold all of the package [archive-root]`},
		"twice":            {makeZip(t, good, good), index.Limits{}, "a: the path is there twice [path-duplicate]"},
		"case":             {makeZip(t, good, zipEntry{name: "p-1.0.0/A"}), index.Limits{}, `A: differs from "a" by upper and lower case alone: where case does not count one would replace the other [path-collision]`},
		"file, directory":  {makeZip(t, good, zipEntry{name: "p-1.0.0/a/b"}), index.Limits{}, "a: is a file, and also a directory that holds files [path-duplicate]"},
		"symlink":          {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "/etc", mode: fs.ModeSymlink | 0o777}), index.Limits{}, "a: is a symbolic link: put the file itself there [symlink]"},
		"device":           {makeZip(t, zipEntry{name: "p-1.0.0/a", mode: fs.ModeDevice}), index.Limits{}, "a: is not a regular file: remove it [irregular-file]"},
		"full directory":   {bytes.ReplaceAll(makeZip(t, good, zipEntry{name: "p-1.0.0/d#", content: "x"}), []byte("d#"), []byte("d/")), index.Limits{}, "d: is a directory with 1 bytes of content [archive-format]"},
		"encrypted":        {makeZip(t, zipEntry{name: "p-1.0.0/a", flags: 1}), index.Limits{}, "a: is encrypted [archive-format]"},
		"bzip2":            {makeZip(t, zipEntry{name: "p-1.0.0/a", method: 12}), index.Limits{}, "a: is compressed by method 12: use deflate [archive-format]"},
		"too many entries": {makeZip(t, good, zipEntry{name: "p-1.0.0/b"}, zipEntry{name: "p-1.0.0/c"}), index.Limits{Files: 1}, "the archive has 3 entries: it may have 2, directories included [file-count]"},
		"too many files":   {two, index.Limits{Files: 1}, "the package has 2 files: it may have 1 [file-count]"},
		"large file":       {two, index.Limits{FileSize: 6}, "a: has 7 bytes: a file may have 6 [file-size]"},
		"large package":    {two, index.Limits{TotalSize: 13}, "the files of the package have together over 13 bytes, the most they may have [package-size]"},
		"checksum":         {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", crc: ptr(uint32(1))}), index.Limits{}, "a: has the checksum fec530a9, but its header states 00000001 [archive-format]"},
		"no checksum":      {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", crc: ptr(uint32(0))}), index.Limits{}, "a: has the checksum fec530a9, but its header states 00000000 [archive-format]"},
		"stored lie":       {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", size: ptr(uint64(9))}), index.Limits{}, "a: is stored with 7 bytes, but its header states a length of 9 [archive-format]"},
		"inflates to more": {makeZip(t, zipEntry{name: "p-1.0.0/a", content: strings.Repeat("x", 99), method: zip.Deflate, size: ptr(uint64(9))}), index.Limits{}, "a: inflates to more than the 9 bytes that its header states [archive-format]"},
		"inflates to less": {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: zip.Deflate, size: ptr(uint64(99))}), index.Limits{}, "a: inflates to 7 bytes, but its header states 99 [archive-format]"},
		"bad deflate":      {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: zip.Deflate, compress: ptr(uint64(3))}), index.Limits{}, "10 bytes lie between the last entry and the central directory: readers would disagree about what the archive holds [archive-ambiguous]"},
		"zip64 size":       {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: zip.Deflate, size: ptr(uint64(math.MaxUint64 - 1))}), index.Limits{}, "a: uses the zip64 format, which no package needs: build the archive without [archive-format]"},
		"zip64 data":       {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: zip.Deflate, compress: ptr(uint64(math.MaxUint64 - 1))}), index.Limits{}, "a: uses the zip64 format, which no package needs: build the archive without [archive-format]"},
		"outside":          {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "content", method: zip.Deflate, compress: ptr(uint64(1 << 20))}), index.Limits{}, "a: its data would lie outside of the archive [archive-format]"},
		"bomb":             {makeZip(t, zipEntry{name: "p-1.0.0/a", content: zeros, method: zip.Deflate}), index.Limits{}, "inflates to too many bytes: 4194304 from the 4200 bytes of the archive, over 200 from each [archive-ratio]"},
		"bomb that lies":   {makeZip(t, zipEntry{name: "p-1.0.0/a", content: zeros, method: zip.Deflate, size: ptr(uint64(10))}), index.Limits{}, "a: inflates to more than the 10 bytes that its header states [archive-format]"},
		"same data twice": {patch(t, two, 1, func(h []byte) {
			binary.LittleEndian.PutUint32(h[42:], 0) // the local header of the first
		}), index.Limits{}, "b: its bytes are also those of \"p-1.0.0/a\": build the archive again [archive-overlap]"},
		"data that holds the next header": {patch(t, two, 0, func(h []byte) {
			binary.LittleEndian.PutUint32(h[20:], 50)
			binary.LittleEndian.PutUint32(h[24:], 50)
		}), index.Limits{}, "a: its local header states 7 compressed bytes, the central directory 50: readers would disagree about what the archive holds [archive-ambiguous]"},
		"zip64 by its lengths": {patch(t, two, 0, func(h []byte) {
			binary.LittleEndian.PutUint32(h[20:], math.MaxUint32)
		}), index.Limits{}, "a: uses the zip64 format, which no package needs: build the archive without [archive-format]"},
		"zip64 by its other length": {patch(t, two, 0, func(h []byte) {
			binary.LittleEndian.PutUint32(h[24:], math.MaxUint32)
		}), index.Limits{}, "a: uses the zip64 format, which no package needs: build the archive without [archive-format]"},
		"zip64 by its offset": {patch(t, two, 1, func(h []byte) {
			binary.LittleEndian.PutUint32(h[42:], math.MaxUint32)
		}), index.Limits{}, "b: uses the zip64 format, which no package needs: build the archive without [archive-format]"},
		"zip64 by the directory's length": {slices.Concat(two[:len(two)-10], []byte{255, 255, 255, 255}, two[len(two)-6:]), index.Limits{}, "uses the zip64 format, which no package needs: build it without [archive-format]"},
		"zip64 by the directory's offset": {slices.Concat(two[:len(two)-6], []byte{255, 255, 255, 255}, two[len(two)-2:]), index.Limits{}, "uses the zip64 format, which no package needs: build it without [archive-format]"},
		"another local header":            {slices.Concat([]byte("PK\x03\x05"), two[4:]), index.Limits{}, "a: has no local header where the central directory states it [archive-format]"},
		"no room for a local header":      {withoutLocal(t, two, 0), index.Limits{}, "b: has no local header where the central directory states it [archive-format]"},
		"too little room for it":          {withoutLocal(t, two, lengthLocal-1), index.Limits{}, "b: has no local header where the central directory states it [archive-format]"},
		"room for it alone":               {withoutLocal(t, two, lengthLocal), index.Limits{}, "b: its data would lie outside of the archive [archive-format]"},
		"one entry is a bomb": {makeZip(t, zipEntry{name: "p-1.0.0/a", content: zeros, method: zip.Deflate}, zipEntry{name: "p-1.0.0/b", content: strings.Repeat("b", 30_000)}), index.Limits{},
			fmt.Sprintf("a: inflates to too many bytes: over 200 from each of its %d compressed ones [archive-ratio]", len(deflate(t, zeros)))},
		"no deflate stream": {makeZip(t, zipEntry{name: "p-1.0.0/a", content: "\xff\xff\xff", size: ptr(uint64(9))}, good), index.Limits{}, "a: is stored with 3 bytes, but its header states a length of 9 [archive-format]"},
		"no local header": {patch(t, two, 1, func(h []byte) {
			binary.LittleEndian.PutUint32(h[42:], 3)
		}), index.Limits{}, "b: its bytes are also those of \"p-1.0.0/a\": build the archive again [archive-overlap]"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			tree, found := openArchive("p", "1.0.0", test.archive, test.limits)
			if tree != nil || len(found.Errors) == 0 {
				t.Fatalf("a tree %v, findings %v", tree, found.Errors)
			}
			if got := strings.TrimPrefix(found.Errors[0].String(), ": "); got != test.want {
				t.Errorf("the finding is\n\t%s\nwant\n\t%s", got, test.want)
			}
		})
	}
}

// withoutLocal leaves the second entry so many bytes of its local side.
func withoutLocal(t testing.TB, archive []byte, keep int) []byte {
	t.Helper()
	var local uint32
	patch(t, archive, 1, func(h []byte) { local = binary.LittleEndian.Uint32(h[42:]) })
	directory := binary.LittleEndian.Uint32(archive[len(archive)-6:])
	out := slices.Concat(archive[:int(local)+keep], archive[directory:])
	binary.LittleEndian.PutUint32(out[len(out)-6:], local+uint32(keep))
	return out
}

// TestOpenArchiveRatio: the limit is for what is long, and can be raised.
func TestOpenArchiveRatio(t *testing.T) {
	zeros := func(n int) []byte {
		return makeZip(t, zipEntry{name: "p-1.0.0/a", content: strings.Repeat("\x00", n), method: zip.Deflate})
	}
	if _, found := openArchive("p", "1.0.0", zeros(ratioFloor-1), index.Limits{}); len(found.Errors) > 0 {
		t.Errorf("short: %v", found.Errors)
	}
	if _, found := openArchive("p", "1.0.0", zeros(4<<20), index.Limits{Ratio: 2_000}); len(found.Errors) > 0 {
		t.Errorf("with a higher limit: %v", found.Errors)
	}
}

func FuzzOpenArchive(f *testing.F) {
	f.Add(makeZip(f,
		zipEntry{name: "p-1.0.0/", mode: fs.ModeDir | 0o755},
		zipEntry{name: "p-1.0.0/a", content: "stored"},
		zipEntry{name: "p-1.0.0/b/c", content: strings.Repeat("deflated", 9), method: zip.Deflate}))
	f.Add(makeZip(f, zipEntry{name: "p-1.0.0/../a", content: "x", mode: fs.ModeSymlink}))
	f.Add(makeZip(f, zipEntry{name: "p-1.0.0/a", size: ptr(uint64(math.MaxUint64)), compress: ptr(uint64(1 << 40))}))
	f.Add([]byte("PK\x05\x06"))
	f.Add(twoEntries(f).bytes())
	for _, d := range disagreements {
		z := twoEntries(f)
		d.change(z, z.entries[0], z.entries[1])
		f.Add(z.bytes())
	}
	limits := index.Limits{FileSize: 1 << 16, TotalSize: 1 << 18, Files: 100}
	f.Fuzz(func(t *testing.T, content []byte) {
		tree, found := openArchive("p", "1.0.0", content, limits)
		if (tree == nil) != (len(found.Errors) > 0) {
			t.Fatalf("a tree %v with findings %v", tree, found.Errors)
		}
		if tree == nil {
			return
		}
		if found := index.CheckFiles(tree.Files(), limits); len(found.Errors) > 0 {
			t.Errorf("files that no package may hold: %v", found.Errors)
		}
		read := map[string]string{}
		for _, file := range tree.Files() {
			content, err := tree.Read(file.Path)
			if err != nil || int64(len(content)) != file.Size {
				t.Errorf("%s: %d bytes of %d, %v", file.Path, len(content), file.Size, err)
			}
			read["p-1.0.0/"+file.Path] = sum(content)
		}
		// Whoever reads it in another way finds the same.
		if got, err := streamed(content); err != nil || !maps.Equal(got, read) {
			t.Errorf("a reader that streams finds %v, %v, want %v", got, err, read)
		}
		if got := readers["archive/zip"](t, "", content); !maps.Equal(got, read) {
			t.Errorf("archive/zip finds %v, want %v", got, read)
		}
	})
}
