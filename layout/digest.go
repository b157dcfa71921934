package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// DigestLen is the length of a Digest in characters.
const DigestLen = 32

// Digest names an object by what it says: the first 128 bits of a SHA-256, as
// 32 lower-case hexadecimal digits. Finding two contents with one digest takes
// about 2^64 hashes, and gains nothing: whoever could plant one is already
// allowed to publish the package that it would stand for.
type Digest string

// DigestOf is the digest of content.
func DigestOf(content []byte) Digest {
	sum := sha256.Sum256(content)
	return Digest(hex.EncodeToString(sum[:DigestLen/2]))
}

// ParseDigest checks that s has the form of a Digest.
func ParseDigest(s string) (Digest, error) {
	if len(s) != DigestLen || !isHex(s) {
		return "", fmt.Errorf("digest %q: want %d lower-case hexadecimal digits", s, DigestLen)
	}
	return Digest(s), nil
}

func isHex(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
