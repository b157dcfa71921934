package build

import (
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/layout/answer"
)

// writer makes snapshots of rows: it stores what the bucket lacks, and lists what
// is there. It knows nothing of branches, and so serves a slice of a snapshot as
// well as a build.
type writer struct {
	store   Store
	put     *putter
	pages   *pages
	budget  layout.Budget
	regsnap string
	render  int
	sign    Signer
	told    func(Progress)
	// document, if set, is given each package document that was stored.
	document func(layout.Digest, []byte)
	// live are snapshots of which rows and blocks of the catalog are taken.
	live []*liveSnapshot
	// made are blocks of the catalog, by the digest of their rows' summaries.
	made map[layout.Digest]answer.Block

	objects, bytes atomic.Int64

	mu sync.Mutex
	// contents is the SHA-256 of contents.json by revision; a revision that is
	// in it is in the bucket.
	contents map[layout.Revision]string
	// responses are those that are in the bucket; rendered counts the ones that
	// this writer stored.
	responses map[layout.Digest]layout.ManifestResponse
	rendered  int
	// lists are those of manifests that are in the bucket.
	lists map[layout.Digest]layout.ManifestResponse
}

// newWriter starts storing in the background until put is closed. Without a
// number of objects to store at once it follows the processors.
func newWriter(s Store, parallel int, progress func(Progress)) *writer {
	if parallel <= 0 {
		parallel = 4 * runtime.GOMAXPROCS(0)
	}
	w := &writer{
		store: s, render: RenderVersion, told: progress, made: map[layout.Digest]answer.Block{},
		contents: map[layout.Revision]string{}, responses: map[layout.Digest]layout.ManifestResponse{}, lists: map[layout.Digest]layout.ManifestResponse{},
	}
	w.put = newPutter(s, parallel, func(n int) {
		w.objects.Add(1)
		w.bytes.Add(int64(n))
	})
	w.pages = newPages(w)
	return w
}

// vouch notes what a live manifest lists. Of the answers to queries another render
// version may have kept other forms: a snapshot lists those of its own, whatever was live.
// One that writes packages in another way has another encoder too: how large an encoded
// form is must not depend on what was live either, or no source gives the snapshot again.
func (w *writer) vouch(m *layout.Manifest) {
	other := map[layout.Digest]bool{} // than answers to queries
	for _, p := range m.Packages {
		w.contents[layout.Revision{Name: p.Name, Version: p.Version, ID: p.Revision}] = p.Contents
		other[p.Document] = true
	}
	encoder := SamePackages(m.Render)
	for _, r := range m.Responses {
		if r.Gzip > 0 && !encoder {
			continue
		}
		if m.Render != w.render && !other[r.Digest] && !r.Page && !r.Part {
			encoded := r.Size >= int64(w.encodedOnly())
			if encoded && r.Gzip == 0 || !encoded && r.EncodedOnly {
				continue // the form is missing
			}
			r.EncodedOnly = encoded
		}
		w.responses[r.Digest] = r
	}
	if !encoder {
		return
	}
	for _, l := range m.Lists {
		w.lists[l.Digest] = l
	}
}

func (w *writer) progress(phase string, done, total int) {
	if w.told != nil {
		w.told(Progress{Phase: phase, Done: done, Total: total, Bytes: w.bytes.Load()})
	}
}
