package pack

import (
	"encoding/json"
	"fmt"
	"regexp"

	"github.com/regsnap/regsnap/layout"
)

// Names within the folder of a packed snapshot.
const (
	listName   = "packs.json"
	packFolder = "packs"
	packSuffix = ".pack"
)

// list is packs.json.
type list struct {
	Format      int        `json:"format"`
	Environment string     `json:"environment"`
	Snapshot    string     `json:"snapshot"`
	Packs       []listPack `json:"packs"`
}

// listPack is a pack: the first 32 digits of its SHA-256, which its file is named
// by, and its size in bytes.
type listPack struct {
	Digest string `json:"digest"`
	Size   int64  `json:"size"`
}

var packDigest = regexp.MustCompile(`^[0-9a-f]{32}$`)

// path is where a pack lies in the folder.
func (p listPack) path() string { return packFolder + "/" + p.Digest + packSuffix }

func (l *list) encode() ([]byte, error) {
	b, err := json.MarshalIndent(l, "", " ")
	return append(b, '\n'), err
}

// decodeList reads packs.json and checks it: nothing in it leads out of the folder.
func decodeList(data []byte) (*list, error) {
	l := new(list)
	if err := json.Unmarshal(data, l); err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	switch {
	case l.Format != format:
		return nil, fmt.Errorf("pack format %d is not known to this version of regsnap (want %d)", l.Format, format)
	case !layout.ValidEnvironment(l.Environment) || !layout.ValidSnapshot(l.Snapshot):
		return nil, fmt.Errorf("%w: environment %q, snapshot %q", errDamaged, l.Environment, l.Snapshot)
	}
	for _, p := range l.Packs {
		if !packDigest.MatchString(p.Digest) || p.Size < 0 {
			return nil, fmt.Errorf("%w: digest %q, %d bytes", errDamaged, p.Digest, p.Size)
		}
	}
	return l, nil
}
