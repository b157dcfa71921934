package index

import (
	"encoding/hex"
	"fmt"
)

// ID is the id of a git object: the SHA-1 of its type, length and content
// (gitformat-pack(5), "object id"). Sources that are not git compute the id
// that git would give, so the same content has the same id wherever it is read.
type ID [20]byte

// String is the id as git prints it: 40 hexadecimal digits.
func (id ID) String() string { return hex.EncodeToString(id[:]) }

// IsZero reports whether the id was never set.
func (id ID) IsZero() bool { return id == ID{} }

// ParseID reads 40 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 2*len(id) {
		return ID{}, fmt.Errorf("git object id %q: want %d hexadecimal digits", s, 2*len(id))
	}
	if _, err := hex.Decode(id[:], []byte(s)); err != nil {
		return ID{}, fmt.Errorf("git object id %q: %w", s, err)
	}
	return id, nil
}
