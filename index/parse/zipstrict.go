package parse

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/regsnap/regsnap/index"
)

// The records of a zip file that are read here, by PKWARE's APPNOTE.TXT 6.3: their
// signatures and the lengths of their fixed parts.
const (
	signatureLocal      = "PK\x03\x04" // 4.3.7
	signatureDescriptor = "PK\x07\x08" // 4.3.9
	signatureCentral    = "PK\x01\x02" // 4.3.12
	signatureLocator64  = "PK\x06\x07" // 4.3.15
	signatureEnd        = "PK\x05\x06" // 4.3.16

	lengthLocal      = 30
	lengthDescriptor = 16
	lengthCentral    = 46
	lengthLocator64  = 20
	lengthEnd        = 22
)

// Bits of an entry's general purpose flags (4.4.4).
const (
	flagEncrypted  = 1 << 0
	flagLevel      = 1<<1 | 1<<2 // how hard deflate tried
	flagDescriptor = 1 << 3      // sizes and checksum come after the data
	flagUTF8       = 1 << 11
)

// Methods of compression (4.4.5).
const (
	methodStore   = 0
	methodDeflate = 8
)

// newestVersion is the highest "version needed to extract" (4.4.3) that all
// common readers accept; some pass over an entry that asks for more.
const newestVersion = 45

// harmlessExtras are the extra fields (4.5) that say nothing about an entry's
// name, length, kind or encryption: times, owners, padding and comments. Any
// other may, to some reader: 0x7075 gives it another name, 0x756e makes it a
// symbolic link, 0x0001 has other lengths.
var harmlessExtras = map[uint16]bool{
	0x000a: true, // times of NTFS
	0x4453: true, // a security descriptor of NTFS
	0x5455: true, // times
	0x5855: true, // times and owner
	0x7855: true, // owner
	0x7875: true, // owner
	0x6375: true, // the comment in UTF-8
	0xcafe: true, // the mark of a Java archive
	0xd935: true, // alignment
	0xa220: true, // padding
}

// member is an entry of an archive, as its central header states it.
type member struct {
	name     string
	needs    uint16
	flags    uint16
	method   uint16
	crc      uint32
	packed   int64 // compressed length
	size     int64
	madeBy   byte // 4.4.2: the system whose attributes follow
	external uint32
	local    int64 // where its local header is
	data     int64 // where its data is
}

// disagreement is what one reader would see in an archive and another would not.
type disagreement struct {
	entry  string // empty: it is about the whole archive
	rule   index.Rule
	detail string
}

func malformed(entry, format string, args ...any) *disagreement {
	return &disagreement{entry, index.RuleArchiveFormat, fmt.Sprintf(format, args...)}
}

func ambiguousArchive(entry, format string, args ...any) *disagreement {
	return &disagreement{entry, index.RuleArchiveAmbiguous, fmt.Sprintf(format, args...) + ": readers would disagree about what the archive holds"}
}

// readMembers reads the structure of a zip file in the one way that leaves no
// reader a choice, whether it begins at the end or streams from the start: every
// byte belongs to exactly one entry, to the central directory or to the end
// record, and what is stated twice is stated equally. Data is not looked at yet.
// The members are in the order of the central directory, at most that many.
func readMembers(content []byte, most int) ([]member, *disagreement) {
	end, count, d := findEnd(content)
	if d != nil {
		return nil, d
	}
	if count > most {
		return nil, &disagreement{"", index.RuleFileCount, fmt.Sprintf("the archive has %d entries: it may have %d, directories included", count, most)}
	}
	members := make([]member, 0, count)
	at := int64(binary.LittleEndian.Uint32(content[end+16:]))
	start := at
	for range count {
		m, next, d := readCentral(content[:end], at)
		if d != nil {
			return nil, d
		}
		members = append(members, m)
		at = next
	}
	if at != int64(end) {
		return nil, ambiguousArchive("", "%d bytes lie between the last entry of the central directory and the end record", int64(end)-at)
	}
	return members, checkSequence(content, members, start)
}

// findEnd finds the end record: it must end the file, and be the last that
// looks like one, which is where every reader begins.
func findEnd(content []byte) (end, count int, _ *disagreement) {
	from := max(0, len(content)-lengthEnd-0xffff)
	end = bytes.LastIndex(content[from:], []byte(signatureEnd))
	if end < 0 {
		return 0, 0, malformed("", "is not a zip file: no end record is found")
	}
	end += from
	if len(content)-end < lengthEnd {
		return 0, 0, malformed("", "is not a whole zip file: its end record is cut off")
	}
	record := content[end:]
	field := func(at int) int { return int(binary.LittleEndian.Uint16(record[at:])) }
	size, offset := int64(binary.LittleEndian.Uint32(record[12:])), int64(binary.LittleEndian.Uint32(record[16:]))
	comment := field(20)
	count = field(10)
	switch {
	case lengthEnd+comment < len(record):
		return 0, 0, ambiguousArchive("", "%d bytes follow the end record", len(record)-lengthEnd-comment)
	case lengthEnd+comment > len(record):
		return 0, 0, malformed("", "is not a whole zip file: the comment in its end record is cut off")
	case end >= lengthLocator64 && string(content[end-lengthLocator64:][:4]) == signatureLocator64,
		count == 0xffff, size == 0xffffffff, offset == 0xffffffff:
		return 0, 0, malformed("", "uses the zip64 format, which no package needs: build it without")
	case field(4) != 0 || field(6) != 0:
		return 0, 0, malformed("", "is a part of an archive on several disks")
	case field(8) != count:
		return 0, 0, ambiguousArchive("", "the end record states %d entries on this disk and %d in all", field(8), count)
	case offset+size > int64(end):
		return 0, 0, malformed("", "is not a whole zip file: its central directory would lie outside of it")
	case offset+size < int64(end):
		return 0, 0, ambiguousArchive("", "its central directory is not where the end record states: %d bytes are before the archive, or inside it without belonging to an entry", int64(end)-offset-size)
	case count == 0:
		return 0, 0, malformed("", "the archive is empty")
	}
	return end, count, nil
}

