package sign

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	pgperrors "github.com/ProtonMail/go-crypto/openpgp/errors"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// errSignature: content is not what the holder of a trusted key has signed.
var errSignature = errors.New("the signature is not good")

// maxSignature is the largest signature that is read, in bytes.
const maxSignature = 64 << 10

// Ring is the keys whose signatures count.
type Ring struct{ keys openpgp.EntityList }

// LoadRing reads public keys, in text or binary form.
func LoadRing(data []byte) (Ring, error) {
	keys, err := readRing(data, openpgp.PublicKeyType)
	return Ring{keys}, err
}

// Verify checks a detached signature, in text or binary form, and returns the
// fingerprint of the key that made it. One that was good when it was made stays
// good when the key has expired, but not when the key was revoked.
func (r Ring) Verify(content io.ReadSeeker, signature []byte) (string, error) {
	packets, err := binary(signature)
	if err != nil {
		return "", err
	}
	first, err := firstSignature(packets)
	if err != nil {
		return "", err
	}
	config := new(packet.Config)
	made, signer, err := openpgp.VerifyDetachedSignature(r.keys, content, bytes.NewReader(packets), config)
	if errors.Is(err, pgperrors.ErrKeyExpired) {
		if made == nil {
			made = first
		}
		at := made.CreationTime
		config.Time = func() time.Time { return at }
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return "", err
		}
		made, signer, err = openpgp.VerifyDetachedSignature(r.keys, content, bytes.NewReader(packets), config)
	}
	switch {
	case errors.Is(err, pgperrors.ErrUnknownIssuer):
		return "", fmt.Errorf("%w: it was made by key %016X, which is not one of those to trust", errSignature, issuer(first))
	case err != nil:
		return "", fmt.Errorf("%w: %w", errSignature, err)
	}
	// Of several signatures it is the one that verified that counts.
	if !strong[made.Hash] {
		return "", fmt.Errorf("%w: it is over a digest by %v, which can be forged: at least SHA-256 is wanted", errSignature, made.Hash)
	}
	for _, k := range (openpgp.EntityList{signer}).KeysById(issuer(made)) {
		if f := made.IssuerFingerprint; len(f) == 0 || bytes.Equal(f, k.PublicKey.Fingerprint) {
			return fingerprint(k.PublicKey), nil
		}
	}
	return "", fmt.Errorf("%w: it names another key than the one that made it", errSignature)
}

// strong are the digests that no other content is known to have.
var strong = map[crypto.Hash]bool{
	crypto.SHA256: true, crypto.SHA384: true, crypto.SHA512: true, crypto.SHA3_256: true, crypto.SHA3_512: true,
}

func issuer(sig *packet.Signature) uint64 {
	if sig.IssuerKeyId == nil {
		return 0
	}
	return *sig.IssuerKeyId
}

// binary is a signature without its text form.
func binary(signature []byte) ([]byte, error) {
	if len(signature) > maxSignature {
		return nil, fmt.Errorf("%w: it has %d bytes: a signature has a few hundred", errSignature, len(signature))
	}
	if !bytes.HasPrefix(bytes.TrimSpace(signature), []byte("-----BEGIN ")) {
		return signature, nil
	}
	block, err := armor.Decode(bytes.NewReader(signature))
	if err != nil {
		return nil, fmt.Errorf("%w: its text form is damaged: %w", errSignature, err)
	}
	if block.Type != openpgp.SignatureType {
		return nil, fmt.Errorf("%w: it is a %.40q", errSignature, block.Type)
	}
	packets, err := io.ReadAll(io.LimitReader(block.Body, maxSignature))
	if err != nil {
		return nil, fmt.Errorf("%w: its text form is damaged: %w", errSignature, err)
	}
	return packets, nil
}

func firstSignature(packets []byte) (*packet.Signature, error) {
	p, err := packet.Read(bytes.NewReader(packets))
	if err != nil {
		return nil, fmt.Errorf("%w: it cannot be read: %w", errSignature, err)
	}
	sig, ok := p.(*packet.Signature)
	if !ok {
		return nil, fmt.Errorf("%w: it is no signature", errSignature)
	}
	return sig, nil
}
