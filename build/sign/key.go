package sign

import (
	"bytes"
	"crypto"
	_ "crypto/sha512" // the hash of signatures
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// errKey: a key cannot be used.
var errKey = errors.New("OpenPGP key")

// ErrPassphrase: a key is locked, and the passphrase does not open it.
var ErrPassphrase = errors.New("the passphrase does not open the key")

// maxKey is the largest file of keys that is read, in bytes.
const maxKey = 1 << 20

// Key signs archives. The same key makes the same signature of the same archive:
// only algorithms without randomness are used (RSA as in PKCS #1 v1.5, EdDSA), and
// the time of a signature is when the key last became able to make it. A key that
// is certified again, to live longer, counts as another one.
type Key struct {
	key openpgp.Key
	at  time.Time
}

// LoadKey reads a private key, in text or binary form, that is to sign from now
// on. The passphrase may be empty for a key that has none.
func LoadKey(data, passphrase []byte, now time.Time) (*Key, error) {
	ring, err := readRing(data, openpgp.PrivateKeyType)
	if err != nil {
		return nil, err
	}
	if len(ring) != 1 {
		return nil, fmt.Errorf("%w: the file holds %d keys: export the one that signs", errKey, len(ring))
	}
	entity := ring[0]
	key, ok := entity.SigningKey(now)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: no key in the file may sign today: it has expired, was revoked, or is for other uses", errKey)
	case key.PrivateKey == nil || key.PrivateKey.Dummy():
		return nil, fmt.Errorf("%w %s: its private part is not in the file", errKey, fingerprint(key.PublicKey))
	}
	if key.PrivateKey.Encrypted {
		if err := key.PrivateKey.Decrypt(passphrase); err != nil {
			return nil, fmt.Errorf("%w %s: %w", errKey, fingerprint(key.PublicKey), ErrPassphrase)
		}
	}
	if err := repeatable(key.PublicKey); err != nil {
		return nil, err
	}
	k := &Key{key: key, at: key.PublicKey.CreationTime}
	self, _ := entity.PrimarySelfSignature()
	for _, s := range []*packet.Signature{key.SelfSignature, self} {
		if s != nil && s.CreationTime.After(k.at) {
			k.at = s.CreationTime
		}
	}
	return k, nil
}

// repeatable refuses keys whose signatures differ each time.
func repeatable(key *packet.PublicKey) error {
	switch key.PubKeyAlgo {
	case packet.PubKeyAlgoRSA, packet.PubKeyAlgoRSASignOnly, packet.PubKeyAlgoEdDSA, packet.PubKeyAlgoEd25519, packet.PubKeyAlgoEd448:
	default:
		return fmt.Errorf("%w %s: its algorithm makes another signature of the same content each time: use RSA or Ed25519", errKey, fingerprint(key))
	}
	if key.Version != 4 {
		return fmt.Errorf("%w %s: keys of version %d make another signature of the same content each time: use a version 4 key", errKey, fingerprint(key), key.Version)
	}
	return nil
}

func fingerprint(key *packet.PublicKey) string { return fmt.Sprintf("%X", key.Fingerprint) }

// Fingerprint names the key that signs, which may be a subkey: 40 hexadecimal
// digits in capitals.
func (k *Key) Fingerprint() string { return fingerprint(k.key.PublicKey) }

// Identity tells apart what signatures depend on beside the content.
func (k *Key) Identity() string {
	return fmt.Sprintf("%s %d", k.Fingerprint(), k.at.Unix())
}

// Sign makes a detached signature of content, in text form.
func (k *Key) Sign(content []byte) ([]byte, error) {
	config := &packet.Config{NonDeterministicSignaturesViaNotation: packet.BoolPointer(false)}
	sig := &packet.Signature{
		Version: k.key.PublicKey.Version, SigType: packet.SigTypeBinary, PubKeyAlgo: k.key.PublicKey.PubKeyAlgo, Hash: crypto.SHA512,
		CreationTime: k.at, IssuerKeyId: &k.key.PublicKey.KeyId, IssuerFingerprint: k.key.PublicKey.Fingerprint,
	}
	h := sig.Hash.New()
	h.Write(content)
	if err := sig.Sign(h, k.key.PrivateKey, config); err != nil {
		return nil, fmt.Errorf("sign with key %s: %w", k.Fingerprint(), err)
	}
	var out bytes.Buffer
	w, err := armor.Encode(&out, openpgp.SignatureType, nil)
	if err == nil {
		err = sig.Serialize(w)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("sign with key %s: %w", k.Fingerprint(), err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// readRing reads keys in text or binary form. Errors never quote them.
func readRing(data []byte, kind string) (openpgp.EntityList, error) {
	if len(data) > maxKey {
		return nil, fmt.Errorf("%w: the file has %d bytes: it is not a key", errKey, len(data))
	}
	var ring openpgp.EntityList
	var err error
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("-----BEGIN ")) {
		ring, err = openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	} else {
		ring, err = openpgp.ReadKeyRing(bytes.NewReader(data))
	}
	if err != nil || len(ring) == 0 {
		return nil, fmt.Errorf("%w: the file holds no %s that can be read", errKey, strings.ToLower(strings.TrimSuffix(kind, " BLOCK")))
	}
	return ring, nil
}
