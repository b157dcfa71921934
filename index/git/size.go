package git

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/regsnap/regsnap/index"
)

// Size is the length of a blob; see Source.
func (s *GitSource) Size(ctx context.Context, id index.ID) (size int64, err error) {
	err = s.infos.read(ctx, []index.ID{id}, func(obj object) error {
		size = obj.size
		return obj.check(BlobObject)
	})
	return size, err
}

// Size is the length of a file; see Source.
func (s *DirSource) Size(_ context.Context, id index.ID) (int64, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	blob, ok := s.blobs[id]
	if !ok {
		return 0, fmt.Errorf("blob %s: %w: no branch that was read has it", id, index.ErrNoObject)
	}
	return blob.size, nil
}

// largeBuffer is the length from which a buffer is given back to the system at
// once, in bytes. Left to the collector, the memory of several would be in use
// at the same time, though only one of them is.
const largeBuffer = 64 << 20

// giveBack returns the memory of a buffer that nothing refers to any more.
func giveBack(length int) {
	if length >= largeBuffer {
		debug.FreeOSMemory()
	}
}
