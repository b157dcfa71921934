// Package searchindex reads the index of package storage v2 as strictly as any of its
// readers does: what one of them would refuse, panic at, or silently find less in, is an
// error. It is made of what was measured of those, and knows nothing of how an index
// is written. docs/storage-v2.md describes the format.
package searchindex

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/Masterminds/semver/v3"
)

var (
	// ErrIndex: a reader would refuse the index, panic, or silently find less in it.
	ErrIndex = errors.New("not an index of package storage v2")
	// errCursor: what should name an index does not.
	errCursor = errors.New("not a cursor of package storage v2")
)

// maxEntry is the longest entry that is read, in bytes.
const maxEntry = 64 << 20

// Entry is an entry of an index.
type Entry struct {
	Name, Version string
	// Document is what stands there, without spaces around it.
	Document json.RawMessage
}

// ID names a package version.
func (p Entry) ID() string { return p.Name + "-" + p.Version }

// Read calls fn with each entry of search-index-all.json, in order. No more than an entry is
// held at a time. That an index is refused may be found out after fn was called.
func Read(r io.Reader, fn func(Entry) error) error {
	b := &bounded{r: r}
	d := json.NewDecoder(b)
	b.parsed = d.InputOffset
	if err := opened(d, "packages"); err != nil {
		return err
	}
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return wrong(err, "packages: a list is wanted")
	}
	seen := map[string]bool{}
	for d.More() {
		var text json.RawMessage
		if err := d.Decode(&text); err != nil {
			return fmt.Errorf("entry %d: %w", len(seen), wrong(err, ""))
		}
		p, err := parseEntry(text)
		if err != nil {
			return fmt.Errorf("entry %d: %w", len(seen), err)
		}
		if seen[p.ID()] {
			return fmt.Errorf("%w: %s is there twice", ErrIndex, p.ID())
		}
		seen[p.ID()] = true
		if err := fn(p); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return wrong(err, "")
	}
	if err := closed(d, "packages"); err != nil {
		return err
	}
	if len(seen) == 0 {
		return fmt.Errorf("%w: no packages", ErrIndex)
	}
	return nil
}

// bounded refuses to read on where nothing of so much was understood.
type bounded struct {
	r      io.Reader
	read   int64
	parsed func() int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.read-b.parsed() > maxEntry {
		return 0, fmt.Errorf("%w: one entry has more than %d bytes", ErrIndex, maxEntry)
	}
	n, err := b.r.Read(p)
	b.read += int64(n)
	return n, err
}

// wrong is an error of reading, or what was found in place of what is wanted. What
// a reader below says is passed on.
func wrong(err error, want string) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return fmt.Errorf("%w: %s", ErrIndex, want)
	case errors.Is(err, ErrIndex):
		return err
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it is cut short", ErrIndex)
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: byte %d: %w", ErrIndex, syntax.Offset, err)
	}
	return err
}

// opened reads the beginning of an object, up to the value of its only key.
func opened(d *json.Decoder, key string) error {
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return wrong(err, "an object is wanted")
	}
	if t, err := d.Token(); err != nil || t != key {
		return wrong(err, fmt.Sprintf("%.60q where %q is wanted", fmt.Sprint(t), key))
	}
	return nil
}

// closed reads the end of an object, and of the text.
func closed(d *json.Decoder, key string) error {
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return wrong(err, fmt.Sprintf("%.60q after %q", fmt.Sprint(t), key))
	}
	if _, err := d.Token(); err == nil {
		return wrong(nil, "more after its end")
	} else if err != io.EOF {
		return wrong(err, "")
	}
	return nil
}

// member is the value of an object's only key.
func member(body []byte, key string) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := opened(d, key); err != nil {
		return nil, err
	}
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("%s: %w", key, wrong(err, ""))
	}
	return value, closed(d, key)
}

func parseEntry(text []byte) (Entry, error) {
	manifest, err := member(text, "package_manifest")
	if err != nil {
		return Entry{}, err
	}
	var m struct {
		Name          string
		Version       string
		FormatVersion string `json:"format_version"`
		Conditions    struct {
			Kibana, Agent struct{ Version string }
		}
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return Entry{}, fmt.Errorf("%w: %w", ErrIndex, err)
	}
	p := Entry{m.Name, m.Version, manifest}
	if m.Name == "" || m.FormatVersion == "" {
		return p, fmt.Errorf("%w: %.100q has no name or no format_version", ErrIndex, p.ID())
	}
	if _, err := semver.StrictNewVersion(m.Version); err != nil {
		return p, fmt.Errorf("%w: %.60q: version %.60q: %w", ErrIndex, m.Name, m.Version, err)
	}
	if _, err := semver.StrictNewVersion(m.FormatVersion); err != nil {
		return p, fmt.Errorf("%w: %.100q: format_version %.60q: %w", ErrIndex, p.ID(), m.FormatVersion, err)
	}
	for _, c := range []string{m.Conditions.Kibana.Version, m.Conditions.Agent.Version} {
		if c == "" {
			continue
		}
		if _, err := semver.NewConstraint(c); err != nil {
			return p, fmt.Errorf("%w: %.100q: condition %.60q: %w", ErrIndex, p.ID(), c, err)
		}
	}
	return p, nil
}

// ParseCursor reads cursor.json.
func ParseCursor(body []byte) (string, error) {
	value, err := member(body, "current")
	if err != nil {
		return "", fmt.Errorf("%w: %w", errCursor, err)
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil || s == "" || s == "init" {
		return "", fmt.Errorf("%w: %.60s", errCursor, value)
	}
	return s, nil
}
