package main

import (
	"bytes"
	"errors"
	"os"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/build/sign"
)

// passphraseVariable holds the passphrase of --sign-key. No flag does: command
// lines can be read by everybody on the machine.
const passphraseVariable = "REGSNAP_SIGN_PASSPHRASE"

func signFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "sign-key", Usage: "sign archives that have no signature with the OpenPGP private key in `FILE`; its passphrase is $" + passphraseVariable, EnvVars: []string{"REGSNAP_SIGN_KEY"}, TakesFile: true},
		&cli.StringFlag{Name: "sign-passphrase-file", Usage: "the key's passphrase is the first line of `FILE`", EnvVars: []string{"REGSNAP_SIGN_PASSPHRASE_FILE"}, TakesFile: true},
	}
}

// signer reads --sign-key; nil if there is none.
func signer(c *cli.Context) (build.Signer, error) {
	file := c.String("sign-key")
	if file == "" {
		if c.IsSet("sign-passphrase-file") {
			return nil, usagef("--sign-passphrase-file is of no use without --sign-key")
		}
		return nil, nil
	}
	key, err := os.ReadFile(file)
	if err != nil {
		return nil, usageError{err}
	}
	passphrase := []byte(os.Getenv(passphraseVariable))
	if name := c.String("sign-passphrase-file"); name != "" {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usageError{err}
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		passphrase = bytes.TrimSuffix(line, []byte("\r"))
	}
	k, err := sign.LoadKey(key, passphrase, time.Now())
	if errors.Is(err, sign.ErrPassphrase) {
		return nil, usagef("--sign-key %s: %w: give it in $%s, or in a file by --sign-passphrase-file", file, err, passphraseVariable)
	}
	if err != nil {
		return nil, usagef("--sign-key %s: %w", file, err)
	}
	return k, nil
}
