package build

// Signer signs archives. It is safe for concurrent use.
type Signer interface {
	// Sign makes the detached signature of an archive. Of the same archive
	// signers of the same Identity make the same signature, byte for byte.
	Sign(archive []byte) ([]byte, error)
	// Identity tells apart signers that make different signatures.
	Identity() string
	// Fingerprint names the key, for people and manifests.
	Fingerprint() string
}

// signed reports whether an entry's archive will have a signature.
func (b *builder) signed(k entryKey) bool { return !k.signature.IsZero() || b.Sign != nil }
