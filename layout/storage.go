package layout

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// StoragePrefix is where registries of another make find what is live: the index of
// package storage v2, with a prefix for each environment.
const StoragePrefix = "storage/"

const (
	metadataFolder = "/v2/metadata/"
	cursorName     = "cursor.json"
	indexName      = "search-index-all.json"
)

// StorageRoot is the folder of an environment that a registry is given as its
// bucket with a prefix.
func StorageRoot(env string) string { return StoragePrefix + env }

// CursorKey names the index that is to be read: an object that changes.
func CursorKey(env string) string { return StorageRoot(env) + metadataFolder + cursorName }

// Cursor is the cursor of a pointer's generation. Zeros in front keep the order of
// texts that of numbers: readers compare them so.
func Cursor(generation int64) string { return fmt.Sprintf("%012d", generation) }

var cursorFolder = regexp.MustCompile(`^[0-9]{12}$`)

// parseCursor is the inverse of Cursor.
func parseCursor(cursor string) (generation int64, err error) {
	if !cursorFolder.MatchString(cursor) {
		return 0, fmt.Errorf("%.40q is not the number of a pointer's generation in 12 digits", cursor)
	}
	return strconv.ParseInt(cursor, 10, 64)
}

// cursorBody is the content of the object at CursorKey.
type cursorBody struct {
	Current string `json:"current"`
}

// EncodeCursor is what names the index of a generation.
func EncodeCursor(generation int64) []byte { return Encode(cursorBody{Cursor(generation)}, "") }

// DecodeCursor is the inverse of EncodeCursor.
func DecodeCursor(body []byte) (generation int64, err error) {
	var c cursorBody
	if err = json.Unmarshal(body, &c); err == nil {
		generation, err = parseCursor(c.Current)
	}
	if err != nil {
		return 0, fmt.Errorf("cursor: %w: %w", ErrDamaged, err)
	}
	return generation, nil
}

// IndexKey is where the index of a generation of the pointer lies.
func IndexKey(env string, generation int64) string {
	return StorageRoot(env) + metadataFolder + Cursor(generation) + "/" + indexName
}

// IndexObject is that index, without its content: JSON that is only kept encoded.
func IndexObject(env string, generation int64) Object {
	o := lasting(IndexKey(env, generation))
	o.ContentEncoding = "gzip"
	return o
}

// ParseStorageKey is the inverse of CursorKey and IndexKey; generation is 0 for a
// cursor's.
func ParseStorageKey(key string) (env string, generation int64, err error) {
	rest, ok := strings.CutPrefix(key, StoragePrefix)
	env, rest, _ = strings.Cut(rest, "/")
	if ok && ValidEnvironment(env) {
		if key == CursorKey(env) {
			return env, 0, nil
		}
		folder, _, _ := strings.Cut(strings.TrimPrefix("/"+rest, metadataFolder), "/")
		if generation, err := parseCursor(folder); err == nil && generation > 0 && key == IndexKey(env, generation) {
			return env, generation, nil
		}
	}
	return "", 0, fmt.Errorf("%q is not a key of package storage v2", key)
}
