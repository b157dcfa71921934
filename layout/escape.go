package layout

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// maxSegment is the longest element of a key in bytes. File systems take 255;
// stores that keep objects as files add suffixes of their own.
const maxSegment = 220

// abbreviated is how much of an over-long element is kept before its hash.
const abbreviated = 160

// escapePath turns the path of a file in a package into the tail of a key,
// element by element. Letters, digits and ". _ , -" stand for themselves; every
// other byte becomes "=" and two upper-case hexadecimal digits, as in
// quoted-printable (RFC 2045, section 6.7). Two more things are escaped because
// stores give them a meaning of their own: the dots of an element that is "."
// or "..", and the dot of the suffix ".attrs".
//
// An element that would be longer than 220 bytes is cut to its first 160 and
// ends in "=-" and 32 hexadecimal digits of the SHA-256 of the whole element.
func escapePath(path string) string {
	var b strings.Builder
	b.Grow(len(path))
	for i, element := range strings.Split(path, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(escapeElement(element))
	}
	return b.String()
}

func escapeElement(element string) string {
	if plainElement(element) {
		return element
	}
	var b strings.Builder
	dots := strings.Trim(element, ".") == ""
	attrs := strings.HasSuffix(element, ".attrs")
	for i := range len(element) {
		c := element[i]
		switch {
		case dots, attrs && i == len(element)-len(".attrs"): // a dot
			b.WriteString("=2E")
		case plainByte(c):
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	s := b.String()
	if len(s) <= maxSegment {
		return s
	}
	sum := sha256.Sum256([]byte(element))
	cut := abbreviated
	// Do not cut through an escape: what is left must still read as one.
	for back := 1; back <= 2; back++ {
		if s[cut-back] == '=' {
			cut -= back
			break
		}
	}
	return s[:cut] + "=-" + hex.EncodeToString(sum[:16])
}

func plainElement(s string) bool {
	if len(s) > maxSegment || strings.Trim(s, ".") == "" || strings.HasSuffix(s, ".attrs") {
		return false
	}
	for i := range len(s) {
		if !plainByte(s[i]) {
			return false
		}
	}
	return true
}

func plainByte(c byte) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return true
	}
	return c == '.' || c == '_' || c == ',' || c == '-'
}

// unescapePath is the inverse of escapePath. It refuses what escapePath does
// not write; an abbreviated element cannot be undone and is refused as well.
func unescapePath(tail string) (string, error) {
	var b strings.Builder
	for i, element := range strings.Split(tail, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		for j := 0; j < len(element); j++ {
			c := element[j]
			if c != '=' {
				b.WriteByte(c)
				continue
			}
			if j+2 >= len(element) {
				return "", fmt.Errorf("key element %q: incomplete escape", element)
			}
			d, err := hex.DecodeString(element[j+1 : j+3])
			if err != nil {
				return "", fmt.Errorf("key element %q: not an escape: %q", element, element[j:j+3])
			}
			b.WriteByte(d[0])
			j += 2
		}
	}
	path := b.String()
	if escapePath(path) != tail {
		return "", fmt.Errorf("key %q is not in canonical form", tail)
	}
	return path, nil
}
