package export

import (
	"context"
	"path/filepath"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lockPatience is how long another export may be at work before that is told.
const lockPatience = time.Second

// lock waits until no other process writes to the folder, or ctx ends. waiting, if
// it is set, is called once if that takes long.
func lock(ctx context.Context, dir string, waiting func()) (unlock func(), err error) {
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result)
	go func() { // nothing ends the system's wait for a lock
		var r result
		r.unlock, r.err = lockedfile.MutexAt(filepath.Join(dir, lockName)).Lock()
		select {
		case locked <- r:
		case <-ctx.Done():
			if r.err == nil {
				r.unlock()
			}
		}
	}()
	long := time.NewTimer(lockPatience)
	defer long.Stop()
	for {
		select {
		case r := <-locked:
			return r.unlock, r.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-long.C:
			if waiting != nil {
				waiting()
			}
		}
	}
}
