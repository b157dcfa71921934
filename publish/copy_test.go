package publish

import (
	"testing"

	"github.com/regsnap/regsnap/layout"
)

// What the target has in another form than the snapshot is copied in that of the snapshot.
func TestMissingForms(t *testing.T) {
	plain := layout.ManifestResponse{Digest: layout.DigestOf(nil), Size: 9, SHA256: "ab"}
	both, encoded := plain, plain
	both.Gzip, encoded.Gzip, encoded.EncodedOnly = 5, 5, true
	for _, c := range []struct {
		what          string
		there, wanted layout.ManifestResponse
		missing       bool
	}{
		{"the same form", plain, plain, false},
		{"both forms where one is there", plain, both, true},
		{"one form where both are there", both, plain, false},
		{"the other form where both are there", both, encoded, false},
		{"the plain form where the encoded one is there", encoded, plain, true},
		{"the encoded form where the plain one is there", plain, encoded, true},
	} {
		l := openTest(t, "mem://").Lease(LeaseOptions{})
		copier := l.CopyFrom(openTest(t, "mem://"), CopyOptions{})
		copier.vouch(&layout.Manifest{Responses: []layout.ManifestResponse{c.there}})
		_, got, err := copier.missing(&layout.Manifest{Responses: []layout.ManifestResponse{c.wanted}})
		if err != nil || (len(got) == 1) != c.missing {
			t.Errorf("%s: %d to copy, %v; want it copied: %t", c.what, len(got), err, c.missing)
		}
	}
}
