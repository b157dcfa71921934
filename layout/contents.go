package layout

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ContentsFormat is the version of the format of contents.json.
const ContentsFormat = archivedContents

// archivedContents is the first version whose files need not be objects: before
// it each is one.
const archivedContents = 2

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
	// Object tells that the file is an object of its own; any other is read
	// out of the archive. See Own.
	Object bool `json:"object,omitempty"`
	// Deflate says where the archive holds this file as a raw deflate stream
	// (RFC 1951): what a gzip-encoded answer is made of, so that no second
	// object is needed for it. Nil when the archive stores the file as it is.
	Deflate *Deflate `json:"deflate,omitempty"`
	// Stored is where the archive holds a file as it is that is no object.
	Stored *int64 `json:"stored,omitempty"`
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

// DecodeContents reads what Encode wrote and checks it; rev is the revision that
// it must be of.
func DecodeContents(data []byte, rev Revision) (*Contents, error) {
	c := new(Contents)
	if err := contentsFormat.read(data, c); err != nil {
		return nil, err
	}
	err := c.validate()
	if err == nil && (c.Name != rev.Name || c.Version != rev.Version) {
		err = fmt.Errorf("it is of %s-%s", c.Name, c.Version)
	}
	if err != nil {
		return nil, contentsFormat.damaged(err)
	}
	return c, contentsFormat.exact(data, c.Encode())
}

func (c *Contents) validate() error {
	if !ValidPackageName(c.Name) {
		return fmt.Errorf("package name %q", c.Name)
	}
	if !c.Archive.valid() || c.Signature != nil && !c.Signature.valid() {
		return errors.New("size or digest of the archive or its signature is malformed")
	}
	for i := range c.Files {
		f := &c.Files[i]
		if i > 0 && c.Files[i-1].Path >= f.Path {
			return fmt.Errorf("files are not sorted at %q", f.Path)
		}
		if o := (ObjectDigest{f.Size, f.SHA256}); !o.valid() {
			return fmt.Errorf("%s: size or digest is malformed", f.Path)
		}
		if err := c.validatePlace(f); err != nil {
			return err
		}
	}
	return nil
}

// valid reports whether o can be the size and digest of an object of a snapshot.
func (o ObjectDigest) valid() bool {
	return o.Size >= 0 && o.Size <= maxObject && len(o.SHA256) == 64 && isHex(o.SHA256)
}

// Own reports whether a file is an object of its own.
func (c *Contents) Own(f *ContentsFile) bool { return c.Format < archivedContents || f.Object }

// Objects are the files that are objects of their own.
func (c *Contents) Objects() []ContentsFile {
	var out []ContentsFile
	for _, f := range c.Files {
		if c.Own(&f) {
			out = append(out, f)
		}
	}
	return out
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
