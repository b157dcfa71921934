package build

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// Shard is one of so many parts of the package revisions, for machines that render
// side by side. The hash of a package's name decides to which one its revisions
// belong: every machine agrees, whatever commits it has fetched, and what the versions
// of a package share, most of what they hold, is read and compressed on one machine
// only. The zero Shard is no part: a whole build.
type Shard struct {
	Index int `json:"index"` // from 1
	Of    int `json:"of"`
}

var shardForm = regexp.MustCompile(`^([0-9]{1,6})/([0-9]{1,6})$`)

// ParseShard reads "2/4", the second of four.
func ParseShard(s string) (Shard, error) {
	m := shardForm.FindStringSubmatch(s)
	if m == nil {
		return Shard{}, fmt.Errorf("%q is no shard: write I/N, such as 2/4 for the second of four", s)
	}
	index, _ := strconv.Atoi(m[1]) // at most six digits
	of, _ := strconv.Atoi(m[2])
	switch {
	case of == 0:
		return Shard{}, fmt.Errorf("%q is no shard: there is at least one, 1/1", s)
	case index == 0 || index > of:
		return Shard{}, fmt.Errorf("%q is no shard: those of %d are 1/%[2]d to %[2]d/%[2]d", s, of)
	}
	return Shard{Index: index, Of: of}, nil
}

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// has reports whether the revisions of a package belong to the shard.
func (s Shard) has(name string) bool {
	sum := sha256.Sum256([]byte(name))
	return binary.BigEndian.Uint64(sum[:])%uint64(s.Of) == uint64(s.Index-1)
}

// writeShard stores the revisions of a shard that nothing vouches for, and nothing
// else: a response is an answer over an environment, or so small that asking whether
// it is there costs what storing it costs. No manifest vouches for what is stored. The
// build that makes one looks for each revision, under a lease, as it does for those of
// a build that was stopped.
func (b *builder) writeShard(ctx context.Context, targets []*target) error {
	need := newEntrySet(b.loaded)
	for _, t := range targets {
		t.rows = slices.DeleteFunc(t.rows, func(r row) bool { return !b.Shard.has(r.merged.Name) })
		for _, r := range t.rows {
			b.sharded[r.revision] = true
			if _, there := b.contents[r.revision]; !there {
				need.add(r.merged.Entry)
			}
		}
	}
	if err := b.load(ctx, need.entries); err != nil {
		return err
	}
	for _, l := range b.loaded {
		l.Package = nil // it is checked; what follows needs the files only
	}
	return b.writeRevisions(ctx, targets)
}
