package store

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// hiddenText stands for a secret in a message.
const hiddenText = "xxxxx"

// harmless are the parameters of bucket URLs whose values may be shown.
var harmless = []string{
	"region", "use_path_style", "s3ForcePathStyle", "disable_https", "anonymous", "profile", "dualstack", "fips",
	"accelerate", "ssetype", "hostname_immutable", "rate_limiter_capacity", "request_checksum_calculation",
	"response_checksum_validation", "universe_domain", "prefix", "create_dir", "no_tmp_dir", "metadata", "dir_file_mode",
}

// printable is a bucket URL for messages: without passwords, and without the
// values of parameters that could be one.
func printable(u *url.URL) string {
	shown := *u
	if shown.User != nil {
		shown.User = url.User(hiddenText)
	}
	shown.Opaque = secretsOf(u).text(shown.Opaque)
	q := u.Query()
	for name, values := range q {
		for i, v := range values {
			switch {
			case slices.Contains(harmless, name):
			case name == "endpoint":
				values[i] = endpointText(v)
			default:
				values[i] = hiddenText
			}
		}
	}
	shown.RawQuery = q.Encode()
	return shown.String()
}

func endpointText(endpoint string) string {
	switch u, err := url.Parse(endpoint); {
	case err != nil || u.Opaque != "":
		return hiddenText
	case u.User != nil || u.RawQuery != "":
		return u.Scheme + "://" + hiddenText + "@" + u.Host
	}
	return endpoint
}

// secrets are the texts of one bucket URL that no message may hold.
type secrets struct{ replace *strings.Replacer }

// minSecret is the length in bytes from which a value can be told from the rest
// of a message.
const minSecret = 4

func secretsOf(u *url.URL) secrets {
	var found []string
	add := func(s string) {
		if len(s) >= minSecret && s != "true" && s != "false" {
			found = append(found, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	addUser := func(user *url.Userinfo) {
		if user != nil {
			password, _ := user.Password()
			add(password)
			add(user.Username())
		}
	}
	addUser(u.User)
	if _, rest, ok := strings.Cut(u.Opaque, ":"); ok {
		add(rest)
	}
	for name, values := range u.Query() {
		for _, v := range values {
			if name == "endpoint" {
				if e, err := url.Parse(v); err == nil {
					addUser(e.User)
				} else {
					// An error will quote some part of it.
					_, rest, _ := strings.Cut(v, "://")
					for part := range strings.FieldsFuncSeq(rest, func(r rune) bool { return strings.ContainsRune(":/@?", r) }) {
						add(part)
					}
				}
			} else if !slices.Contains(harmless, name) {
				add(v)
			}
		}
	}
	// The longest first: one may be a part of another.
	slices.SortFunc(found, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, s := range slices.Compact(found) {
		pairs = append(pairs, s, hiddenText)
	}
	return secrets{strings.NewReplacer(pairs...)}
}

var (
	userInfo        = regexp.MustCompile(`(?i)\b([a-z][a-z0-9+.-]*(?:://|%3A%2F%2F))[^/?#\s"'<>%]*(?:%[0-9a-f]{2}[^/?#\s"'<>%]*)*?(@|%40)`)
	secretParameter = regexp.MustCompile(`(?i)\b((?:x-amz-|x-goog-)?(?:signature|credential|security-token|access_token|refresh_token|client_secret|secret|password|token|awsaccesskeyid|googleaccessid))(=|%3D)[^&\s"'<>]+`)
	authorization   = regexp.MustCompile(`(?i)\b((?:proxy-)?authorization:(?: *[a-z0-9-]+)?|bearer|basic) +[a-z0-9+/=._~-]{8,}`)
)

// secretPatterns hides what looks like a secret of any URL or header.
func secretPatterns(s string) string {
	s = userInfo.ReplaceAllString(s, "${1}"+hiddenText+"${2}")
	s = secretParameter.ReplaceAllString(s, "${1}${2}"+hiddenText)
	return authorization.ReplaceAllString(s, "${1} "+hiddenText)
}

func (s secrets) text(message string) string { return secretPatterns(s.replace.Replace(message)) }

// hide takes the secrets out of an error's message. The errors that it wraps can
// still be found with errors.Is and errors.As.
func (s secrets) hide(err error) error {
	if err == nil {
		return nil
	}
	message := err.Error()
	if shown := s.text(message); shown != message {
		return &hiddenError{err, shown}
	}
	return err
}

type hiddenError struct {
	err   error
	shown string
}

func (e *hiddenError) Error() string { return e.shown }
func (e *hiddenError) Unwrap() error { return e.err }
