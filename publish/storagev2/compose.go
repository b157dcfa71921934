package storagev2

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// maxText is the most that a segment may say, in bytes: its lengths have 32 bits.
const maxText = 1 << 30

// errLarge: an index that cannot be read by anyone.
var errLarge = errors.New("the package documents are too large for an index")

// composer makes the index of a snapshot.
type composer struct {
	b        Bucket
	parallel int
	// documents need not be read.
	documents *Documents
	// old are the segments of the index before, by what they are made of.
	old map[segmentID]encoded
	// found are documents that were in segments of it which are no longer needed.
	found map[layout.Digest][]byte
	// read counts the documents that were read one by one.
	read int
	mu   sync.Mutex
	// most is the most that a segment may say.
	most int
}

// composed is an index, and how many documents were read for it one by one.
type composed struct {
	body []byte
	read int
}

// compose makes the index of a snapshot; before is the one that was there, or nil.
func compose(ctx context.Context, b Bucket, m *layout.Manifest, before []byte, documents *Documents) (*composed, error) {
	c := composer{b: b, parallel: b.Parallel(), documents: documents, most: maxText}
	body, err := c.compose(ctx, m, before)
	if err != nil {
		return nil, err
	}
	return &composed{body, c.read}, nil
}

func (c *composer) compose(ctx context.Context, m *layout.Manifest, before []byte) ([]byte, error) {
	wanted := segments(m.Packages)
	if list, err := split(before); err == nil { // else all is made again
		c.take(list, wanted)
	}
	out := make([]encoded, len(wanted))
	slots := make(chan struct{}, max(1, c.parallel))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4) // each holds the text of a segment
	for i, s := range wanted {
		if e, ok := c.old[s.id]; ok {
			out[i] = e
			continue
		}
		g.Go(func() error {
			text, err := c.text(ctx, s, slots)
			if err == nil {
				out[i], err = pack(s.id, text)
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return join(out), nil
}

// take remembers the segments of an index that are still wanted, and the documents
// of the others.
func (c *composer) take(list []encoded, wanted []segment) {
	c.old, c.found = map[segmentID]encoded{}, map[layout.Digest][]byte{}
	ids := map[segmentID]bool{}
	for _, s := range wanted {
		ids[s.id] = true
	}
	for _, e := range list {
		if ids[e.ID] {
			c.old[e.ID] = e
			continue
		}
		text, err := e.text()
		if err != nil {
			continue
		}
		for _, document := range documentsIn(text) {
			c.found[layout.DigestOf(document)] = document
		}
	}
}

// text is what a segment says.
func (e encoded) text() ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(e.body))
	text, err := io.ReadAll(io.LimitReader(r, int64(e.Text)+1))
	if errors.Is(err, io.ErrUnexpectedEOF) { // no block is the last
		err = nil
	}
	if err == nil && (uint32(len(text)) != e.Text || crc32.ChecksumIEEE(text) != e.CRC) {
		err = errTable
	}
	return text, err
}

const (
	entryOpening = `{"package_manifest":`
	entryClosing = "}"
)

// documentsIn are the documents in the text of a segment, byte for byte.
func documentsIn(text []byte) (out [][]byte) {
	var list []struct {
		Document json.RawMessage `json:"package_manifest"`
	}
	if json.Unmarshal(append(append([]byte("["), text...), ']'), &list) != nil {
		return nil
	}
	for _, e := range list {
		// What a document ends in is no part of the JSON.
		out = append(out, append(bytes.Clone(e.Document), '\n'), e.Document)
	}
	return out
}

// text writes a segment. slots bounds how many documents are read at once.
func (c *composer) text(ctx context.Context, s segment, slots chan struct{}) ([]byte, error) {
	documents := make([][]byte, len(s.documents))
	g, ctx := errgroup.WithContext(ctx)
	for i, d := range s.documents {
		if documents[i] = c.found[d]; documents[i] == nil {
			documents[i] = c.documents.get(d)
		}
		if documents[i] != nil {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return nil, errors.Join(g.Wait(), ctx.Err())
		}
		g.Go(func() (err error) {
			defer func() { <-slots }()
			documents[i], err = c.document(ctx, d)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	var text []byte
	for i, document := range documents {
		if i > 0 {
			text = append(text, separator...)
		}
		text = append(append(append(text, entryOpening...), document...), entryClosing...)
		if len(text) > c.most {
			return nil, errLarge
		}
	}
	return text, nil
}

// document reads a package document.
func (c *composer) document(ctx context.Context, d layout.Digest) ([]byte, error) {
	key := layout.ResponseKey(d)
	body, err := c.b.Read(ctx, key)
	if err != nil {
		return nil, err
	}
	if layout.DigestOf(body) != d {
		return nil, fmt.Errorf("%s: %w: it is not what its name says", key, layout.ErrDamaged)
	}
	c.mu.Lock()
	c.read++
	c.mu.Unlock()
	return body, nil
}
