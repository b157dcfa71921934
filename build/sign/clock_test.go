package sign

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"
)

var born = time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)

// madeAt are the settings of the library at a time.
func madeAt(at time.Time) *packet.Config {
	return &packet.Config{Algorithm: packet.PubKeyAlgoEdDSA, Time: func() time.Time { return at }, SigLifetimeSecs: 0}
}

func newEntity(t *testing.T, config *packet.Config) *openpgp.Entity {
	t.Helper()
	e, err := openpgp.NewEntity("test", "", "test@example.org", config)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// private and public are keys as files hold them.
func private(t *testing.T, entities ...*openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, e := range entities {
		if err := e.SerializePrivateWithoutSigning(&b, nil); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func public(t *testing.T, e *openpgp.Entity) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := e.Serialize(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// certifiedAgain is the key with a newer signature over its name, as one has
// whose life was made longer.
func certifiedAgain(t *testing.T, e *openpgp.Entity, at time.Time) {
	t.Helper()
	for _, id := range e.Identities {
		id.SelfSignature.CreationTime = at
		if err := id.SelfSignature.SignUserId(id.UserId.Id, e.PrimaryKey, e.PrivateKey, madeAt(at)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestDateOfSignatures: a signature is dated by the newest of what lets the key
// sign: its making, and the certificates of it.
func TestDateOfSignatures(t *testing.T) {
	content := []byte("content")
	e := newEntity(t, madeAt(born))
	load := func(at time.Time) *Key {
		k, err := LoadKey(private(t, e), nil, at)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	before := load(born.AddDate(0, 1, 0))
	later := born.AddDate(0, 2, 0)
	certifiedAgain(t, e, later)
	after := load(born.AddDate(0, 3, 0))
	ring, err := LoadRing(public(t, e))
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range map[*Key]time.Time{before: born, after: later} {
		text, err := k.Sign(content)
		if err != nil {
			t.Fatal(err)
		}
		packets, err := binary(text)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := firstSignature(packets)
		if err != nil || !sig.CreationTime.Equal(want) {
			t.Errorf("dated %v, want %v; %v", sig.CreationTime, want, err)
		}
		if by, err := ring.Verify(bytes.NewReader(content), text); err != nil || by != k.Fingerprint() {
			t.Errorf("verified as by %s, %v", by, err)
		}
	}
	// So does the certificate of a subkey, whichever of the two is newer.
	latest := born.AddDate(0, 4, 0)
	if err := e.AddSigningSubkey(madeAt(latest)); err != nil {
		t.Fatal(err)
	}
	if sub := load(born.AddDate(0, 5, 0)); !sub.at.Equal(latest) || sub.Fingerprint() == after.Fingerprint() {
		t.Errorf("the subkey's signatures are dated %s, want %s", sub.at, latest)
	}
	if before.Identity() == after.Identity() || before.Fingerprint() != after.Fingerprint() {
		t.Errorf("certified again: %s and %s", before.Identity(), after.Identity())
	}
}

// TestRevokedKey: it neither signs, nor do its signatures count, also those that
// it made before.
func TestRevokedKey(t *testing.T) {
	content := []byte("content")
	e := newEntity(t, madeAt(born))
	k, err := LoadKey(private(t, e), nil, now)
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Sign(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.RevokeKey(packet.KeyCompromised, "stolen", madeAt(born.AddDate(0, 1, 0))); err != nil {
		t.Fatal(err)
	}
	ring, err := LoadRing(public(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if by, err := ring.Verify(bytes.NewReader(content), text); !errors.Is(err, errSignature) {
		t.Errorf("a revoked key's signature: by %q, %v", by, err)
	}
	if _, err := LoadKey(private(t, e), nil, now); !errors.Is(err, errKey) || !strings.Contains(err.Error(), "revoked") {
		t.Errorf("a revoked key signs: %v", err)
	}
}

// TestExpiredKey: what it signed while it lived stays good, and it signs no more.
func TestExpiredKey(t *testing.T) {
	content := []byte("content")
	config := madeAt(born)
	config.KeyLifetimeSecs = 3600
	e := newEntity(t, config)
	k, err := LoadKey(private(t, e), nil, born.Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	text, err := k.Sign(content)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := LoadRing(public(t, e))
	if err != nil {
		t.Fatal(err)
	}
	if by, err := ring.Verify(bytes.NewReader(content), text); err != nil || by != k.Fingerprint() {
		t.Errorf("made while it lived: by %q, %v", by, err)
	}
	late := *k
	late.at = born.Add(2 * time.Hour)
	if text, err = late.Sign(content); err != nil {
		t.Fatal(err)
	}
	if by, err := ring.Verify(bytes.NewReader(content), text); !errors.Is(err, errSignature) {
		t.Errorf("made after its end: by %q, %v", by, err)
	}
	if _, err := LoadKey(private(t, e), nil, born.Add(2*time.Hour)); !errors.Is(err, errKey) {
		t.Errorf("an expired key signs: %v", err)
	}
}

// TestKeyFiles: which files of keys are refused, and where the bounds lie.
func TestKeyFiles(t *testing.T) {
	a, b := newEntity(t, madeAt(born)), newEntity(t, madeAt(born))
	if _, err := LoadKey(private(t, a, b), nil, now); !errors.Is(err, errKey) || !strings.Contains(err.Error(), "holds 2 keys") {
		t.Errorf("two keys: %v", err)
	}
	modern := madeAt(born)
	modern.V6Keys, modern.Algorithm = true, packet.PubKeyAlgoEd25519
	if _, err := LoadKey(private(t, newEntity(t, modern)), nil, now); !errors.Is(err, errKey) || !strings.Contains(err.Error(), "keys of version 6") {
		t.Errorf("a key of version 6: %v", err)
	}
	// What follows a key in a file is read as far as the file is long.
	one := public(t, a)
	if ring, err := LoadRing(bytes.Repeat(one, maxKey/len(one))); err != nil || len(ring.keys) != maxKey/len(one) {
		t.Errorf("the largest file: %d keys, %v", len(ring.keys), err)
	}
	var text bytes.Buffer
	w, err := armor.Encode(&text, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(one)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	exact := append(text.Bytes(), bytes.Repeat([]byte("\n"), maxKey-text.Len())...)
	if _, err := LoadRing(exact); err != nil {
		t.Errorf("a file of exactly the largest size: %v", err)
	}
	if _, err := LoadRing(append(exact, '\n')); !errors.Is(err, errKey) || !strings.Contains(err.Error(), "has 1048577 bytes") {
		t.Errorf("one byte more: %v", err)
	}
}

// TestSignatureFiles is TestKeyFiles for signatures.
func TestSignatureFiles(t *testing.T) {
	content, ring := testdata(t, "content"), loadRing(t, "ed25519")
	good := bytes.TrimSpace(testdata(t, "content.ed25519.sig"))
	exact := append(slices.Clone(good), bytes.Repeat([]byte("\n"), maxSignature-len(good))...)
	if _, err := ring.Verify(bytes.NewReader(content), exact); err != nil {
		t.Errorf("a signature of exactly the largest size: %v", err)
	}
	packets, err := binary(good)
	if err != nil {
		t.Fatal(err)
	}
	message := strings.ReplaceAll(string(good), "PGP SIGNATURE", "PGP MESSAGE")
	for _, c := range []struct {
		what, want string
		sig        []byte
	}{
		{"one byte more", "has 65537 bytes", append(slices.Clone(exact), '\n')},
		{"another kind of text", `it is a "PGP MESSAGE"`, []byte(message)},
		{"a text without an end", "text form is damaged", good[:len(good)-40]},
		{"a text that is not a signature", "text form is damaged", []byte("-----BEGIN PGP SIGNATURE-----")},
		{"one byte more, and not in text form", "has 65537 bytes", make([]byte, maxSignature+1)},
		{"another packet", "it is no signature", []byte{0xb4, 1, 'a'}},
		{"a cut packet", "cannot be read", packets[:20]},
	} {
		if by, err := ring.Verify(bytes.NewReader(content), c.sig); !errors.Is(err, errSignature) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: by %q, %v; want %q", c.what, by, err, c.want)
		}
	}
}

// unseekable is content that can be read once.
type unseekable struct{ io.Reader }

var errSeek = errors.New("no way back")

func (unseekable) Seek(int64, int) (int64, error) { return 0, errSeek }

// TestReadTwice: a signature of a key that expired since is checked a second time,
// from the beginning of the content or not at all.
func TestReadTwice(t *testing.T) {
	content := testdata(t, "content")
	if _, err := loadRing(t, "expired").Verify(unseekable{bytes.NewReader(content)}, testdata(t, "content.expired.sig")); !errors.Is(err, errSeek) {
		t.Errorf("%v, want %v", err, errSeek)
	}
}

// TestKeyWithoutItsPart: a key whose private part was left out, as gpg
// --export-secret-subkeys leaves out that of the primary key, does not sign.
// Source: GnuPG, doc/DETAILS, "gnu-dummy S2K".
func TestKeyWithoutItsPart(t *testing.T) {
	e := newEntity(t, madeAt(born))
	var key, rest bytes.Buffer
	if err := e.PrimaryKey.Serialize(&key); err != nil {
		t.Fatal(err)
	}
	for _, id := range e.Identities {
		if err := errors.Join(id.UserId.Serialize(&rest), id.SelfSignature.Serialize(&rest)); err != nil {
			t.Fatal(err)
		}
	}
	// The packet of the public key with the tag of a private one, and in place of its
	// numbers that there are none.
	body := append(key.Bytes()[2:], 0xfe, 0, 0x65, 0, 'G', 'N', 'U', 1)
	stub := slices.Concat([]byte{0xc0 | 5, byte(len(body))}, body, rest.Bytes())
	if _, err := LoadKey(stub, nil, now); !errors.Is(err, errKey) || !strings.Contains(err.Error(), "its private part is not in the file") {
		t.Errorf("%v", err)
	}
}
