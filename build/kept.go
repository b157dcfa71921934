package build

import (
	"bytes"
	"context"
	"sync"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
)

// keptBytes bounds what is kept between checking and writing, in bytes. What
// the parser reads of the largest storage known are 70 MB.
const keptBytes = 96 << 20

// keptSource remembers what is read for the parser until it is read for an
// archive: nothing may be written before everything is checked, and yet each
// content is to be read once.
type keptSource struct {
	index.Source

	mu       sync.Mutex
	contents map[index.ID][]byte
	size     int
}

func newKeptSource(source index.Source) *keptSource {
	return &keptSource{Source: source, contents: map[index.ID][]byte{}}
}

// Read gives what is kept without asking the source, and keeps the rest. It
// keeps no order: contents that were kept come first.
func (s *keptSource) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	rest, err := s.give(ids, false, fn)
	if err != nil {
		return err
	}
	return s.Source.Read(ctx, rest, func(id index.ID, content []byte) error {
		s.keep(id, content)
		return fn(id, content)
	})
}

// Prefetch asks the source to.
func (s *keptSource) Prefetch(ctx context.Context, entries []index.Entry) error {
	if p, ok := s.Source.(index.Prefetcher); ok {
		return p.Prefetch(ctx, entries)
	}
	return nil
}

func (s *keptSource) keep(id index.ID, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// What is longer is a ready-made archive, and read in the one piece anyway.
	if len(content) > parse.MaxParsedBytes || s.size+len(content) > keptBytes || s.contents[id] != nil {
		return
	}
	s.contents[id] = bytes.Clone(content)
	s.size += len(content)
}

// give hands out what is kept of ids, for good if last, and returns the others.
func (s *keptSource) give(ids []index.ID, last bool, fn func(index.ID, []byte) error) (rest []index.ID, err error) {
	for _, id := range ids {
		s.mu.Lock()
		content, ok := s.contents[id]
		if ok && last {
			delete(s.contents, id)
			s.size -= len(content)
		}
		s.mu.Unlock()
		if !ok {
			rest = append(rest, id)
			continue
		}
		if err := fn(id, content); err != nil {
			return nil, err
		}
	}
	return rest, nil
}

// lastSource reads from a keptSource what nobody will ask for again.
type lastSource struct{ *keptSource }

func (s lastSource) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	rest, err := s.give(ids, true, fn)
	if err != nil {
		return err
	}
	return s.Source.Read(ctx, rest, fn)
}
