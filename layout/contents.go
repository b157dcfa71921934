package layout

import (
	"fmt"
	"slices"
	"strings"
)

// ContentsFormat is the version of the format of contents.json.
const ContentsFormat = 1

// Contents lists the files of one package revision, and where the archive keeps
// each, so that one part can be served out of the other.
type Contents struct {
	Format  int          `json:"format"`
	Name    string       `json:"name"`
	Version string       `json:"version"`
	Archive ObjectDigest `json:"archive"`
	// Signature is nil when the source has none.
	Signature *ObjectDigest `json:"signature,omitempty"`
	// Files are sorted by path, bytewise.
	Files []ContentsFile `json:"files"`
}

// ObjectDigest is the size in bytes and the SHA-256 of an object.
type ObjectDigest struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// ContentsFile is one file of a package.
type ContentsFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Type is the Content-Type that clients get.
	Type string `json:"type"`
	// Deflate says where the archive holds this file as a raw deflate stream
	// (RFC 1951): what a gzip-encoded answer is made of, so that no second
	// object is needed for it. Nil when the archive stores the file as it is.
	Deflate *Deflate `json:"deflate,omitempty"`
}

// Deflate is a span of the archive, in bytes, and the CRC-32 (IEEE) of what it
// inflates to.
type Deflate struct {
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
	CRC32  uint32 `json:"crc32"`
}

// Encode is the list as it is stored.
func (c *Contents) Encode() []byte { return Encode(c, "") }

// DecodeContents reads what Encode wrote and checks it.
func DecodeContents(data []byte) (*Contents, error) {
	c := new(Contents)
	if err := decode(data, c); err != nil {
		return nil, fmt.Errorf("contents: %w", err)
	}
	if c.Format != ContentsFormat {
		return nil, fmt.Errorf("contents: format %d is not known to this version of regsnap (want %d)", c.Format, ContentsFormat)
	}
	if !ValidPackageName(c.Name) {
		return nil, fmt.Errorf("contents: package name %q", c.Name)
	}
	if !slices.IsSortedFunc(c.Files, compareFiles) {
		return nil, fmt.Errorf("contents of %s-%s: files are not sorted", c.Name, c.Version)
	}
	for _, f := range c.Files {
		if f.Size < 0 || len(f.SHA256) != 64 || !isHex(f.SHA256) {
			return nil, fmt.Errorf("contents of %s-%s: %s: size or digest is malformed", c.Name, c.Version, f.Path)
		}
	}
	return c, nil
}

// Sort brings the files into the order that Encode wants.
func (c *Contents) Sort() { slices.SortFunc(c.Files, compareFiles) }

func compareFiles(a, b ContentsFile) int { return strings.Compare(a.Path, b.Path) }

// Find returns the file at path, or nil.
func (c *Contents) Find(path string) *ContentsFile {
	i, found := slices.BinarySearchFunc(c.Files, path, func(f ContentsFile, p string) int {
		return strings.Compare(f.Path, p)
	})
	if !found {
		return nil
	}
	return &c.Files[i]
}
