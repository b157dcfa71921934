package pack

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"

	"github.com/klauspost/compress/zstd"

	"github.com/regsnap/regsnap/layout"
)

// How packs are cut; see cut. Each is a layer of an image, and engines take no
// more than 127 of those. On the history of a real production branch these
// windows sent the fewest bytes of those that leave a registry room to grow.
const (
	packageWindow  = 320 << 10
	maxPackages    = 96
	responseWindow = 96 << 10
	maxResponses   = 28
)

// MaxPacks is how many packs a snapshot has at most, however large it is.
const MaxPacks = maxPackages + maxResponses

// sheetWeight is about what a file takes in a sheet, compressed, in bytes.
const sheetWeight = 48

// planned is a package revision and what no earlier one has brought.
type planned struct {
	scanned
	blobs    []id
	document *scannedResponse // nil if an earlier revision has the same
}

// write writes the packs of package revisions, then those of searches.
func (m *maker) write(ctx context.Context, revisions []scanned, responses []scannedResponse) ([]listPack, error) {
	plan, items, searches, err := m.plan(revisions, responses)
	if err != nil {
		return nil, err
	}
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	var packs []listPack
	add := func(fill func(*writer) error) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		w, err := newWriter(m.o.Dir, m.scratch, encoder)
		if err != nil {
			return err
		}
		if err := fill(w); err != nil {
			return errors.Join(err, w.discard())
		}
		p, err := w.close()
		packs = append(packs, p)
		return err
	}
	start := 0
	for _, end := range cut(items, packageWindow, maxPackages) {
		group := plan[start:end]
		if err := add(func(w *writer) error { return m.writeRevisions(w, group) }); err != nil {
			return nil, err
		}
		start = end
	}
	start = 0
	for _, end := range cut(itemsOf(searches), responseWindow, maxResponses) {
		group := searches[start:end]
		if err := add(func(w *writer) error { return writeResponses(w, group) }); err != nil {
			return nil, err
		}
		start = end
	}
	return packs, nil
}

// plan says which revision brings which blobs and which document, in the order of
// names and versions, and which responses are left: searches and categories.
func (m *maker) plan(revisions []scanned, responses []scannedResponse) ([]planned, []item, []scannedResponse, error) {
	documents := map[layout.Digest]*scannedResponse{}
	for i, r := range responses {
		documents[r.Digest] = &responses[i]
	}
	taken := map[id]bool{}
	plan := make([]planned, len(revisions))
	items := make([]item, len(revisions))
	for i, r := range revisions {
		p := m.o.Manifest.Packages[i]
		s, err := m.sheet(r)
		if err != nil {
			return nil, nil, nil, err
		}
		plan[i] = planned{scanned: r, document: documents[p.Document]}
		weight := int64(sheetWeight * len(s.files))
		for _, b := range s.blobs {
			if !taken[b.id] {
				taken[b.id] = true
				plan[i].blobs = append(plan[i].blobs, b.id)
				weight += int64(b.size)
			}
		}
		if d := plan[i].document; d != nil {
			weight += int64(d.at.size)
			delete(documents, p.Document)
		}
		// Behind a package's last version is the best place: its next one then
		// comes into a pack that ends with it.
		sum := sha256.Sum256([]byte(r.prefix))
		priority := append([]byte{1}, sum[:]...)
		if i+1 == len(revisions) || m.o.Manifest.Packages[i+1].Name != p.Name {
			sum = sha256.Sum256([]byte(p.Name))
			priority = append([]byte{0}, sum[:]...)
		}
		items[i] = item{weight, priority}
	}
	var searches []scannedResponse
	for _, r := range responses {
		if documents[r.Digest] != nil {
			searches = append(searches, r)
		}
	}
	// Those of about one age and size are answers to like queries, and change
	// together: sorted by digest, a push changes twice as many packs.
	slices.SortFunc(searches, func(a, b scannedResponse) int {
		return cmp.Or(cmp.Compare(a.age, b.age), cmp.Compare(b.Size, a.Size), cmp.Compare(a.Digest, b.Digest))
	})
	return plan, items, searches, nil
}

func itemsOf(responses []scannedResponse) []item {
	items := make([]item, len(responses))
	for i, r := range responses {
		items[i] = item{int64(r.at.size), []byte(r.SHA256)}
	}
	return items
}

func (m *maker) sheet(r scanned) (*sheet, error) {
	body, err := m.scratch.read(r.sheet)
	if err != nil {
		return nil, err
	}
	return decodeSheet(body)
}

// writeRevisions fills a pack with package revisions.
func (m *maker) writeRevisions(w *writer, group []planned) error {
	for _, r := range group {
		for _, b := range r.blobs {
			if err := w.put(blobTable, b, m.scratch.of(b)); err != nil {
				return err
			}
		}
		if r.document != nil {
			if err := writeResponses(w, []scannedResponse{*r.document}); err != nil {
				return err
			}
		}
	}
	rows := w.keyed[blobTable].keys()
	for _, r := range group {
		s, err := m.sheet(r.scanned)
		if err != nil {
			return err
		}
		for i, b := range s.blobs {
			if row, here := slices.BinarySearchFunc(rows, b.id, func(a, b id) int { return bytes.Compare(a[:], b[:]) }); here {
				s.blobs[i].row = row
			}
		}
		if err := w.sheet(r.prefix, s); err != nil {
			return err
		}
	}
	return nil
}

// writeResponses adds responses to a pack.
func writeResponses(w *writer, responses []scannedResponse) error {
	for _, r := range responses {
		table := plainTable
		if r.Gzip > 0 {
			table = encodedTable
		}
		key, err := digestKey(r.Digest)
		if err != nil {
			return err
		}
		if err := w.put(table, key, r.at); err != nil {
			return err
		}
	}
	return nil
}
