package sign

import (
	"bytes"
	"crypto"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

// The keys in testdata were made by GnuPG 2.2.40 for these tests: an Ed25519 key
// that certifies, with a subkey that signs and the passphrase below; an RSA key; an
// ECDSA key; and a key that expired on 2024-02-01. The content.*.sig are GnuPG's; the
// regsnap.*.sig are ours, and what gpg --verify says of them is "Good signature".
const passphrase = "open sesame"

var now = time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func loadKey(t testing.TB, name, passphrase string) *Key {
	t.Helper()
	k, err := LoadKey(testdata(t, name+".key"), []byte(passphrase), now)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func loadRing(t testing.TB, name string) Ring {
	t.Helper()
	r, err := LoadRing(testdata(t, name+".pub"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSign: what is signed can be verified, is the same each time, and is dated
// by the key.
func TestSign(t *testing.T) {
	for _, c := range []struct{ name, passphrase string }{{"ed25519", passphrase}, {"rsa", ""}} {
		k, ring := loadKey(t, c.name, c.passphrase), loadRing(t, c.name)
		content := testdata(t, "content")
		first, err := k.Sign(content)
		if err != nil {
			t.Fatal(err)
		}
		second, err := loadKey(t, c.name, c.passphrase).Sign(content)
		if want := testdata(t, "regsnap."+c.name+".sig"); !bytes.Equal(first, want) {
			t.Errorf("%s: the signature is\n%swant\n%s", c.name, first, want)
		}
		if err != nil || !bytes.Equal(first, second) {
			t.Errorf("%s: signed twice, %v:\n%s%s", c.name, err, first, second)
		}
		if got, err := ring.Verify(bytes.NewReader(content), first); err != nil || got != k.Fingerprint() {
			t.Errorf("%s: verified: %s, %v; want %s", c.name, got, err, k.Fingerprint())
		}
		if _, err := ring.Verify(bytes.NewReader(append(content, ' ')), first); !errors.Is(err, errSignature) {
			t.Errorf("%s: other content: %v", c.name, err)
		}
		packets, err := binary(first)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := firstSignature(packets)
		if err != nil || !sig.CreationTime.Equal(time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)) {
			t.Errorf("%s: it is dated %v, %v", c.name, sig.CreationTime, err)
		}
		if len(sig.Notations) > 0 {
			t.Errorf("%s: it has notations", c.name)
		}
	}
	if loadKey(t, "ed25519", passphrase).Identity() == loadKey(t, "rsa", "").Identity() {
		t.Error("two keys have one identity")
	}
	if got := loadKey(t, "rsa", "").Fingerprint(); len(got) != 40 || strings.ToUpper(got) != got {
		t.Errorf("fingerprint %q", got)
	}
}

// TestVerifyGnuPG: signatures that GnuPG made.
func TestVerifyGnuPG(t *testing.T) {
	content := testdata(t, "content")
	for _, name := range []string{"ed25519", "rsa", "expired"} {
		sig := testdata(t, "content."+name+".sig")
		if _, err := loadRing(t, name).Verify(bytes.NewReader(content), sig); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		tampered := bytes.Clone(content)
		tampered[0] ^= 1
		if _, err := loadRing(t, name).Verify(bytes.NewReader(tampered), sig); !errors.Is(err, errSignature) {
			t.Errorf("%s: tampered content: %v", name, err)
		}
	}
	_, err := loadRing(t, "rsa").Verify(bytes.NewReader(content), testdata(t, "content.ed25519.sig"))
	if !errors.Is(err, errSignature) || !strings.Contains(err.Error(), "not one of those to trust") {
		t.Errorf("a stranger's signature: %v", err)
	}
}

// signWith makes a signature with a digest of choice.
func signWith(t *testing.T, k *Key, content []byte, hash crypto.Hash) []byte {
	t.Helper()
	sig := &packet.Signature{
		Version: 4, SigType: packet.SigTypeBinary, PubKeyAlgo: k.key.PublicKey.PubKeyAlgo, Hash: hash,
		CreationTime: k.at, IssuerKeyId: &k.key.PublicKey.KeyId, IssuerFingerprint: k.key.PublicKey.Fingerprint,
	}
	h := hash.New()
	h.Write(content)
	var out bytes.Buffer
	if err := errors.Join(sig.Sign(h, k.key.PrivateKey, nil), sig.Serialize(&out)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestDigests: a signature over a weak digest does not count, also as the second
// of two, and the key that is reported is the one that verified.
func TestDigests(t *testing.T) {
	content := testdata(t, "content")
	k, ring := loadKey(t, "rsa", ""), loadRing(t, "rsa")
	stranger := signWith(t, loadKey(t, "ed25519", passphrase), content, crypto.SHA512)
	weak, err := binary(testdata(t, "content.sha1.sig"))
	if err != nil {
		t.Fatal(err)
	}
	for hash, good := range map[crypto.Hash]bool{crypto.SHA1: false, crypto.SHA256: true, crypto.SHA512: true} {
		sig := weak // which the library does not make
		if good {
			sig = signWith(t, k, content, hash)
		}
		for _, sig := range [][]byte{sig, slices.Concat(stranger, sig)} {
			by, err := ring.Verify(bytes.NewReader(content), sig)
			switch {
			case good && (err != nil || by != k.Fingerprint()):
				t.Errorf("%v: by %q, %v", hash, by, err)
			case !good && !errors.Is(err, errSignature):
				t.Errorf("%v: %v, want an error", hash, err)
			}
		}
	}
}

func TestBadSignatures(t *testing.T) {
	content, ring := testdata(t, "content"), loadRing(t, "ed25519")
	good := testdata(t, "content.ed25519.sig")
	for name, sig := range map[string][]byte{
		"empty":     {},
		"text":      []byte("not found\n"),
		"truncated": good[:len(good)/2],
		"a key":     testdata(t, "ed25519.pub"),
		"huge":      bytes.Repeat(good, 1000),
		"packet":    []byte("\xcb\x02ab"),
	} {
		if _, err := ring.Verify(bytes.NewReader(content), sig); !errors.Is(err, errSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestKeysThatCannotSign(t *testing.T) {
	for _, c := range []struct {
		name, passphrase, want string
		is                     error
	}{
		{"ed25519.key", "", "does not open the key", ErrPassphrase},
		{"ed25519.key", "wrong", "does not open the key", ErrPassphrase},
		{"ed25519.pub", "", "private part is not in the file", errKey},
		{"ecdsa.key", "", "another signature of the same content each time", errKey},
		{"expired.key", "", "has expired", errKey},
		{"content", "", "no pgp private key that can be read", errKey},
	} {
		_, err := LoadKey(testdata(t, c.name), []byte(c.passphrase), now)
		if !errors.Is(err, c.is) || !errors.Is(err, errKey) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for _, data := range [][]byte{nil, make([]byte, maxKey+1), []byte("-----BEGIN PGP PUBLIC KEY BLOCK-----\n")} {
		if _, err := LoadRing(data); !errors.Is(err, errKey) {
			t.Errorf("%d bytes: %v", len(data), err)
		}
	}
}

// FuzzVerify: nothing makes it fail but an error.
func FuzzVerify(f *testing.F) {
	ring := loadRing(f, "ed25519")
	content := testdata(f, "content")
	f.Add(testdata(f, "content.ed25519.sig"))
	f.Add(testdata(f, "content.rsa.sig"))
	f.Fuzz(func(t *testing.T, sig []byte) {
		if _, err := ring.Verify(bytes.NewReader(content), sig); err != nil && !errors.Is(err, errSignature) {
			t.Errorf("%v is not errSignature", err)
		}
	})
}