// readCentral reads the central header at an offset; content ends where the end
// record begins.
func readCentral(content []byte, at int64) (m member, next int64, _ *disagreement) {
	if at+lengthCentral > int64(len(content)) || string(content[at:at+4]) != signatureCentral {
		return m, 0, malformed("", "is not a whole zip file: its central directory has fewer entries than the end record states")
	}
	h := content[at:]
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(h[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(h[at:]) }
	m = member{
		madeBy: h[5], needs: u16(6), flags: u16(8), method: u16(10), crc: u32(16),
		packed: int64(u32(20)), size: int64(u32(24)), external: u32(38), local: int64(u32(42)),
	}
	name, extra, comment := int(u16(28)), int(u16(30)), int(u16(32))
	next = at + lengthCentral + int64(name+extra+comment)
	if next > int64(len(content)) {
		return m, 0, malformed("", "is not a whole zip file: a header of its central directory is cut off")
	}
	m.name = string(h[lengthCentral:][:name])
	if d := checkExtra(m.name, h[lengthCentral+name:][:extra]); d != nil {
		return m, 0, d
	}
	if disk := u16(34); disk != 0 {
		return m, 0, malformed(m.name, "is on disk %d of several", disk)
	}
	return m, next, m.check()
}

// check finds what is wrong with a central header by itself.
func (m *member) check() *disagreement {
	switch {
	case m.flags&flagEncrypted != 0:
		return malformed(m.name, "is encrypted")
	case m.flags&^(flagLevel|flagDescriptor|flagUTF8) != 0:
		return malformed(m.name, "has the flags %#04x, of which some change how it is read: build the archive again with an ordinary program", m.flags)
	case m.method != methodStore && m.method != methodDeflate:
		return malformed(m.name, "is compressed by method %d: use deflate", m.method)
	case m.needs > newestVersion:
		return malformed(m.name, "asks for version %d.%d of the format: some readers pass over it", m.needs/10, m.needs%10)
	case m.packed == 0xffffffff || m.size == 0xffffffff || m.local == 0xffffffff:
		return malformed(m.name, "uses the zip64 format, which no package needs: build the archive without")
	case m.method == methodStore && m.packed != m.size:
		return malformed(m.name, "is stored with %d bytes, but its header states a length of %d", m.packed, m.size)
	case m.flags&flagUTF8 == 0 && !isASCII(m.name):
		return ambiguousArchive(m.name, "its name is not ASCII, and the flag that says it is UTF-8 is missing")
	case !utf8.ValidString(m.name):
		return &disagreement{m.name, index.RulePathCharacter, "the path is not UTF-8: rename it"}
	}
	return nil
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// checkExtra looks through the extra fields of a header.
func checkExtra(entry string, extra []byte) *disagreement {
	for len(extra) > 0 {
		if len(extra) < 4 || len(extra) < 4+int(binary.LittleEndian.Uint16(extra[2:])) {
			return ambiguousArchive(entry, "its extra fields are cut off")
		}
		id := binary.LittleEndian.Uint16(extra)
		switch {
		case id == 0x0001:
			return malformed(entry, "uses the zip64 format, which no package needs: build the archive without")
		case !harmlessExtras[id]:
			return ambiguousArchive(entry, "has the extra field %#04x, by which some readers change its name, length or kind", id)
		}
		extra = extra[4+int(binary.LittleEndian.Uint16(extra[2:])):]
	}
	return nil
}

// checkSequence checks the local side: in the order of their offsets, entries
// follow each other from the first byte to the central directory, each with a
// header, data and descriptor that agree with the central header.
func checkSequence(content []byte, members []member, directory int64) *disagreement {
	order := make([]*member, len(members))
	for i := range members {
		order[i] = &members[i]
	}
	slices.SortStableFunc(order, func(a, b *member) int { return cmp.Compare(a.local, b.local) })
	at := int64(0)
	for i, m := range order {
		switch {
		case m.local < at:
			return &disagreement{m.name, index.RuleArchiveOverlap, fmt.Sprintf("its bytes are also those of %q: build the archive again", index.Clip(order[i-1].name))}
		case m.local > directory:
			return malformed(m.name, "its local header would lie outside of the archive")
		case m.local > at && i == 0:
			return ambiguousArchive("", "%d bytes lie before the first entry", m.local)
		case m.local > at:
			return ambiguousArchive(m.name, "%d bytes lie before it that belong to no entry", m.local-at)
		}
		next, d := m.checkLocal(content[:directory])
		if d != nil {
			return d
		}
		at = next
	}
	if at != directory {
		return ambiguousArchive("", "%d bytes lie between the last entry and the central directory", directory-at)
	}
	return nil
}

// checkLocal compares an entry's local header and data descriptor with its
// central header. It returns where the entry ends.
func (m *member) checkLocal(content []byte) (end int64, _ *disagreement) {
	if m.local+lengthLocal > int64(len(content)) || string(content[m.local:][:4]) != signatureLocal {
		return 0, malformed(m.name, "has no local header where the central directory states it")
	}
	h := content[m.local:]
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(h[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(h[at:]) }
	name, extra := int(u16(26)), int(u16(28))
	if m.data = m.local + lengthLocal + int64(name+extra); m.data > int64(len(content)) || m.packed > int64(len(content))-m.data {
		return 0, malformed(m.name, "its data would lie outside of the archive")
	}
	if local := string(h[lengthLocal:][:name]); local != m.name {
		return 0, ambiguousArchive(m.name, "its local header calls it %q", index.Clip(local))
	}
	if d := checkExtra(m.name, h[lengthLocal+name:][:extra]); d != nil {
		return 0, d
	}
	crc, packed, size := u32(14), int64(u32(18)), int64(u32(22))
	late := m.flags&flagDescriptor != 0 // then what is zero follows the data
	switch {
	case u16(4) > newestVersion:
		return 0, malformed(m.name, "asks for version %d.%d of the format: some readers pass over it", u16(4)/10, u16(4)%10)
	case u16(6) != m.flags:
		return 0, ambiguousArchive(m.name, "its local header has the flags %#04x, the central directory %#04x", u16(6), m.flags)
	case u16(8) != m.method:
		return 0, ambiguousArchive(m.name, "its local header has the method %d, the central directory %d", u16(8), m.method)
	case crc != m.crc && !(late && crc == 0):
		return 0, ambiguousArchive(m.name, "its local header states the checksum %08x, the central directory %08x", crc, m.crc)
	case packed != m.packed && !(late && packed == 0):
		return 0, ambiguousArchive(m.name, "its local header states %d compressed bytes, the central directory %d", packed, m.packed)
	case size != m.size && !(late && size == 0):
		return 0, ambiguousArchive(m.name, "its local header states a length of %d, the central directory %d", size, m.size)
	}
	end = m.data + m.packed
	if !late {
		return end, nil
	}
	return end + lengthDescriptor, m.checkDescriptor(content[m.data:end], content[end:])
}

// checkDescriptor compares the data descriptor at the start of after with the
// central header. data must hold nothing that a reader who streams, and knows no
// length, could take for the end of the entry.
func (m *member) checkDescriptor(data, after []byte) *disagreement {
	if len(after) < lengthDescriptor || string(after[:4]) != signatureDescriptor {
		return ambiguousArchive(m.name, "no data descriptor follows its data, though its flags announce one")
	}
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(after[at:]) }
	switch {
	case u32(4) != m.crc:
		return ambiguousArchive(m.name, "its data descriptor states the checksum %08x, the central directory %08x", u32(4), m.crc)
	case int64(u32(8)) != m.packed:
		return ambiguousArchive(m.name, "its data descriptor states %d compressed bytes, the central directory %d", u32(8), m.packed)
	case int64(u32(12)) != m.size:
		return ambiguousArchive(m.name, "its data descriptor states a length of %d, the central directory %d", u32(12), m.size)
	case m.method == methodStore && (holds(data, signatureLocal) || holds(data, signatureDescriptor) || holds(data, signatureCentral)):
		return ambiguousArchive(m.name, "is stored with its length after it, and holds what looks like the end of an entry: deflate it, or write its length before it")
	case m.method == methodDeflate && holdsEntryEnd(data):
		return ambiguousArchive(m.name, "has its length after it, and its compressed data holds what looks like the end of an entry")
	}
	return nil
}

func holds(data []byte, signature string) bool { return bytes.Contains(data, []byte(signature)) }

// holdsEntryEnd reports whether data holds a data descriptor, of 32 or 64 bits,
// with another header after it. Either alone is in compressed data by chance,
// now and then.
func holdsEntryEnd(data []byte) bool {
	for {
		at := bytes.Index(data, []byte(signatureDescriptor))
		if at < 0 {
			return false
		}
		data = data[at+4:]
		for _, length := range []int{lengthDescriptor - 4, lengthDescriptor + 4} {
			if len(data) >= length+4 {
				if next := string(data[length:][:4]); next == signatureLocal || next == signatureCentral {
					return true
				}
			}
		}
	}
}
