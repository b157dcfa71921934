// Package folderlock keeps processes that write to the same folder apart.
package folderlock

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"
)

// patience is how long another process may be at work before that is said, and how
// often it is said again. pause is between two attempts.
const (
	patience = time.Second
	again    = 30 * time.Second
	pause    = 20 * time.Millisecond
)

// Holder is who has a lock, by the lock's file.
type Holder struct {
	Process int       `json:"process"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

// String says who it is, and for how long.
func (h Holder) String() string {
	if h.Process == 0 {
		return "another process, which did not say which it is,"
	}
	return fmt.Sprintf("process %d on %s, for %s,", h.Process, h.Host, time.Since(h.Since).Round(time.Second))
}

// Lock waits until no other process has the lock of a file, which is made if it does
// not exist, or ctx ends: then the error says who has it. waiting, if it is set, is
// called when that takes long, and now and then after that. The system frees the
// lock when its holder dies. Who may only read the file cannot take it.
func Lock(ctx context.Context, file string, waiting func(Holder)) (unlock func(), err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	next := begun.Add(patience)
	for {
		locked, err := tryLock(f)
		if err == nil && locked {
			break
		}
		if err == nil {
			err = sleep(ctx)
			if err != nil {
				err = fmt.Errorf("waited %s for %s, which is locked by %s: %w", time.Since(begun).Round(time.Second), file, holder(f), err)
			}
		}
		if err != nil {
			_ = f.Close()
			return nil, err
		}
		if now := time.Now(); waiting != nil && now.After(next) {
			waiting(holder(f))
			next = now.Add(again)
		}
	}
	sign(f)
	return func() {
		_ = f.Truncate(0) // what is left behind does not depend on who had it
		_ = f.Close()     // which unlocks
	}, nil
}

func sleep(ctx context.Context) error {
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sign writes who has the lock. It is for messages only, so it may fail.
func sign(f *os.File) {
	host, _ := os.Hostname()
	body, err := json.Marshal(Holder{os.Getpid(), host, time.Now().UTC().Truncate(time.Second)})
	if err == nil && f.Truncate(0) == nil {
		_, _ = f.WriteAt(body, 0)
	}
}

// most bounds what is read of a lock's file, in bytes.
const most = 4096

// holder reads who has the lock.
func holder(f *os.File) Holder {
	var h Holder
	body, err := io.ReadAll(io.NewSectionReader(f, 0, most))
	if err != nil || json.Unmarshal(body, &h) != nil {
		return Holder{}
	}
	return h
}
