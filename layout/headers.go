package layout

import "strings"

// forever is the Cache-Control of what only edges and tools read: it never changes.
const forever = "public, max-age=31536000, immutable"

// objectHeader is the Cache-Control that an object carries for clients that read
// the bucket through a plain CDN. Revisions and responses belong to no
// environment, so it is the API's default; edges say what their environment is
// set to.
func objectHeader(class CacheClass) string {
	return strings.Join(DefaultCachePolicy.Header(class), ", ")
}

// The objects of a bucket as they are stored, without their content: whoever
// writes them, by a build or as a copy, gives them the same headers.

// Archive is the package's zip archive.
func (r Revision) Archive() Object {
	return Object{Key: r.ArchiveKey(), ContentType: ZipType, CacheControl: objectHeader(CacheContent)}
}

// Signature is the archive's detached signature.
func (r Revision) Signature() Object {
	return Object{Key: r.SignatureKey(), ContentType: ContentType(".sig", nil), CacheControl: objectHeader(CacheContent)}
}

// File is one file of the package.
func (r Revision) File(f ContentsFile) Object {
	return Object{Key: r.FileKey(f.Path), ContentType: f.Type, CacheControl: objectHeader(CacheContent), SHA256: f.SHA256}
}

// Contents is the list of the package's files.
func (r Revision) Contents() Object { return lasting(r.ContentsKey()) }

// ManifestObject is the manifest of a snapshot.
func ManifestObject(env, id string) Object { return lasting(ManifestKey(env, id)) }

// RoutesObject is the routes of a snapshot.
func RoutesObject(env, id string) Object { return lasting(RoutesKey(env, id)) }

func lasting(key string) Object {
	return Object{Key: key, ContentType: JsonType, CacheControl: forever}
}

// partObject is a part of the catalog.
func partObject(d Digest) Object {
	return Object{Key: PartKey(d), ContentType: "application/octet-stream", CacheControl: forever}
}

// pageObject is a page of the catalogue. Edges know its type by its path, and how
// it is to be kept apart from the files of packages: read from the bucket itself it
// is no document that a browser would show.
func pageObject(d Digest) Object {
	return Object{Key: PageKey(d), ContentType: "application/octet-stream", CacheControl: forever}
}

// responseObject is a response: CacheIndex for a package document, CacheContent
// for a search or categories.
func responseObject(d Digest, class CacheClass) Object {
	return Object{Key: ResponseKey(d), ContentType: JsonType, CacheControl: objectHeader(class)}
}

// Encoded is the gzip-encoded twin of a response, without its content.
func (o Object) Encoded() Object {
	o.Key += GzipSuffix
	o.ContentEncoding = "gzip"
	o.Body, o.SHA256 = nil, ""
	return o
}

// With is the object with its content.
func (o Object) With(body []byte) Object {
	o.Body = body
	return o
}

// Summed is the object with the SHA-256 of its content.
func (o Object) Summed(sha256 string) Object {
	o.SHA256 = sha256
	return o
}

// MaxEncoded is how many bytes the gzip-encoded form of so many bytes has at most: five
// more for each block of what does not shrink (RFC 1951, 3.2.4; encoders make them of
// 16 KiB at least), and a header and a trailer. It is generous.
func MaxEncoded(size int64) int64 { return size + 5*(size>>13+1) + 1<<10 }
