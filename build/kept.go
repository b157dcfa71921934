package build

import (
	"context"
	"sync"

	"github.com/regsnap/regsnap/index"
)

// keptBytes bounds what is kept between checking and writing, in bytes.
const keptBytes = 64 << 20

// keptSource remembers contents that were read for the parser until they are
// read a second time, for archives: nothing may be written before everything is
// checked, and yet each content is to be read once.
type keptSource struct {
	index.Source

	mu       sync.Mutex
	contents map[index.ID][]byte
	size     int
}

func (s *keptSource) keep(id index.ID, content []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size+len(content) > keptBytes || s.contents[id] != nil {
		return
	}
	s.contents[id] = content
	s.size += len(content)
}

// take gives a kept content away.
func (s *keptSource) take(id index.ID) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	content, ok := s.contents[id]
	delete(s.contents, id)
	s.size -= len(content)
	return content, ok
}

// Read gives what was kept without asking the source. It keeps no order:
// contents that were kept come first.
func (s *keptSource) Read(ctx context.Context, ids []index.ID, fn func(index.ID, []byte) error) error {
	var rest []index.ID
	for _, id := range ids {
		content, ok := s.take(id)
		if !ok {
			rest = append(rest, id)
			continue
		}
		if err := fn(id, content); err != nil {
			return err
		}
	}
	return s.Source.Read(ctx, rest, fn)
}
