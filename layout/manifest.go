package layout

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ManifestFormat is the newest version of the format of manifest.json. It goes up
// with what a program must know that serves, copies or prunes the snapshot: its
// lists are objects of their own. A manifest with short lists has them in it, and is
// of format WholeManifest.
const ManifestFormat = 4

// WholeManifest is the format of a manifest that has its lists in it. Files of its
// packages need not be objects (ContentsFormat).
const WholeManifest = 3

// The versions before: without a catalogue, and with one.
const (
	bareManifest      = 1
	catalogueManifest = 2
)

// SnapshotTime is the layout of the time in a snapshot id, in UTC.
const SnapshotTime = "20060102T150405Z"

// Manifest is the provenance of a snapshot and the list of all that it refers
// to. Nothing in it depends on the clock, the machine or the run.
type Manifest struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	// Regsnap is the version that built the snapshot, Render the version of
	// what it writes: a package has the same documents under the same Render.
	Regsnap  string           `json:"regsnap"`
	Render   int              `json:"render"`
	Budget   Budget           `json:"budget"`
	Branches []ManifestBranch `json:"branches"` // in the order of precedence
	// Slice is set if this is a part of another snapshot, from which all but
	// routes and searches was taken as it is.
	Slice  *SliceOf     `json:"slice,omitempty"`
	Routes ObjectDigest `json:"routes"`
	// Catalogue is set if the snapshot has pages for people.
	Catalogue *ManifestCatalogue `json:"catalogue,omitempty"`
	// Lists are the objects that packages and responses are read from, if these do
	// not stand in the manifest itself. They are kept encoded only, beside the
	// responses.
	Lists []ManifestResponse `json:"lists,omitempty"`
	// Packages are sorted as Routes has them: by name, then by version.
	Packages []ManifestPackage `json:"packages"`
	// Responses are sorted by digest; the lists are not among them.
	Responses []ManifestResponse `json:"responses"`
	Coverage  Coverage           `json:"coverage"`
}

// ManifestCatalogue says which pages a snapshot has.
type ManifestCatalogue struct {
	// Render is the digest of what pages are made with: templates, style, script.
	// The same package version has the same page under the same Render.
	Render Digest `json:"render"`
	// Site is the page that lists the others.
	Site Digest `json:"site"`
}

// ManifestBranch is the state of a branch that went into a snapshot.
type ManifestBranch struct {
	Name string `json:"name"`
	// Commit is empty when the branch was a folder that is no commit's content.
	Commit  string    `json:"commit,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	// Packages counts the package versions of the branch, Hidden those that a
	// branch of higher precedence has as well.
	Packages int `json:"packages"`
	Hidden   int `json:"hidden,omitempty"`
}

// Equal reports whether two branches are in the same state.
func (b ManifestBranch) Equal(o ManifestBranch) bool {
	same := b.Time.Equal(o.Time)
	b.Time, o.Time = time.Time{}, time.Time{}
	return same && b == o
}

// ManifestPackage is one package version of a snapshot.
type ManifestPackage struct {
	Name     string `json:"name"`
	Version  string `json:"version"`
	Revision string `json:"revision"`
	Branch   string `json:"branch"`
	// Source is the git id of what the package was made from: the tree of a
	// directory, or the blob of a ready-made archive.
	Source string `json:"source"`
	// Signature is the git id of the source's signature file, if there is one.
	Signature string `json:"signature,omitempty"`
	// SignedBy is the fingerprint of the key with which the build signed the
	// archive; empty if the source has a signature, or nobody signed.
	SignedBy string `json:"signed_by,omitempty"`
	// Hides names the branches of lower precedence that have it too.
	Hides []string `json:"hides,omitempty"`
	// Contents is the SHA-256 of contents.json, which has those of the files.
	Contents string `json:"contents"`
	Document Digest `json:"document"`
	// Page is the version's page in the catalogue, if the snapshot has one.
	Page Digest `json:"page,omitempty"`
	// Deprecated tells that this very version carries a deprecation notice,
	// which every version of the name shows.
	Deprecated bool `json:"deprecated,omitempty"`
}

// ManifestResponse is one pre-rendered response.
type ManifestResponse struct {
	Digest Digest `json:"digest"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Gzip is the size of the encoded twin; 0 when there is none.
	Gzip int64 `json:"gzip,omitempty"`
	// EncodedOnly: only the twin is in the bucket. Whoever wants it plain
	// inflates it, or assembles it from the catalog.
	EncodedOnly bool `json:"encoded_only,omitempty"`
	// Part: it is a part of the catalog, which has no twin.
	Part bool `json:"part,omitempty"`
	// Page: it is a page of the catalogue for people.
	Page bool `json:"page,omitempty"`
}

// Object is the object of the response as it is, of the part of the catalog, or of
// the page.
func (r ManifestResponse) Object(class CacheClass) Object {
	switch {
	case r.Part:
		return partObject(r.Digest)
	case r.Page:
		return pageObject(r.Digest)
	}
	return responseObject(r.Digest, class)
}

// Keys are the objects of a response.
func (r ManifestResponse) Keys() []string {
	plain := r.Object(CacheContent).Key
	switch {
	case r.EncodedOnly:
		return []string{plain + GzipSuffix}
	case r.Gzip > 0:
		return []string{plain, plain + GzipSuffix}
	}
	return []string{plain}
}

// Budget bounds what is rendered ahead of the queries. What does not fit is
// counted, and assembled by the edge when someone asks.
type Budget struct {
	// Responses is the largest number of distinct search and categories
	// responses of a snapshot.
	Responses int `json:"responses"`
	// Bytes is the largest sum of their sizes, before compression.
	Bytes int64 `json:"bytes"`
}

