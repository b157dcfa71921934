package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
)

func TestHide(t *testing.T) {
	u, err := url.Parse("s3://user:hunter2@bucket?endpoint=http%3A%2F%2Fme%3Aopen%2Bsesame%40host%3A9000&region=eu-west-1&kmskeyid=key%2Fone")
	if err != nil {
		t.Fatal(err)
	}
	s := secretsOf(u)
	for message, want := range map[string]string{
		// From this URL, wherever it turns up.
		`dial hunter2`:                 `dial xxxxx`,
		`Put "http://me:xxx@h"`:        `Put "http://xxxxx@h"`,
		`open%2Bsesame or open+sesame`: `xxxxx or xxxxx`,
		`the key is key/one.`:          `the key is xxxxx.`,
		// From any URL.
		`Get "https://a:b@c.example/d?e=f"`:                                  `Get "https://xxxxx@c.example/d?e=f"`,
		`Get "https://a:p@ss@c.example/d"`:                                   `Get "https://xxxxx@c.example/d"`,
		`endpoint=http%3A%2F%2Fa%3Ab%40c.example`:                            `endpoint=http%3A%2F%2Fxxxxx%40c.example`,
		`https://h/k?X-Amz-Signature=0a1b&X-Amz-Date=20250101`:               `https://h/k?X-Amz-Signature=xxxxx&X-Amz-Date=20250101`,
		`?X-Amz-Credential=AKIA%2F2025&x-amz-security-token=abc%2F "more"`:   `?X-Amz-Credential=xxxxx&x-amz-security-token=xxxxx "more"`,
		`X-Goog-Signature=00ff X-Goog-Credential=x@y`:                        `X-Goog-Signature=xxxxx X-Goog-Credential=xxxxx`,
		`oauth2: "access_token=ya29.x&client_secret=z"`:                      `oauth2: "access_token=xxxxx&client_secret=xxxxx"`,
		`Authorization: AWS4-HMAC-SHA256 Credential=AKIA/2025, Signature=0f`: `Authorization: AWS4-HMAC-SHA256 xxxxx Signature=xxxxx`,
		`Bearer ya29.abcdefgh`:                                               `Bearer xxxxx`,
		// Harmless: an error must stay readable.
		`Put "http://127.0.0.1:7070/bucket/packages/a@b": EOF`: `Put "http://127.0.0.1:7070/bucket/packages/a@b": EOF`,
		`region=eu-west-1 is not eu-west-2`:                    `region=eu-west-1 is not eu-west-2`,
		`user@example.com may not do this`:                     `xxxxx@example.com may not do this`, // user is in the URL
	} {
		if got := s.text(message); got != want {
			t.Errorf("%s\n\tis shown as %s\n\twant        %s", message, got, want)
		}
	}
}

// TestSecretsOf: wherever a URL has a secret, and whatever is wrong with the rest of it, it
// is hidden. What is too short, or says yes or no, cannot be told from other words.
func TestSecretsOf(t *testing.T) {
	for rawURL, c := range map[string]struct {
		hidden, shown []string
	}{
		"s3://me22:pass@b":                    {[]string{"pass", "me22"}, nil},
		"s3://me22:pas@b":                     {[]string{"me22"}, []string{"pas"}},
		"s3:me22:pass@b":                      {[]string{"pass@b"}, []string{"me22"}},
		"s3://b?token=abcd&x=true&y=false":    {[]string{"abcd"}, []string{"true", "false"}},
		"s3://b?region=abcd&profile=efgh":     {nil, []string{"abcd", "efgh"}},
		"s3://b?endpoint=http://h/%25zz:abcd": {[]string{"abcd"}, nil},
		"s3://b?a=abcd&b=abcdefgh":            {[]string{"abcdefgh", "abcd"}, nil},
	} {
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		s := secretsOf(u)
		for _, text := range c.hidden {
			if got := s.text("- " + text + " -"); got != "- "+hiddenText+" -" {
				t.Errorf("of %s is shown %q", rawURL, got)
			}
		}
		for _, text := range c.shown {
			if got := s.text("- " + text + " -"); got != "- "+text+" -" {
				t.Errorf("of %s is hidden %q: %q", rawURL, text, got)
			}
		}
	}
}

// endingIn is a body that ends in an error.
type endingIn struct {
	io.Reader
	error
}

func (e endingIn) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF {
		err = e.error
	}
	return n, err
}

// TestHiddenReader: what ends a body has no secret, and a wrong sum is damage. Its end stays
// its end.
func TestHiddenReader(t *testing.T) {
	u, err := url.Parse("s3://b?role=hunter2")
	if err != nil {
		t.Fatal(err)
	}
	hide := secretsOf(u)
	for text, want := range map[string]string{
		"of hunter2: reset by peer": "of xxxxx: reset by peer", "checksum did not match: hunter2": "checksum did not match: xxxxx", "reset by peer": "reset by peer",
	} {
		cause := errors.New(text)
		body, err := io.ReadAll(hiddenReader{io.NopCloser(endingIn{strings.NewReader("body"), cause}), hide})
		if string(body) != "body" || err == nil || !strings.HasSuffix(err.Error(), want) || strings.Contains(err.Error(), "hunter2") || !errors.Is(err, cause) {
			t.Errorf("%s: %q, %v", text, body, err)
		}
		if damaged := strings.HasPrefix(text, "checksum"); errors.Is(err, layout.ErrDamaged) != damaged {
			t.Errorf("%s: damage is %v", text, !damaged)
		}
	}
	r := hiddenReader{io.NopCloser(strings.NewReader("body")), hide}
	if n, err := r.Read(make([]byte, 9)); n != 4 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
	if _, err := r.Read(make([]byte, 9)); err != io.EOF {
		t.Errorf("the end is %v", err)
	}
}

func TestHideKeepsTheCause(t *testing.T) {
	s := secretsOf(&url.URL{User: url.UserPassword("u", "hunter2")})
	err := s.hide(fmt.Errorf("hunter2: %w", fs.ErrNotExist))
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
	if s.hide(nil) != nil {
		t.Error("no error became one")
	}
}

func TestPrintable(t *testing.T) {
	for raw, want := range map[string]string{
		"s3://bucket?region=eu-west-1&use_path_style=true":  "s3://bucket?region=eu-west-1&use_path_style=true",
		"s3://bucket?endpoint=http%3A%2F%2Fhost%3A9000":     "s3://bucket?endpoint=http%3A%2F%2Fhost%3A9000",
		"s3://bucket?endpoint=me%3Ahunter2":                 "s3://bucket?endpoint=xxxxx",
		"s3://bucket?endpoint=http%3A%2F%2Fu%3Apw%40host":   "s3://bucket?endpoint=http%3A%2F%2Fxxxxx%40host",
		"s3://bucket?token=hunter2":                         "s3://bucket?token=xxxxx",
		"gs://user:hunter2@bucket":                          "gs://xxxxx@bucket",
		"file:///srv/registry":                              "file:///srv/registry",
		"gs://bucket?private_key_path=%2Fetc%2Fkey&a=hello": "gs://bucket?a=xxxxx&private_key_path=xxxxx",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := printable(u); got != want {
			t.Errorf("%s is shown as %s, want %s", raw, got, want)
		}
	}
}
