// Package folderlock keeps processes that write to the same folder apart.
package folderlock

import (
	"context"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// patience is how long another process may be at work before that is told.
const patience = time.Second

// Lock waits until no other process has the lock of a file, which is made if it is
// not there, or ctx ends. waiting, if it is set, is called once if that takes long.
func Lock(ctx context.Context, file string, waiting func()) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	type result struct {
		unlock func()
		err    error
	}
	locked := make(chan result)
	go func() { // nothing ends the system's wait for a lock
		var r result
		r.unlock, r.err = lockedfile.MutexAt(file).Lock()
		select {
		case locked <- r:
		case <-ctx.Done():
			if r.err == nil {
				r.unlock()
			}
		}
	}()
	long := time.NewTimer(patience)
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
