package build

import (
	"testing"

	"github.com/regsnap/regsnap/index"
)

// The id of a revision says what the package holds, not where it was found.
func TestRevisionIDs(t *testing.T) {
	one, two := index.ID{1}, index.ID{2}
	base := index.Entry{Branch: "staging", Name: "p", Version: "1.0.0", Path: "packages/p/1.0.0", Tree: one}
	var signer Signer
	id := func(change func(*index.Entry)) string {
		e := base
		change(&e)
		r := revisionOf(e, signer)
		if r.Name != e.Name || r.Version != e.Version {
			t.Errorf("revision %+v is of another package than %+v", r, e)
		}
		return r.ID
	}
	same := id(func(*index.Entry) {})
	if got := id(func(e *index.Entry) { e.Branch, e.Path = "production", "packages/p-1.0.0" }); got != same {
		t.Error("another branch makes another revision")
	}
	seen := map[string]string{same: "the tree"}
	for what, change := range map[string]func(*index.Entry){
		"another tree":              func(e *index.Entry) { e.Tree = two },
		"an archive of the same id": func(e *index.Entry) { e.Tree, e.Archive = index.ID{}, one },
		"another archive":           func(e *index.Entry) { e.Tree, e.Archive = index.ID{}, two },
		"a signature":               func(e *index.Entry) { e.Tree, e.Archive, e.Signature = index.ID{}, one, one },
		"another signature":         func(e *index.Entry) { e.Tree, e.Archive, e.Signature = index.ID{}, one, two },
	} {
		got := id(change)
		if other, taken := seen[got]; taken {
			t.Errorf("%s and %s have one id", what, other)
		}
		seen[got] = what
	}
	for _, signer = range []Signer{signedBy("AA 1"), signedBy("AA 2"), signedBy("BB 1")} {
		got := id(func(*index.Entry) {})
		if other, taken := seen[got]; taken {
			t.Errorf("signed by %s and %s have one id", signer.Identity(), other)
		}
		seen[got] = signer.Identity()
	}
	// What the source has signed is nobody else's.
	signature := func(e *index.Entry) { e.Tree, e.Archive, e.Signature = index.ID{}, one, one }
	own := id(signature)
	if signer = nil; id(signature) != own {
		t.Error("a signer makes another revision of what is signed already")
	}
}

// signedBy is a signer of which only the identity matters.
type signedBy string

func (s signedBy) Sign([]byte) ([]byte, error) { return []byte(s), nil }
func (s signedBy) Identity() string            { return string(s) }
func (s signedBy) Fingerprint() string         { return string(s[:2]) }
