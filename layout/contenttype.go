package layout

import (
	"net/http"
	"path"
	"strings"
)

// contentTypes is the table of extensions. It is our own, not the machine's:
// /etc/mime.types must not decide what a snapshot says. It holds what the
// reference registry answers for the files that packages have, and Go's
// built-in table (package mime).
var contentTypes = map[string]string{
	".avif": "image/avif",
	".css":  "text/css; charset=utf-8",
	".csv":  "text/csv; charset=utf-8",
	".gif":  "image/gif",
	".gz":   "application/gzip",
	".htm":  "text/html; charset=utf-8",
	".html": "text/html; charset=utf-8",
	".ico":  "image/x-icon",
	".jpeg": "image/jpeg",
	".jpg":  "image/jpeg",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".log":  "text/x-log; charset=utf-8",
	".md":   "text/markdown; charset=utf-8",
	".mjs":  "text/javascript; charset=utf-8",
	".pdf":  "application/pdf",
	".png":  "image/png",
	".py":   "text/x-python; charset=utf-8",
	".sh":   "application/x-shellscript",
	".sig":  "application/pgp-signature",
	".svg":  "image/svg+xml",
	".txt":  "text/plain; charset=utf-8",
	".wasm": "application/wasm",
	".webp": "image/webp",
	".xml":  "text/xml; charset=utf-8",
	".yaml": "application/yaml",
	".yml":  "text/yaml; charset=UTF-8",
	".zip":  "application/zip",
}

// ContentType is the type of a file: by its extension, else sniffed from its
// first 512 bytes (WHATWG MIME Sniffing, as net/http does it).
func ContentType(name string, head []byte) string {
	ext := path.Ext(name)
	if t, ok := contentTypes[ext]; ok {
		return t
	}
	if t, ok := contentTypes[strings.ToLower(ext)]; ok {
		return t
	}
	return http.DetectContentType(head)
}

// Compressible reports whether a type is worth a gzip encoding.
func Compressible(contentType string) bool {
	return strings.HasPrefix(contentType, "text/") ||
		strings.HasPrefix(contentType, "application/json") ||
		strings.HasPrefix(contentType, "image/svg+xml")
}

const JsonType = "application/json"

const ZipType = "application/zip"
