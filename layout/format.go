package layout

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

var (
	// ErrDamaged: what is stored is not what any regsnap has written there.
	ErrDamaged = errors.New("damaged")
	// ErrNewer: what is stored has a format that only a later regsnap reads. It
	// is not damaged, and nothing else can be said of it.
	ErrNewer = errors.New("written by a newer regsnap")
	// ErrOutdated: what is stored has a format that this regsnap no longer reads.
	ErrOutdated = errors.New("written by an older regsnap")
)

// format is one of the bucket's formats: which versions of it this regsnap
// reads, and up to how many bytes.
type format struct {
	name           string
	oldest, newest int
	most           int64
}

// The bounds are several times what the largest registries known need, so that
// an object beyond them is a mistake or an attack: 50 moves with the longest
// notes, 200,000 package versions, 50,000 files with the longest paths.
var (
	pointerFormat      = format{"pointer", 1, PreviewPointerFormat, 512 << 10}
	leaseFormat        = format{"lease", 1, LeaseFormat, 16 << 10}
	manifestFormat     = format{"manifest", 1, ManifestFormat, 128 << 20}
	manifestListFormat = format{"list of a manifest", 1, manifestListVersion, 128 << 20}
	routesFormat       = format{"routes", bareRoutes, RoutesFormat, 64 << 20}
	contentsFormat     = format{"contents", 1, ContentsFormat, 64 << 20}
	auditFormat        = format{"audit entry", 1, AuditFormat, 64 << 10}
	tagFormat          = format{"tag", 1, TagFormat, 16 << 10}
	siteFormat         = format{"catalogue", 1, SiteFormat, 64 << 20}
	indexFormat        = format{"packages", 1, SiteFormat, 64 << 20}
	listFormat         = format{"versions", 1, SiteFormat, 64 << 20}
)

// maxObject is the largest object that is in no format of the bucket's, in
// bytes: four times what an archive may have by default.
const maxObject = 1 << 30

// formatOf is the format of the object at a key; nil of archives, files,
// signatures, responses and parts of the catalog. The last are described by the
// routes that name them, whose number stands for both.
func formatOf(key string) *format {
	switch {
	case strings.HasPrefix(key, EnvironmentsPrefix):
		return &pointerFormat
	case strings.HasPrefix(key, LeasesPrefix):
		return &leaseFormat
	case strings.HasPrefix(key, AuditPrefix):
		return &auditFormat
	case strings.HasPrefix(key, TagsPrefix):
		return &tagFormat
	case strings.HasPrefix(key, SnapshotsPrefix) && strings.HasSuffix(key, "/manifest.json"):
		return &manifestFormat
	case strings.HasPrefix(key, SnapshotsPrefix) && strings.HasSuffix(key, "/routes.json"):
		return &routesFormat
	}
	if _, what, err := RevisionOfKey(key); err == nil && what == ContentsObject {
		return &contentsFormat
	}
	return nil
}

// MaxSize is how many bytes the object at a key may have. Nothing longer is
// written, or read to its end.
func MaxSize(key string) int64 {
	if f := formatOf(key); f != nil {
		return f.most
	}
	return maxObject
}

// TooLarge is the error of an object that has more bytes than MaxSize; begin is
// what it begins with, because the number of its format comes first here too.
func TooLarge(key string, begin []byte) error {
	if f := formatOf(key); f != nil {
		if err := f.check(begin); errors.Is(err, ErrNewer) || errors.Is(err, ErrOutdated) {
			return err
		}
	}
	return fmt.Errorf("%w: more than %d bytes", ErrDamaged, MaxSize(key))
}

// check looks at the number of the format, before anything else of a document.
func (f format) check(data []byte) error {
	number, err := formatNumber(data)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", f.name, ErrDamaged, err)
	}
	n, err := strconv.Atoi(number)
	switch {
	case errors.Is(err, strconv.ErrRange) && n > 0, err == nil && n > f.newest:
		return fmt.Errorf("%s: %w (format %s); this one reads up to %d: upgrade it", f.name, ErrNewer, number, f.newest)
	case err != nil || n < 1:
		return fmt.Errorf("%s: %w: %s is not the number of a format", f.name, ErrDamaged, number)
	case n < f.oldest:
		return fmt.Errorf("%s: %w (format %d); this one reads from %d on: build the snapshot again", f.name, ErrOutdated, n, f.oldest)
	}
	return nil
}

// formatNumber finds the field "format", which every document begins with. What
// follows it need not even be JSON.
func formatNumber(data []byte) (string, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", errors.New("it is not a document of regsnap's")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return "", fmt.Errorf("it has no number of its format: %w", err)
		}
		if key == "format" {
			var number json.Number
			if err := d.Decode(&number); err != nil {
				return "", fmt.Errorf("the number of its format: %w", err)
			}
			return number.String(), nil
		}
		var skipped json.RawMessage
		if err := d.Decode(&skipped); err != nil {
			return "", fmt.Errorf("it has no number of its format: %w", err)
		}
	}
	return "", errors.New("it has no number of its format")
}

// read is the reader of a format: first its number, then its length, then every
// field, none that is unknown, and nothing behind.
func (f format) read(data []byte, v any) error {
	if err := f.check(data); err != nil {
		return err
	}
	if int64(len(data)) > f.most {
		return f.damaged(fmt.Errorf("more than %d bytes", f.most))
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return f.damaged(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return f.damaged(errors.New("unexpected data after the document"))
	}
	return nil
}

// exact refuses a document that says what regsnap would have written otherwise:
// fields twice or in another case, which other readers take differently.
func (f format) exact(data, encoded []byte) error {
	if !bytes.Equal(data, encoded) {
		return f.damaged(errors.New("not written as regsnap writes it"))
	}
	return nil
}

func (f format) damaged(err error) error { return fmt.Errorf("%s: %w: %w", f.name, ErrDamaged, err) }
