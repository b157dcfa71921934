// Package v2test reads an index of package storage v2 as strictly as any of its readers
// does. It is made of what was measured of those, and knows nothing of how regsnap
// writes one.
package v2test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/Masterminds/semver/v3"
)

// errIndex: a reader would refuse the index, panic, or silently find less in it.
var errIndex = errors.New("not an index of package storage v2")

// entry is an entry of an index.
type entry struct {
	Name, Version string
	// Document is what stands there, without spaces around it.
	Document json.RawMessage
}

// id names a package version.
func (p entry) id() string { return p.Name + "-" + p.Version }

// parseIndex reads search-index-all.json.
func parseIndex(body []byte) ([]entry, error) {
	list, err := member(body, "packages")
	if err != nil {
		return nil, err
	}
	var entries []json.RawMessage
	if err := json.Unmarshal(list, &entries); err != nil {
		return nil, fmt.Errorf("%w: packages: %w", errIndex, err)
	}
	if len(entries) == 0 {
		return nil, fmt.Errorf("%w: no packages", errIndex)
	}
	var out []entry
	seen := map[string]bool{}
	for i, e := range entries {
		p, err := parsePackage(e)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		if seen[p.id()] {
			return nil, fmt.Errorf("%w: %s is there twice", errIndex, p.id())
		}
		seen[p.id()] = true
		out = append(out, p)
	}
	return out, nil
}

// member is the value of an object's only key.
func member(body []byte, key string) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	var value json.RawMessage
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%w: no object", errIndex)
	}
	if t, err := d.Token(); err != nil || t != key {
		return nil, fmt.Errorf("%w: %v where %q is wanted", errIndex, t, key)
	}
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", errIndex, key, err)
	}
	if t, err := d.Token(); err != nil || t != json.Delim('}') {
		return nil, fmt.Errorf("%w: %v after %q", errIndex, t, key)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("%w: more after its end", errIndex)
	}
	return value, nil
}

func parsePackage(text []byte) (entry, error) {
	manifest, err := member(text, "package_manifest")
	if err != nil {
		return entry{}, err
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
		return entry{}, fmt.Errorf("%w: %w", errIndex, err)
	}
	p := entry{m.Name, m.Version, manifest}
	if m.Name == "" || m.FormatVersion == "" {
		return p, fmt.Errorf("%w: %s has no name or no format_version", errIndex, p.id())
	}
	if _, err := semver.StrictNewVersion(m.Version); err != nil {
		return p, fmt.Errorf("%w: %s: %w", errIndex, p.id(), err)
	}
	if _, err := semver.StrictNewVersion(m.FormatVersion); err != nil {
		return p, fmt.Errorf("%w: %s: format_version: %w", errIndex, p.id(), err)
	}
	for _, c := range []string{m.Conditions.Kibana.Version, m.Conditions.Agent.Version} {
		if c == "" {
			continue
		}
		if _, err := semver.NewConstraint(c); err != nil {
			return p, fmt.Errorf("%w: %s: condition %q: %w", errIndex, p.id(), c, err)
		}
	}
	return p, nil
}

// parseCursor reads cursor.json.
func parseCursor(body []byte) (string, error) {
	value, err := member(body, "current")
	if err != nil {
		return "", err
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil || s == "" || s == "init" {
		return "", fmt.Errorf("%w: %s is no cursor", errIndex, value)
	}
	return s, nil
}
