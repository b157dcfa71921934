// Package redact takes secrets out of what is shown to people.
package redact

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// userinfo is the part of a URL that may hold a password or a token, and
// secretQuery the value of a parameter that may be one (RFC 3986, 3.2.1 and 3.4).
var (
	userinfo    = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s'"<>]*@`)
	secretQuery = regexp.MustCompile(`(?i)([?&][^=&\s'"]*(?:token|secret|password|passwd|signature|credential|key|sig)[^=&\s'"]*=)[^&\s'"]+`)
)

// Text is a message without the secrets of URLs in it.
func Text(s string) string {
	return secretQuery.ReplaceAllString(userinfo.ReplaceAllString(s, "${1}xxxxx@"), "${1}xxxxx")
}

// secretPrefixes begin the names of variables that are for this program and its
// clients of object stores, and nobody else.
var secretPrefixes = []string{"REGSNAP_", "AWS_", "GOOGLE_", "GCLOUD_", "CLOUDSDK_", "AZURE_"}

// Environ is the environment of this process without its own secrets, for the
// programs that it runs and does not trust with them.
func Environ() []string {
	return slices.DeleteFunc(os.Environ(), func(kv string) bool {
		return slices.ContainsFunc(secretPrefixes, func(prefix string) bool { return strings.HasPrefix(kv, prefix) })
	})
}
