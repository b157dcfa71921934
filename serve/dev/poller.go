package dev

import (
	"io/fs"
	"path/filepath"

	"github.com/regsnap/regsnap/index/git"
)

// poller notes changes by looking at all files again and again.
type poller struct {
	work *git.WorkSource
	seen map[string]fileState
}

// fileState is what is different once a file has changed.
type fileState struct {
	size, modified int64
	mode           fs.FileMode
}

// look notes what has changed since the last look.
func (p *poller) look() bool {
	now := map[string]fileState{}
	for _, d := range p.work.Watched() {
		_ = filepath.WalkDir(d.Dir, func(path string, e fs.DirEntry, err error) error {
			if err != nil {
				return nil
			}
			if e.IsDir() && path != d.Dir && (e.Name() == ".git" || !d.Deep) {
				return fs.SkipDir
			}
			if info, err := e.Info(); err == nil {
				state := fileState{info.Size(), info.ModTime().UnixNano(), info.Mode()}
				if e.IsDir() {
					state.size, state.modified = 0, 0
				}
				now[path] = state
			}
			return nil
		})
	}
	var changed []string
	for path, state := range now {
		if old, was := p.seen[path]; !was || old != state {
			changed = append(changed, path)
		}
	}
	for path := range p.seen {
		if _, still := now[path]; !still {
			changed = append(changed, path)
		}
	}
	p.seen = now
	if len(changed) > 0 {
		p.work.Changed(changed...)
	}
	return len(changed) > 0
}
