package pack

import (
	"fmt"

	"github.com/klauspost/compress/zstd"
	"github.com/maypok86/otter/v2"
)

const (
	// blockSize is from which size on a block of sheets is closed, in bytes
	// before compression: more would gain little, and is inflated at every look.
	blockSize = 512 << 10
	// maxBlock is the largest block: a sheet that is larger than blockSize has
	// one of its own.
	maxBlock = 256 << 20
	// keptBlocks is how much of inflated blocks is kept in memory, in bytes.
	keptBlocks = 8 << 20
)

// blockKey is a block of a file.
type blockKey struct {
	f *file
	n uint32
}

// blocks inflates blocks, and keeps those that were wanted last.
type blocks struct {
	decoder *zstd.Decoder
	kept    *otter.Cache[blockKey, []byte]
}

func newBlocks() (*blocks, error) {
	decoder, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxBlock))
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &blocks{decoder, otter.Must(&otter.Options[blockKey, []byte]{
		MaximumWeight: keptBlocks,
		Weigher:       func(_ blockKey, b []byte) uint32 { return uint32(len(b)) },
	})}, nil
}

// sheet finds a sheet by its row.
func (b *blocks) sheet(f *file, row int) (*sheet, error) {
	p := placeOf(f.sheets.row(row)[keySize:])
	key := blockKey{f, p.block}
	body, ok := b.kept.GetIfPresent(key)
	if !ok {
		var err error
		if body, err = b.inflate(f, blockOf(f.blocks.row(int(p.block)))); err != nil {
			return nil, err
		}
		b.kept.Set(key, body)
	}
	s, err := decodeSheet(body[p.offset:][:p.size])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	return s, nil
}

func (b *blocks) inflate(f *file, at block) ([]byte, error) {
	if at.inflated > maxBlock {
		return nil, fmt.Errorf("%s: %w: a block of %d bytes", f.name, errDamaged, at.inflated)
	}
	packed, err := f.read(at.span)
	if err != nil {
		return nil, err
	}
	body, err := b.decoder.DecodeAll(packed, make([]byte, 0, at.inflated))
	if err == nil && len(body) != int(at.inflated) {
		err = fmt.Errorf("%d bytes, want %d", len(body), at.inflated)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: block: %w", f.name, errDamaged, err)
	}
	return body, nil
}

func (b *blocks) close() { b.decoder.Close() }
