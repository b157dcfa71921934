package layout

import (
	"fmt"
	"math/bits"
	"slices"
)

// manifestListVersion is the version of the format of a ManifestList.
const manifestListVersion = 1

// ManifestList is an object that holds a part of what a manifest lists: the package
// versions of consecutive names, with their documents and pages, or what belongs to
// no version. A snapshot shares with the one before it the lists that did not change,
// so a push writes one or two, and prune reads each only once.
type ManifestList struct {
	Format int `json:"format"`
	// Packages and Responses are sorted as those of a Manifest.
	Packages  []ManifestPackage  `json:"packages"`
	Responses []ManifestResponse `json:"responses"`
}

// Encode is the list before it is gzip-encoded.
func (l *ManifestList) Encode() []byte { return Encode(l, "") }

const (
	// InlineLists is up to how many bytes packages and responses stand in the
	// manifest: less is not worth requests of its own.
	InlineLists = 128 << 10
	// leastList is how many bytes of packages a list has at least, and mostLists
	// about how many lists there are at most: to read a manifest of a large registry
	// takes many requests, which cost more than bytes do.
	leastList = 32 << 10
	mostLists = 64
)

// Split cuts what a manifest lists in the lists that it is to be stored with; nil if
// the whole has at most inline bytes, so that all of it is to stand in the manifest.
// Where lists end depends on what they hold, so that a push changes few of them.
func (m *Manifest) Split(inline int) []*ManifestList {
	total := len(Encode(m, ""))
	if total <= inline {
		return nil
	}
	owner := make(map[Digest]int, 2*len(m.Packages)) // the name that a response belongs to
	var names []string
	var ends []int // of the packages of a name
	for i, p := range m.Packages {
		if len(names) == 0 || names[len(names)-1] != p.Name {
			names, ends = append(names, p.Name), append(ends, 0)
		}
		last := len(names) - 1
		ends[last] = i + 1
		owner[p.Document] = last
		if p.Page != "" {
			owner[p.Page] = last
		}
	}
	of := make([][]ManifestResponse, len(names))
	rest := &ManifestList{Format: manifestListVersion, Packages: []ManifestPackage{}, Responses: []ManifestResponse{}}
	for _, r := range m.Responses {
		if i, owned := owner[r.Digest]; owned {
			of[i] = append(of[i], r)
		} else {
			rest.Responses = append(rest.Responses, r)
		}
	}
	sizes := make([]int, len(names))
	first := 0
	for i, end := range ends {
		sizes[i] = len(Encode(m.Packages[first:end], "")) + len(Encode(of[i], ""))
		first = end
	}
	var out []*ManifestList
	least := max(leastList, 1<<bits.Len(uint(total/mostLists))/2) // a power of two, which seldom changes
	first, name := 0, 0
	for _, n := range cut(names, sizes, least, least) {
		end := ends[name+n-1]
		l := &ManifestList{Format: manifestListVersion, Packages: m.Packages[first:end], Responses: slices.Concat(of[name : name+n]...)}
		slices.SortFunc(l.Responses, byDigest)
		out = append(out, l)
		first, name = end, name+n
	}
	return append(out, rest)
}

// SetLists notes which lists a manifest is stored with: those of Split, in their order.
func (m *Manifest) SetLists(lists []ManifestResponse) {
	m.Format, m.Lists = ManifestFormat, lists
}

// Fill completes a manifest with its lists, in their order.
func (m *Manifest) Fill(lists []*ManifestList) error {
	for _, l := range lists {
		m.Packages = append(m.Packages, l.Packages...)
		m.Responses = append(m.Responses, l.Responses...)
	}
	slices.SortFunc(m.Responses, byDigest)
	for i := 1; i < len(m.Responses); i++ {
		if d := m.Responses[i].Digest; d == m.Responses[i-1].Digest {
			return manifestFormat.damaged(fmt.Errorf("two lists have the response %s", d))
		}
	}
	return nil
}

// DecodeManifestList reads what ManifestList.Encode wrote and checks it.
func DecodeManifestList(data []byte) (*ManifestList, error) {
	l := new(ManifestList)
	if err := manifestListFormat.read(data, l); err != nil {
		return nil, err
	}
	if err := validEntries(l.Packages, l.Responses); err != nil {
		return nil, manifestListFormat.damaged(err)
	}
	return l, manifestListFormat.exact(data, l.Encode())
}

// validLists checks what a manifest says of its lists.
func validLists(lists []ManifestResponse) error {
	for _, l := range lists {
		switch o := (ObjectDigest{l.Size, l.SHA256}); {
		case !o.valid() || string(l.Digest) != l.SHA256[:DigestLen]:
			return fmt.Errorf("list %s: size or digest is malformed", l.Digest)
		case l.Size > manifestListFormat.most || l.Gzip <= 0 || l.Gzip > manifestListFormat.most:
			return fmt.Errorf("list %s: it is said to have %d bytes, %d of them encoded", l.Digest, l.Size, l.Gzip)
		case !l.EncodedOnly || l.Part || l.Page:
			return fmt.Errorf("list %s: it is not kept encoded only", l.Digest)
		}
	}
	return nil
}
