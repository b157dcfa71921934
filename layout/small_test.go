package layout

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestSmallFormats: what the smaller formats say of themselves.
func TestSmallFormats(t *testing.T) {
	if got := string(Encode(map[string]string{"a": "<&>"}, " ")); got != "{\n \"a\": \"<&>\"\n}\n" {
		t.Errorf("encoded as %q", got)
	}
	for _, digest := range []string{strings.Repeat("0", DigestLen-1) + "-", strings.Repeat("0", DigestLen-1) + ":", strings.Repeat("0", DigestLen-1) + "g", strings.Repeat("A", DigestLen), ""} {
		if d, err := ParseDigest(digest); err == nil {
			t.Errorf("%q is a digest: %s", digest, d)
		}
	}
	if (Slice{}).Empty() == false || (Slice{Packages: []string{"a"}}).Empty() {
		t.Error("a slice is empty if it names nothing")
	}
	if got := (Ranges{Release: []Interval{{From: "1.0.0"}, {From: "0.1.0", To: "0.2.0"}}}).String(); got != "1.0.0 and later or 0.1.0 to before 0.2.0" {
		t.Errorf("ranges read %q", got)
	}
	r := ManifestResponse{Digest: Digest(strings.Repeat("0", DigestLen))}
	plain := ResponseKey(r.Digest)
	if got := r.Keys(); !slices.Equal(got, []string{plain}) {
		t.Errorf("keys of a response %q", got)
	}
	if r.Gzip = 1; !slices.Equal(r.Keys(), []string{plain, plain + GzipSuffix}) {
		t.Errorf("keys with a gzip variant %q", r.Keys())
	}
	if r.EncodedOnly = true; !slices.Equal(r.Keys(), []string{plain + GzipSuffix}) {
		t.Errorf("keys of a gzip variant alone %q", r.Keys())
	}
	if o := (Object{}).Summed(someSHA256); o.SHA256 != someSHA256 {
		t.Errorf("summed: %+v", o)
	}
	for body, want := range map[string]string{`{"current":"000000000007"}`: "", `{"current":"7"}`: "is not the number", `{"current":"00000000000x"}`: "is not the number", `{`: "cursor: ", ``: "cursor: "} {
		n, err := DecodeCursor([]byte(body))
		outcome(t, body, err, want)
		if want == "" && n != 7 {
			t.Errorf("%s is generation %d", body, n)
		}
	}
	lease := Lease{Format: LeaseFormat}
	if _, err := DecodeLease(lease.Encode()); err != nil {
		t.Error(err)
	}
	_, err := DecodeLease(append(lease.Encode(), ' '))
	outcome(t, "a space behind a lease", err, "not written as regsnap writes it")
	for what, decode := range map[string]func([]byte) error{
		"lease": func(b []byte) error { _, err := DecodeLease(b); return err }, "audit": func(b []byte) error { _, err := DecodeAudit(b, "production", 7); return err },
		"site": func(b []byte) error { _, err := DecodeSite(b); return err }, "index": func(b []byte) error { _, err := DecodeSiteIndex(b); return err },
		"list": func(b []byte) error { _, err := DecodeSiteList(b); return err }, "origin": func(b []byte) error { _, err := DecodeOrigin(b); return err },
	} {
		if err := decode([]byte(`{"format":99}`)); !errors.Is(err, ErrNewer) {
			t.Errorf("%s of a later format: %v", what, err)
		}
	}
}
