package pack

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// format is the version of the format of packs.
const format = 1

// magic ends a pack; its last byte is the format.
const magic = "regsnap\x01"

// errDamaged: a file of a pack is not what it was made as.
var errDamaged = errors.New("the pack is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// id names a content by the first 128 bits of its SHA-256, as layout.Digest does.
type id [16]byte

func idOf(content []byte) id {
	sum := sha256.Sum256(content)
	return id(sum[:16])
}

// footerSize is where the tables lie (8 bytes), the number of rows of each
// (4 bytes), the CRC-32C of the tables and of the footer up to there (4), and
// the magic.
const footerSize = 8 + 4*tables + 4 + len(magic)

// The tables of a pack, in their order.
const (
	blobTable    = iota // by the SHA-256 of the blob
	plainTable          // responses that are stored as they are, by their digest
	encodedTable        // responses whose gzip-encoded twin is stored, by their digest
	sheetTable          // package revisions, by the SHA-256 of their prefix
	blockTable          // blocks of sheets, in their order
	tables
)

// rowSizes are the bytes of a row of each table. Rows are
//
//	of a blob or response: key 16, offset 8, size 4, CRC-32C 4
//	of a sheet:            key 16, block 4, offset in it 4, size 4
//	of a block:            offset 8, size 4, size inflated 4, CRC-32C 4
var rowSizes = [tables]int{32, 32, 32, 28, 20}

// keySize is what a table is sorted by; the table of blocks has no key.
const keySize = len(id{})

// footer is the end of a pack.
type footer struct {
	offset int64 // of the tables
	rows   [tables]uint32
}

// size is how long the tables are, in bytes.
func (f footer) size() int64 {
	n := int64(0)
	for i, rows := range f.rows {
		n += int64(rows) * int64(rowSizes[i])
	}
	return n
}

// encode is the footer after its tables.
func (f footer) encode(tables []byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(f.offset))
	for _, rows := range f.rows {
		b = binary.LittleEndian.AppendUint32(b, rows)
	}
	sum := crc32.Update(crc32.Checksum(tables, castagnoli), castagnoli, b)
	return append(binary.LittleEndian.AppendUint32(b, sum), magic...)
}

// decodeFooter reads the end of a pack of a size in bytes. The CRC is checked
// once the tables are read.
func decodeFooter(b []byte, size int64) (footer, error) {
	var f footer
	end := b[footerSize-len(magic):]
	if string(end[:len(magic)-1]) != magic[:len(magic)-1] {
		return f, fmt.Errorf("%w: it does not end as a pack does: it is cut short, or something else", errDamaged)
	}
	if got := end[len(magic)-1]; got != format {
		return f, fmt.Errorf("pack format %d is not known to this version of regsnap (want %d)", got, format)
	}
	f.offset = int64(binary.LittleEndian.Uint64(b))
	for i := range f.rows {
		f.rows[i] = binary.LittleEndian.Uint32(b[8+4*i:])
	}
	if f.offset < 0 || f.offset+f.size()+int64(footerSize) != size {
		return f, fmt.Errorf("%w: it has %d bytes, its footer says otherwise", errDamaged, size)
	}
	return f, nil
}
