package storagev2

import (
	"crypto/sha256"
	"fmt"
	"hash/fnv"

	"github.com/regsnap/regsnap/layout"
)

// A push changes a few of the documents that an index is made of, and the index has
// tens of megabytes. So it is kept in segments, each encoded by itself, and a
// segment whose documents are those of the index before is taken from there as it is.

// segment is the documents of consecutive packages.
type segment struct {
	id        segmentID
	documents []layout.Digest
}

// segmentID is made of the documents of a segment.
type segmentID [16]byte

const (
	// perSegment is how many packages a segment has on average, with all their versions.
	perSegment = 8
	// mostSegments bounds the table of segments, which has to fit into the header.
	mostSegments = 1000
)

// segments cuts the documents of a snapshot up. Where a segment ends is decided by
// the name of its last package, so that a package that comes or goes changes the
// segment that it is in, and no other.
func segments(packages []layout.ManifestPackage) []segment {
	names := 0
	for i, p := range packages {
		if i == 0 || p.Name != packages[i-1].Name {
			names++
		}
	}
	one := uint32(perSegment) // in so many names
	for names/int(one) > mostSegments/2 {
		one *= 2
	}
	var out []segment
	var now segment
	for i, p := range packages {
		now.documents = append(now.documents, p.Document)
		last := i == len(packages)-1
		if !last && packages[i+1].Name == p.Name || !last && (hashOf(p.Name)%one != 0 || len(out) == mostSegments-1) {
			continue
		}
		now.id = idOf(now.documents)
		out = append(out, now)
		now = segment{}
	}
	return out
}

func hashOf(name string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(name)) // never fails
	return h.Sum32()
}

func idOf(documents []layout.Digest) segmentID {
	h := sha256.New()
	fmt.Fprintln(h, "segment 1")
	for _, d := range documents {
		fmt.Fprintln(h, d)
	}
	return segmentID(h.Sum(nil))
}
