package layout

import (
	"fmt"
	"regexp"
	"strings"
)

// Prefixes of the bucket; those of audit entries, leases, tags and the index of
// package storage v2 stand with them.
const (
	EnvironmentsPrefix = "environments/"
	SnapshotsPrefix    = "snapshots/"
	PackagesPrefix     = "packages/"
	ResponsesPrefix    = "responses/"
)

// Prefixes are all that a key can begin with.
var Prefixes = []string{
	AuditPrefix, EnvironmentsPrefix, LeasesPrefix, PackagesPrefix, ResponsesPrefix, SnapshotsPrefix, StoragePrefix, TagsPrefix,
}

// GzipSuffix marks the gzip-encoded twin of a response.
const GzipSuffix = ".gz"

// MinGzip is the size in bytes from which a response has a gzip-encoded twin: below,
// it saves no packet. A search of that size is kept only so.
const MinGzip = 1 << 10

var (
	environmentName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)
	packageName     = regexp.MustCompile(`^[a-z0-9_]{1,200}$`)
	snapshotID      = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{12}$`)
	revisionID      = regexp.MustCompile(`^[0-9a-f]{20}$`)
)

// ValidEnvironment reports whether name can be an environment: a DNS label.
func ValidEnvironment(name string) bool { return environmentName.MatchString(name) }

// ValidPackageName reports whether name is a package name of the registry API.
func ValidPackageName(name string) bool { return packageName.MatchString(name) }

// ValidSnapshot reports whether id has the form of a snapshot id,
// "20221201T172031Z-0123456789ab".
func ValidSnapshot(id string) bool { return snapshotID.MatchString(id) }

// PointerKey is the one mutable object of an environment.
func PointerKey(env string) string { return EnvironmentsPrefix + env + ".json" }

// ParsePointerKey is the inverse of PointerKey.
func ParsePointerKey(key string) (env string, err error) {
	env, ok := strings.CutPrefix(key, EnvironmentsPrefix)
	env, json := strings.CutSuffix(env, ".json")
	if !ok || !json || !ValidEnvironment(env) {
		return "", fmt.Errorf("%q is not the key of a pointer", key)
	}
	return env, nil
}

// ManifestKey is where the manifest of a snapshot lies.
func ManifestKey(env, id string) string { return SnapshotsPrefix + env + "/" + id + "/manifest.json" }

// RoutesKey is where the routes of a snapshot lie.
func RoutesKey(env, id string) string { return SnapshotsPrefix + env + "/" + id + "/routes.json" }

// ParseSnapshotKey is the inverse of ManifestKey and RoutesKey; file is
// "manifest.json" or "routes.json".
func ParseSnapshotKey(key string) (env, id, file string, err error) {
	rest, ok := strings.CutPrefix(key, SnapshotsPrefix)
	part := strings.Split(rest, "/")
	if !ok || len(part) != 3 || !ValidEnvironment(part[0]) || !ValidSnapshot(part[1]) ||
		part[2] != "manifest.json" && part[2] != "routes.json" {
		return "", "", "", fmt.Errorf("%q is not a key of a snapshot", key)
	}
	return part[0], part[1], part[2], nil
}

// Revision is one content of one package version.
type Revision struct {
	Name    string
	Version string // a strict semantic version
	ID      string // 20 hexadecimal digits
}

// Prefix is what the keys of all of the revision's objects, and of no others, begin with.
func (r Revision) Prefix() string {
	return PackagesPrefix + r.Name + "/" + escapeElement(r.Version) + "/" + r.ID + "/"
}

// ArchiveKey is where the package's zip archive lies.
func (r Revision) ArchiveKey() string {
	return r.Prefix() + escapeElement(r.Name+"-"+r.Version+".zip")
}

// SignatureKey is where the archive's detached signature lies.
func (r Revision) SignatureKey() string { return r.ArchiveKey() + ".sig" }

// ContentsKey is where the list of the package's files lies. It is written
// last: its presence means that the revision is complete.
func (r Revision) ContentsKey() string { return r.Prefix() + "contents.json" }

// FileKey is where one file of the package lies; path is relative to the
// package's directory.
func (r Revision) FileKey(path string) string { return r.Prefix() + "files/" + escapePath(path) }

// PackageObject tells what the key of a revision stands for.
type PackageObject int

const (
	ArchiveObject PackageObject = iota
	SignatureObject
	ContentsObject
	FileObject
)

// ParsePackageKey is the inverse of ArchiveKey, SignatureKey, ContentsKey and
// FileKey; path is only set for a FileObject.
func ParsePackageKey(key string) (r Revision, what PackageObject, path string, err error) {
	fail := func() (Revision, PackageObject, string, error) {
		return Revision{}, 0, "", fmt.Errorf("%q is not a key of a package", key)
	}
	rest, ok := strings.CutPrefix(key, PackagesPrefix)
	part := strings.SplitN(rest, "/", 4)
	if !ok || len(part) != 4 || !ValidPackageName(part[0]) || !revisionID.MatchString(part[2]) {
		return fail()
	}
	version, err := unescapePath(part[1])
	if err != nil {
		return fail()
	}
	r = Revision{Name: part[0], Version: version, ID: part[2]}
	switch key {
	case r.ArchiveKey():
		return r, ArchiveObject, "", nil
	case r.SignatureKey():
		return r, SignatureObject, "", nil
	case r.ContentsKey():
		return r, ContentsObject, "", nil
	}
	tail, ok := strings.CutPrefix(part[3], "files/")
	if !ok {
		return fail()
	}
	if path, err = unescapePath(tail); err != nil || path == "" {
		return fail()
	}
	return r, FileObject, path, nil
}

// ResponseKey is where a pre-rendered response lies.
func ResponseKey(d Digest) string { return ResponsesPrefix + string(d) + ".json" }

// PartKey is where a part of the catalog lies: beside the responses.
func PartKey(d Digest) string { return ResponsesPrefix + string(d) + ".part" }

// PageKey is where a page of the catalogue lies: beside the responses.
func PageKey(d Digest) string { return ResponsesPrefix + string(d) + ".page" }

// ParseResponseKey is the inverse of ResponseKey, PageKey and PartKey; gzip tells
// that the key names the encoded twin of a response or a page.
func ParseResponseKey(key string) (d Digest, gzip bool, err error) {
	rest, ok := strings.CutPrefix(key, ResponsesPrefix)
	rest, part := strings.CutSuffix(rest, ".part")
	if !part {
		rest, gzip = strings.CutSuffix(rest, GzipSuffix)
		if rest, part = strings.CutSuffix(rest, ".json"); !part {
			rest, part = strings.CutSuffix(rest, ".page")
		}
	}
	if d, err = ParseDigest(rest); !ok || !part || err != nil {
		return "", false, fmt.Errorf("%q is not the key of a response", key)
	}
	return d, gzip, nil
}
