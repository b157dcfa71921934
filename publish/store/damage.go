package store

import (
	"fmt"
	"strings"

	"github.com/regsnap/regsnap/layout"
)

// A store that answers, but with other bytes than it was given, is not out of
// reach: the object is damaged. All that says so is layout.ErrDamaged, so that
// a reader can go on to the next object, and repair this one.

// errShort: an object ends before the bytes that were asked for.
var errShort = fmt.Errorf("%w: it ends before the bytes that were asked for", layout.ErrDamaged)

// checksums are what the SDKs say of a body that has not the checksum which the
// store keeps of it. They have no types for that.
var checksums = []string{
	"checksum did not match", // S3
	"bad CRC on read",        // GCS
}

// judged marks what the error of a body says of the object.
func judged(err error) error {
	for _, text := range checksums {
		if err != nil && strings.Contains(err.Error(), text) {
			return fmt.Errorf("%w: %w", layout.ErrDamaged, err)
		}
	}
	return err
}
