package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/regsnap/regsnap/layout"
)

// Matches checks an object against the size and the SHA-256 that it should have.
func Matches(body []byte, want layout.ObjectDigest) error {
	if int64(len(body)) != want.Size {
		return fmt.Errorf("%d bytes, want %d", len(body), want.Size)
	}
	return HasSum(body, want.SHA256)
}

// HasSum checks the SHA-256 of an object, in hexadecimal.
func HasSum(body []byte, want string) error {
	sum := sha256.Sum256(body)
	if got := hex.EncodeToString(sum[:]); got != want {
		return fmt.Errorf("SHA-256 %s, want %s", got, want)
	}
	return nil
}
