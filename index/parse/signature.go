package parse

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"github.com/regsnap/regsnap/index"
)

// maxSignature is the largest signature that is read, in bytes.
const maxSignature = 64 << 10

// checkSignature looks whether what stands beside an archive as its signature
// can be one. Which keys to trust, and so whether it is good, is for clients.
func (l *Loader) checkSignature(ctx context.Context, e index.Entry) (found index.Findings, err error) {
	if e.Signature.IsZero() {
		return found, nil
	}
	fail := func(rule index.Rule, format string, args ...any) {
		found.Fail("", rule, "the signature beside it "+format, args...)
	}
	size, err := l.Source.Size(ctx, e.Signature)
	switch {
	case err != nil:
		return found, err
	case size > maxSignature:
		fail(index.RuleSignatureFormat, "has %d bytes: a signature has a few hundred", size)
		return found, nil
	}
	err = l.Source.Read(ctx, []index.ID{e.Signature}, func(_ index.ID, content []byte) error {
		if isLFSPointer(size, content) {
			fail(index.RuleLFSPointer, "%s", lfsDetail)
		} else if err := parseSignature(content); err != nil {
			fail(index.RuleSignatureFormat, "%v: sign the archive again (gpg --armor --detach-sign), or remove the file", err)
		}
		return nil
	})
	return found, err
}

// parseSignature wants one block of text with signatures and nothing else in it.
func parseSignature(content []byte) error {
	if len(bytes.TrimSpace(content)) == 0 {
		return errors.New("is empty")
	}
	if !bytes.HasPrefix(bytes.TrimSpace(content), []byte("-----BEGIN ")) {
		return errors.New("is not an OpenPGP signature in text form (-----BEGIN PGP SIGNATURE-----)")
	}
	block, err := armor.Decode(bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("is not an OpenPGP signature in text form: %w", err)
	}
	if block.Type != openpgp.SignatureType {
		return fmt.Errorf("is a %.40q, not a signature", block.Type)
	}
	packets := packet.NewReader(block.Body)
	for n := 0; ; n++ {
		p, err := packets.Next()
		switch {
		case err == io.EOF && n > 0:
			return nil
		case err != nil:
			return fmt.Errorf("cannot be read as an OpenPGP signature: %w", err)
		}
		if _, ok := p.(*packet.Signature); !ok {
			return errors.New("holds something else than a signature")
		}
	}
}
