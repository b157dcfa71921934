// Package redact takes secrets out of what is shown to people.
package redact

import (
	"os"
	"regexp"
	"slices"
	"strings"
)

// userinfo is the part of a URL that may hold a password or a token, encodedInfo
// the same of a URL in a parameter of another, bareInfo that of an address without
// a scheme; secretQuery is the value of a parameter that may be a secret (RFC 3986,
// 3.2.1 and 3.4). JSON writes & as \u0026.
var (
	encodedInfo = regexp.MustCompile(`(?i)(%3A%2F%2F)[^\s&'"/]*?%40`)
	bareInfo    = regexp.MustCompile(`(^|[\s'"(=/@])[^\s/'"@:=()]+:[^\s/'"@]+@(?:sha256:)?`)
	userinfo    = regexp.MustCompile(`([A-Za-z][A-Za-z0-9+.-]*://)[^/\s'"<>]*@`)
	secretQuery = regexp.MustCompile(`(?i)((?:[?&]|\\u0026)[^=&\s'"]*(?:token|secret|password|passwd|signature|credential|key|sig)[^=&\s'"]*=)[^&\s'"\\]+`)
)

// Text is a message without the secrets of URLs in it.
func Text(s string) string {
	s = userinfo.ReplaceAllString(s, "${1}xxxxx@")
	s = encodedInfo.ReplaceAllString(s, "${1}xxxxx%40")
	s = bareInfo.ReplaceAllStringFunc(s, func(found string) string {
		if strings.HasSuffix(found, "@sha256:") { // the digest of an image
			return found
		}
		return bareInfo.FindStringSubmatch(found)[1] + "xxxxx@"
	})
	return secretQuery.ReplaceAllString(s, "${1}xxxxx")
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
