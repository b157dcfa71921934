package pack

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/regsnap/regsnap/layout"
)

// scannedResponse is a response in the scratch file.
type scannedResponse struct {
	layout.ManifestResponse
	at span // of the encoded twin, or of the response if it has none
	// age is 0 for a search that sees the newest version of all packages that it
	// sees at all, up to ages if it sees that of none.
	age int
}

// ages is how many steps of age there are.
const ages = 10

// response fetches a response in the one form that a pack keeps, and compares
// what it says with the manifest.
func (m *maker) response(ctx context.Context, r layout.ManifestResponse) (scannedResponse, error) {
	key := r.Object(layout.CacheContent).Key
	var body []byte
	var err error
	if r.Gzip > 0 { // another encoder may have been first: then it has another size
		key += layout.GzipSuffix
		body, err = m.fetchEncoded(ctx, key, r)
	} else {
		body, err = m.fetch(ctx, key, r.Size)
	}
	if err != nil {
		return scannedResponse{}, err
	}
	plain := body
	if r.Gzip > 0 {
		if plain, err = gunzip(body, r.Size); err != nil {
			return scannedResponse{}, fmt.Errorf("%s: %w: %w", key, ErrSource, err)
		}
	}
	if err := says(bytes.NewReader(plain), layout.ObjectDigest{Size: r.Size, SHA256: r.SHA256}); err != nil {
		return scannedResponse{}, fmt.Errorf("%s: %w", key, err)
	}
	at, err := m.scratch.append(body)
	return scannedResponse{r, at, m.age(plain)}, err
}

// gunzip inflates what should have a size, and at most one byte more.
func gunzip(body []byte, size int64) ([]byte, error) {
	if size < 0 || size > maxObject {
		return nil, fmt.Errorf("it is said to have %d bytes", size)
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(z, size+1))
}

// packagePath is how each entry of a search begins to say where its package is.
var packagePath = []byte(`"path": "/package/`)

// age tells how old a search's view of the packages is. What a push changes is
// the searches that see what is newest: they have few neighbours that stay.
func (m *maker) age(body []byte) int {
	names, newest := map[string]bool{}, 0
	for {
		i := bytes.Index(body, packagePath)
		if i < 0 {
			break
		}
		body = body[i+len(packagePath):]
		path, _, _ := bytes.Cut(body, []byte{'"'})
		name, version, _ := strings.Cut(string(path), "/")
		names[name] = true
		if m.newest[name] == version {
			newest++
		}
	}
	if len(names) == 0 {
		return ages
	}
	return ages - (ages*newest+len(names)/2)/len(names)
}

// fetchEncoded reads the encoded form of a response.
func (m *maker) fetchEncoded(ctx context.Context, key string, r layout.ManifestResponse) ([]byte, error) {
	if max(r.Size, r.Gzip) > maxObject || min(r.Size, r.Gzip) < 0 {
		return nil, fmt.Errorf("%s: %w: it is said to have %d bytes, %d of them encoded", key, ErrSource, r.Size, r.Gzip)
	}
	return m.fetchMost(ctx, key, max(r.Gzip, layout.MaxEncoded(r.Size)))
}

// fetch reads an object of a known size.
func (m *maker) fetch(ctx context.Context, key string, size int64) ([]byte, error) {
	if size < 0 || size > maxObject {
		return nil, fmt.Errorf("%s: %w: it is said to have %d bytes", key, ErrSource, size)
	}
	body, err := m.fetchMost(ctx, key, size)
	if err == nil && int64(len(body)) != size {
		err = fmt.Errorf("%s: %w: %d bytes, want %d", key, ErrSource, len(body), size)
	}
	return body, err
}

// fetchMost reads an object that may have at most so many bytes.
func (m *maker) fetchMost(ctx context.Context, key string, most int64) ([]byte, error) {
	r, err := m.o.From.Open(ctx, key, 0, -1)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	body, err := io.ReadAll(io.LimitReader(r, most+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	if int64(len(body)) > most {
		return nil, fmt.Errorf("%s: %w: more bytes than %d", key, ErrSource, most)
	}
	return body, nil
}

// says reads all of r, and at most one byte more than it should have, and compares
// it with a digest. That reading fails says nothing about the source: the network
// may be gone, or the disk for temporary files full.
func says(r io.Reader, want layout.ObjectDigest) error {
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, want.Size+1))
	if err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); n != want.Size || got != want.SHA256 {
		return fmt.Errorf("%w: SHA-256 %s of %d bytes, want %s of %d", ErrSource, got, n, want.SHA256, want.Size)
	}
	return nil
}