// Coverage counts what was rendered ahead, and what is left to the edge.
type Coverage struct {
	// Queries is how many combinations of query parameters make a difference.
	Queries int `json:"queries"`
	// Distinct is how many different answers they have. When the budget was
	// used up nobody looked further: it is how many there were until then.
	Distinct int `json:"distinct"`
	// Rendered is how many of these are objects in the bucket.
	Rendered int `json:"rendered"`
	// Assembled is how many of the queries are left to assembly by the edge,
	// at most: those that were not looked at count, though their answer may be
	// there for others.
	Assembled int `json:"assembled"`
}

// Encode is the manifest as it is stored: without what its lists hold.
func (m *Manifest) Encode() []byte {
	if len(m.Lists) == 0 {
		return Encode(m, "")
	}
	head := *m
	head.Packages, head.Responses = []ManifestPackage{}, []ManifestResponse{}
	return Encode(&head, "")
}

// Stored are the responses and the lists: all that lies beside the responses.
func (m *Manifest) Stored() []ManifestResponse { return slices.Concat(m.Responses, m.Lists) }

// ID is the id of the snapshot: the time of its newest commit and the first 12
// digits of its manifest's digest. Without a commit the time is all zeros.
func (m *Manifest) ID() string { return m.IDOf(m.Encode()) }

// IDOf is ID where the manifest as it is stored is at hand.
func (m *Manifest) IDOf(encoded []byte) string {
	stamp := "00000000T000000Z"
	if t := m.Time(); !t.IsZero() {
		stamp = t.UTC().Format(SnapshotTime)
	}
	return stamp + "-" + string(DigestOf(encoded)[:12])
}

// Time is that of the newest commit; zero when there is none.
func (m *Manifest) Time() time.Time {
	var newest time.Time
	for _, b := range m.Branches {
		if b.Time.After(newest) {
			newest = b.Time
		}
	}
	return newest
}

// DecodeOrigin reads what a manifest begins with, the environment and the state
// of its branches, and none of its lists: those grow with the registry.
func DecodeOrigin(data []byte) (*Manifest, error) {
	if err := manifestFormat.check(data); err != nil {
		return nil, err
	}
	m := new(Manifest)
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return nil, manifestFormat.damaged(err)
	}
	fields := map[string]any{
		"format": &m.Format, "environment": &m.Environment, "regsnap": &m.Regsnap, "render": &m.Render, "budget": &m.Budget, "branches": &m.Branches,
	}
	for len(fields) > 0 {
		key, err := d.Token()
		if err != nil {
			return nil, manifestFormat.damaged(err)
		}
		name, _ := key.(string)
		to := fields[name]
		if to == nil {
			return nil, manifestFormat.damaged(fmt.Errorf("%v where one of format, environment, regsnap, render, budget and branches is due", key))
		}
		if err := d.Decode(to); err != nil {
			return nil, manifestFormat.damaged(fmt.Errorf("%s: %w", name, err))
		}
		delete(fields, name)
	}
	return m, nil
}

// DecodeManifest reads what Encode wrote and checks it; env and id are the
// environment and the snapshot that it must be of. If it has lists, packages and
// responses are missing until Fill.
func DecodeManifest(data []byte, env, id string) (*Manifest, error) {
	m := new(Manifest)
	if err := manifestFormat.read(data, m); err != nil {
		return nil, err
	}
	err := m.validate()
	switch {
	case err != nil:
	case m.Environment != env:
		err = fmt.Errorf("it is of environment %s", m.Environment)
	case m.IDOf(data) != id:
		err = fmt.Errorf("its content has the id %s", m.IDOf(data))
	}
	if err != nil {
		return nil, manifestFormat.damaged(err)
	}
	return m, manifestFormat.exact(data, m.Encode())
}

func (m *Manifest) validate() error {
	switch {
	case !ValidEnvironment(m.Environment):
		return fmt.Errorf("environment %q is not a name", m.Environment)
	case m.Slice != nil && !ValidSnapshot(m.Slice.Snapshot):
		return fmt.Errorf("slice of %q, which is not a snapshot id", m.Slice.Snapshot)
	case !m.Routes.valid():
		return errors.New("size or digest of the routes is malformed")
	}
	if c := m.Catalogue; c != nil && m.Format == bareManifest || c == nil && m.Format == catalogueManifest {
		return fmt.Errorf("format %d does not go with what it says of a catalogue", m.Format)
	}
	if (m.Format == ManifestFormat) != (len(m.Lists) > 0) || len(m.Lists) > 0 && len(m.Packages)+len(m.Responses) > 0 {
		return fmt.Errorf("format %d does not go with what it says of lists", m.Format)
	}
	return errors.Join(validLists(m.Lists), validEntries(m.Packages, m.Responses))
}

// validEntries checks what a manifest lists, or one of its lists.
func validEntries(packages []ManifestPackage, responses []ManifestResponse) error {
	for _, p := range packages {
		if !ValidPackageName(p.Name) || !revisionID.MatchString(p.Revision) || len(p.Contents) != 64 || !isHex(p.Contents) {
			return fmt.Errorf("package %q version %q revision %q is malformed", p.Name, p.Version, p.Revision)
		}
	}
	for _, r := range responses {
		if _, err := ParseDigest(string(r.Digest)); err != nil {
			return err
		}
		if o := (ObjectDigest{r.Size, r.SHA256}); !o.valid() || r.Gzip < 0 || r.Gzip > maxObject {
			return fmt.Errorf("response %s: size or digest is malformed", r.Digest)
		}
	}
	return validOrder(responses)
}

func validOrder(responses []ManifestResponse) error {
	if !slices.IsSortedFunc(responses, byDigest) {
		return errors.New("responses are not sorted")
	}
	return nil
}

func byDigest(a, b ManifestResponse) int { return cmp.Compare(a.Digest, b.Digest) }
