package storagev2

import (
	"sync"

	"github.com/regsnap/regsnap/layout"
)

// maxKept is how many bytes of documents are kept: a push stores few.
const maxKept = 8 << 20

// Documents keeps package documents that were just stored, so that an index of them need
// not read them. The zero value is ready, and safe for concurrent use.
type Documents struct {
	mu   sync.Mutex
	kept map[layout.Digest][]byte
	size int
}

// Keep keeps a document, if there is room. It must not be changed afterwards.
func (d *Documents) Keep(digest layout.Digest, document []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept[digest] != nil || d.size+len(document) > maxKept {
		return
	}
	if d.kept == nil {
		d.kept = map[layout.Digest][]byte{}
	}
	d.kept[digest] = document
	d.size += len(document)
}

// get is a document, or nil. A nil Documents has none.
func (d *Documents) get(digest layout.Digest) []byte {
	if d == nil {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.kept[digest]
}
