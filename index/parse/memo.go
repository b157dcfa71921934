package parse

import (
	"sync"

	"github.com/regsnap/regsnap/index"
)

// memo remembers what was made of each blob. The same content is asked for
// many times: most versions of a package share most of their files.
type memo[T any] struct {
	entries sync.Map // ID → *memoEntry[T]
}

type memoEntry[T any] struct {
	once  sync.Once
	value T
}

// get returns what make returned the first time for that blob, unless make said
// then not to keep it. A file without a blob id is not remembered. What get
// returns is shared: it must not be changed.
func (m *memo[T]) get(blob index.ID, make func() (value T, keep bool)) T {
	if blob.IsZero() {
		value, _ := make()
		return value
	}
	e, _ := m.entries.LoadOrStore(blob, new(memoEntry[T]))
	entry := e.(*memoEntry[T])
	entry.once.Do(func() {
		var keep bool
		if entry.value, keep = make(); !keep {
			m.entries.CompareAndDelete(blob, entry)
		}
	})
	return entry.value
}
