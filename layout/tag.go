package layout

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// TagsPrefix is where snapshots have names: an object a tag, which changes by
// compare-and-swap only, as pointers do.
const TagsPrefix = "tags/"

// TagFormat is the version of the format of a tag.
const TagFormat = 1

// Tag is a name that someone gave to a snapshot of an environment. A snapshot that
// has one is kept.
type Tag struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Name        string `json:"tag"`
	// Snapshot is empty once the tag was deleted, and before it was first set: then
	// the object only holds the place, so that the next writer has a state to
	// compare with. Prune removes it.
	Snapshot string `json:"snapshot,omitempty"`
	// Before is what it named until it was moved.
	Before string `json:"before,omitempty"`
	// Generation counts the writes of this tag.
	Generation int64     `json:"generation"`
	At         time.Time `json:"at"`
	By         string    `json:"by,omitempty"`
	Reason     string    `json:"reason,omitempty"`
}

var (
	tagName = regexp.MustCompile(`^[a-z0-9]([a-z0-9._-]{0,98}[a-z0-9])?$`)
	// idBegin is what a snapshot's id, or the digest in it, could begin with.
	idBegin = regexp.MustCompile(`^([0-9a-f]{1,12}|[0-9]{8}t[0-9]{0,6}(z(-[0-9a-f]{0,12})?)?)$`)
)

// ValidTag says why a name cannot be a tag: it has other characters than file
// systems and URLs agree on, or is what a snapshot can be called by already.
func ValidTag(name string) error {
	switch {
	case !tagName.MatchString(name):
		return fmt.Errorf("%.120q: a tag has up to 100 small letters, digits, dots, hyphens and underscores, and begins and ends with a letter or digit", name)
	case name == "live" || name == "previous":
		return fmt.Errorf("%q is what the pointer names: choose another name for the tag", name)
	case idBegin.MatchString(name):
		return fmt.Errorf("%q could be the beginning of a snapshot's id: choose another name for the tag, such as %q", name, "tag-"+name)
	}
	return nil
}

// TagKey is where a tag of an environment lies.
func TagKey(env, name string) string { return TagsPrefix + env + "/" + name + ".json" }

// ParseTagKey is the inverse of TagKey.
func ParseTagKey(key string) (env, name string, err error) {
	rest, ok := strings.CutPrefix(key, TagsPrefix)
	env, name, _ = strings.Cut(rest, "/")
	name, json := strings.CutSuffix(name, ".json")
	if !ok || !json || !ValidEnvironment(env) || ValidTag(name) != nil {
		return "", "", fmt.Errorf("%q is not the key of a tag", key)
	}
	return env, name, nil
}

// Encode is the tag as it is stored.
func (t Tag) Encode() []byte { return Encode(t, " ") }

// DecodeTag reads what Encode wrote and checks every field; env and name are those
// that it must be of.
func DecodeTag(data []byte, env, name string) (Tag, error) {
	var t Tag
	if err := tagFormat.read(data, &t); err != nil {
		return Tag{}, err
	}
	if err := t.validate(env, name); err != nil {
		return Tag{}, tagFormat.damaged(err)
	}
	return t, tagFormat.exact(data, t.Encode())
}

func (t Tag) validate(env, name string) error {
	switch {
	case t.Environment != env || t.Name != name:
		return fmt.Errorf("it is of tag %q of environment %q", t.Name, t.Environment)
	case t.Snapshot != "" && !ValidSnapshot(t.Snapshot):
		return fmt.Errorf("snapshot %q is not an id", t.Snapshot)
	case t.Before != "" && !ValidSnapshot(t.Before):
		return fmt.Errorf("before: %q is not an id", t.Before)
	case t.Generation < 1:
		return fmt.Errorf("generation %d", t.Generation)
	}
	return ValidNote(t.By, t.Reason)
}
