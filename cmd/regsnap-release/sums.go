package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/regsnap/regsnap/build/sign"
)

const sumsName = "SHA256SUMS"

// passphraseVariable holds the passphrase of the key. No flag does: command lines
// can be read by everyone on the machine.
const passphraseVariable = "RELEASE_KEY_PASSPHRASE"

// sums writes the digest of every file, as sha256sum checks them, and signs it.
func (r *release) sums() error {
	entries, err := os.ReadDir(r.out) // in the order of names
	if err != nil {
		return err
	}
	var list []byte
	for _, e := range entries {
		digest, err := digestOf(r.outFile("%s", e.Name()))
		if err != nil {
			return err
		}
		list = fmt.Appendf(list, "%x  %s\n", digest, e.Name())
	}
	if err := os.WriteFile(r.outFile(sumsName), list, 0o644); err != nil {
		return err
	}
	r.say("%s of %d files", sumsName, len(entries))
	if r.key == "" {
		r.say("%s is not signed: RELEASE_KEY names no file with an OpenPGP key", sumsName)
		return nil
	}
	return r.signSums(list)
}

func (r *release) signSums(list []byte) error {
	data, err := os.ReadFile(r.key)
	if err != nil {
		return err
	}
	key, err := sign.LoadKey(data, []byte(os.Getenv(passphraseVariable)), time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", r.key, err)
	}
	signature, err := key.Sign(list)
	if err != nil {
		return err
	}
	if err := os.WriteFile(r.outFile(sumsName+".asc"), signature, 0o644); err != nil {
		return err
	}
	r.say("%s.asc is signed with the key %s", sumsName, key.Fingerprint())
	return nil
}

func digestOf(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return nil, err
	}
	return h.Sum(nil), nil
}
