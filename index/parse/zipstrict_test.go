package parse

import (
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// rawHeader is what one header of an entry states.
type rawHeader struct {
	needs, flags, method uint16
	crc, packed, size    uint32
	name                 string
	extra                string
}

// rawEntry is an entry of a zip file, with each of its parts to be changed by itself.
type rawEntry struct {
	before         string // bytes ahead of the local header
	local, central rawHeader
	data           string
	descriptor     string
	madeBy         uint16
	external       uint32
	disk           uint16
	comment        string
	offset         int  // added to the one that is true
	absent         bool // from the central directory
}

// rawZip is a zip file, likewise.
type rawZip struct {
	entries                          []*rawEntry
	beforeDirectory, afterDirectory  string
	disk, directoryDisk              uint16
	count, countHere, offset, length int // added to those that are true
	comment, after                   string
	commentLength                    int
}

// raw makes a good entry. Deflated ones have their lengths after their data.
func raw(t testing.TB, name, content string, deflated bool) *rawEntry {
	e := &rawEntry{data: content, madeBy: 3<<8 | 20, external: 0o100644 << 16}
	h := rawHeader{needs: 20, crc: crc32.ChecksumIEEE([]byte(content)), size: uint32(len(content)), name: "p-1.0.0/" + name}
	if deflated {
		e.data = deflate(t, content)
		h.method, h.flags = methodDeflate, flagDescriptor
	}
	h.packed = uint32(len(e.data))
	e.local, e.central = h, h
	if deflated {
		e.local.crc, e.local.packed, e.local.size = 0, 0, 0
		e.descriptor = signatureDescriptor + string(words(h.crc, h.packed, h.size))
	}
	return e
}

func words(list ...uint32) (b []byte) {
	for _, w := range list {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func halves(b []byte, list ...uint16) []byte {
	for _, w := range list {
		b = binary.LittleEndian.AppendUint16(b, w)
	}
	return b
}

func (h rawHeader) middle(b []byte) []byte {
	b = halves(b, h.needs, h.flags, h.method, 0, 0x21)
	b = append(b, words(h.crc, h.packed, h.size)...)
	return halves(b, uint16(len(h.name)), uint16(len(h.extra)))
}

func (z *rawZip) bytes() []byte {
	var out, directory []byte
	count := 0
	for _, e := range z.entries {
		out = append(out, e.before...)
		at := len(out) + e.offset
		out = append(e.local.middle(append(out, signatureLocal...)), e.local.name+e.local.extra+e.data+e.descriptor...)
		if e.absent {
			continue
		}
		count++
		directory = e.central.middle(halves(append(directory, signatureCentral...), e.madeBy))
		directory = halves(directory, uint16(len(e.comment)), e.disk, 0)
		directory = append(directory, words(e.external, uint32(at))...)
		directory = append(directory, e.central.name+e.central.extra+e.comment...)
	}
	out = append(out, z.beforeDirectory...)
	at := len(out)
	out = append(append(out, directory...), z.afterDirectory...)
	out = halves(append(out, signatureEnd...), z.disk, z.directoryDisk, uint16(count+z.countHere), uint16(count+z.count))
	out = append(out, words(uint32(len(directory)+z.length), uint32(at+z.offset))...)
	out = halves(out, uint16(len(z.comment)+z.commentLength))
	return append(out, z.comment+z.after...)
}

// twoEntries is a good archive: a stored entry and a deflated one.
func twoEntries(t testing.TB) *rawZip {
	return &rawZip{entries: []*rawEntry{raw(t, "aa/aa/x.txt", "stored", false), raw(t, "b.txt", strings.Repeat("deflated", 9), true)}}
}

func field(id uint16, data string) string {
	return string(halves(nil, id, uint16(len(data)))) + data
}

// disagreements are the ways to make an archive in which some reader finds
// something else than another, each with the rule that refuses it and a part of
// the reason.
var disagreements = map[string]struct {
	change func(z *rawZip, stored, deflated *rawEntry)
	rule   index.Rule
	want   string
}{
	"name":                    {func(z *rawZip, s, d *rawEntry) { s.local.name = "../../x.txt" }, index.RuleArchiveAmbiguous, `its local header calls it "../../x.txt"`},
	"name of the same length": {func(z *rawZip, s, d *rawEntry) { s.local.name = "p-1.0.0/bb/aa/x.txt" }, index.RuleArchiveAmbiguous, "calls it"},
	"case of the name":        {func(z *rawZip, s, d *rawEntry) { s.local.name = "P-1.0.0/aa/aa/x.txt" }, index.RuleArchiveAmbiguous, "calls it"},
	"name cut short":          {func(z *rawZip, s, d *rawEntry) { s.local.name = "p-1.0.0/aa" }, index.RuleArchiveAmbiguous, "calls it"},
	"name with a NUL":         {func(z *rawZip, s, d *rawEntry) { s.local.name += "\x00" }, index.RuleArchiveAmbiguous, "calls it"},
	"NUL in both names": {func(z *rawZip, s, d *rawEntry) {
		s.local.name += "\x00.png"
		s.central.name = s.local.name
	}, index.RulePathCharacter, "control character"},
	"no flag of UTF-8":             {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/é") }, index.RuleArchiveAmbiguous, "not ASCII"},
	"the lowest that is not ASCII": {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/\x80") }, index.RuleArchiveAmbiguous, "not ASCII"},
	"flag of UTF-8, no UTF-8":      {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/\xe9"); s.flag(flagUTF8) }, index.RulePathCharacter, "not UTF-8"},
	"local flag of UTF-8 only":     {func(z *rawZip, s, d *rawEntry) { s.local.flags |= flagUTF8 }, index.RuleArchiveAmbiguous, "flags"},
	"local descriptor only":        {func(z *rawZip, s, d *rawEntry) { s.local.flags |= flagDescriptor }, index.RuleArchiveAmbiguous, "flags"},
	"central descriptor only":      {func(z *rawZip, s, d *rawEntry) { s.central.flags |= flagDescriptor }, index.RuleArchiveAmbiguous, "flags"},
	"encrypted":                    {func(z *rawZip, s, d *rawEntry) { s.flag(flagEncrypted) }, index.RuleArchiveFormat, "encrypted"},
	"encrypted locally":            {func(z *rawZip, s, d *rawEntry) { s.local.flags |= flagEncrypted }, index.RuleArchiveAmbiguous, "flags"},
	"strong encryption":            {func(z *rawZip, s, d *rawEntry) { s.flag(1 << 6) }, index.RuleArchiveFormat, "flags"},
	"masked headers":               {func(z *rawZip, s, d *rawEntry) { s.flag(1 << 13) }, index.RuleArchiveFormat, "flags"},
	"patched data":                 {func(z *rawZip, s, d *rawEntry) { s.flag(1 << 5) }, index.RuleArchiveFormat, "flags"},
	"method":                       {func(z *rawZip, s, d *rawEntry) { s.local.method = methodDeflate }, index.RuleArchiveAmbiguous, "method"},
	"unknown method":               {func(z *rawZip, s, d *rawEntry) { s.local.method, s.central.method = 9, 9 }, index.RuleArchiveFormat, "method 9"},
	"version of the format":        {func(z *rawZip, s, d *rawEntry) { s.central.needs = 63 }, index.RuleArchiveFormat, "version 6.3"},
	"local version":                {func(z *rawZip, s, d *rawEntry) { s.local.needs = 63 }, index.RuleArchiveFormat, "version 6.3"},
	"checksum":                     {func(z *rawZip, s, d *rawEntry) { s.local.crc++ }, index.RuleArchiveAmbiguous, "checksum"},
	"no local checksum":            {func(z *rawZip, s, d *rawEntry) { s.local.crc = 0 }, index.RuleArchiveAmbiguous, "checksum"},
	"both checksums":               {func(z *rawZip, s, d *rawEntry) { s.local.crc++; s.central.crc++ }, index.RuleArchiveFormat, "checksum"},
	"length":                       {func(z *rawZip, s, d *rawEntry) { s.local.size++ }, index.RuleArchiveAmbiguous, "length of 7"},
	"compressed length":            {func(z *rawZip, s, d *rawEntry) { s.local.packed-- }, index.RuleArchiveAmbiguous, "5 compressed bytes"},
	"central length":               {func(z *rawZip, s, d *rawEntry) { d.central.size++; d.descriptor = "" }, index.RuleArchiveAmbiguous, "no data descriptor"},
	"lengths before and after":     {func(z *rawZip, s, d *rawEntry) { d.local.crc, d.local.packed = d.central.crc, 3 }, index.RuleArchiveAmbiguous, "3 compressed bytes"},
	"descriptor's checksum":        {func(z *rawZip, s, d *rawEntry) { d.describe(d.central.crc+1, d.central.packed, d.central.size) }, index.RuleArchiveAmbiguous, "descriptor states the checksum"},
	"descriptor's length":          {func(z *rawZip, s, d *rawEntry) { d.describe(d.central.crc, d.central.packed, d.central.size+1) }, index.RuleArchiveAmbiguous, "descriptor states a length"},
	"descriptor's data":            {func(z *rawZip, s, d *rawEntry) { d.describe(d.central.crc, d.central.packed+1, d.central.size) }, index.RuleArchiveAmbiguous, "descriptor states"},
	"no descriptor":                {func(z *rawZip, s, d *rawEntry) { d.descriptor = "" }, index.RuleArchiveAmbiguous, "no data descriptor"},
	"descriptor without signature": {func(z *rawZip, s, d *rawEntry) { d.descriptor = d.descriptor[4:] }, index.RuleArchiveAmbiguous, "no data descriptor"},
	"descriptor of 64 bits": {func(z *rawZip, s, d *rawEntry) {
		d.descriptor = signatureDescriptor + string(words(d.central.crc, d.central.packed, 0, d.central.size, 0))
	}, index.RuleArchiveAmbiguous, "descriptor states a length"},
	"descriptor nobody announced": {func(z *rawZip, s, d *rawEntry) {
		s.descriptor = signatureDescriptor + string(words(s.central.crc, s.central.packed, s.central.size))
	}, index.RuleArchiveAmbiguous, "16 bytes lie before it"},
	"stored descriptor inside": {func(z *rawZip, s, d *rawEntry) {
		s.late("abc" + signatureDescriptor + "def")
	}, index.RuleArchiveAmbiguous, "looks like the end of an entry"},
	"stored header inside": {func(z *rawZip, s, d *rawEntry) { s.late("abc" + signatureLocal + "def") }, index.RuleArchiveAmbiguous, "looks like the end of an entry"},
	"deflated end inside": {func(z *rawZip, s, d *rawEntry) {
		// A block that is stored within the deflate stream.
		d.deflateStored("abc" + signatureDescriptor + "123412341234" + signatureLocal + "def")
	}, index.RuleArchiveAmbiguous, "looks like the end of an entry"},
	"more after the deflate stream": {func(z *rawZip, s, d *rawEntry) {
		d.data += "more"
		d.local.flags, d.central.flags, d.descriptor = 0, 0, ""
		d.central.packed += 4
		d.local.crc, d.local.packed, d.local.size = d.central.crc, d.central.packed, d.central.size
	}, index.RuleArchiveAmbiguous, "4 bytes of its data follow the end of its deflate stream"},
	"Unicode path": {func(z *rawZip, s, d *rawEntry) {
		s.central.extra = field(0x7075, "\x01\x00\x00\x00\x00p-1.0.0/manifest.yml")
	}, index.RuleArchiveAmbiguous, "extra field 0x7075"},
	"local Unicode path": {func(z *rawZip, s, d *rawEntry) {
		s.local.extra = field(0x7075, "\x01\x00\x00\x00\x00p-1.0.0/manifest.yml")
	}, index.RuleArchiveAmbiguous, "extra field 0x7075"},
	"Unicode path later":        {func(z *rawZip, s, d *rawEntry) { s.central.extra = field(0x5455, "\x00") + field(0x7075, "x") }, index.RuleArchiveAmbiguous, "extra field 0x7075"},
	"zip64 field":               {func(z *rawZip, s, d *rawEntry) { s.central.extra = field(1, strings.Repeat("\x00", 16)) }, index.RuleArchiveFormat, "zip64"},
	"local zip64 field":         {func(z *rawZip, s, d *rawEntry) { s.local.extra = field(1, strings.Repeat("\x00", 16)) }, index.RuleArchiveFormat, "zip64"},
	"encryption field":          {func(z *rawZip, s, d *rawEntry) { s.central.extra = field(0x9901, "1234567") }, index.RuleArchiveAmbiguous, "extra field 0x9901"},
	"field with a link":         {func(z *rawZip, s, d *rawEntry) { s.local.extra = field(0x756e, "12345678901234") }, index.RuleArchiveAmbiguous, "extra field 0x756e"},
	"field with attributes":     {func(z *rawZip, s, d *rawEntry) { s.local.extra = field(0x6c78, "\x01") }, index.RuleArchiveAmbiguous, "extra field 0x6c78"},
	"field cut off":             {func(z *rawZip, s, d *rawEntry) { s.central.extra = field(0x5455, "12345")[:6] }, index.RuleArchiveAmbiguous, "cut off"},
	"field of three bytes":      {func(z *rawZip, s, d *rawEntry) { s.local.extra = "UTx" }, index.RuleArchiveAmbiguous, "cut off"},
	"symbolic link":             {func(z *rawZip, s, d *rawEntry) { s.external = 0o120777 << 16 }, index.RuleSymlink, "symbolic link"},
	"symbolic link made by DOS": {func(z *rawZip, s, d *rawEntry) { s.external, s.madeBy = 0o120777<<16, 20 }, index.RuleSymlink, "symbolic link"},
	"directory of DOS":          {func(z *rawZip, s, d *rawEntry) { s.external |= dosDirectory }, index.RuleIrregularFile, "not a regular file"},
	"label of DOS":              {func(z *rawZip, s, d *rawEntry) { s.external |= dosLabel }, index.RuleIrregularFile, "not a regular file"},
	"directory by its mode":     {func(z *rawZip, s, d *rawEntry) { s.external = 0o040755 << 16 }, index.RuleIrregularFile, "not a regular file"},
	"entry not listed":          {func(z *rawZip, s, d *rawEntry) { s.absent = true }, index.RuleArchiveAmbiguous, "before the first entry"},
	"last entry not listed":     {func(z *rawZip, s, d *rawEntry) { d.absent = true }, index.RuleArchiveAmbiguous, "between the last entry and the central directory"},
	"entry listed twice": {func(z *rawZip, s, d *rawEntry) {
		z.entries = append(z.entries, s)
	}, index.RulePathDuplicate, "twice"},
	"bytes before": {func(z *rawZip, s, d *rawEntry) { s.before = "#!/bin/sh\n" }, index.RuleArchiveAmbiguous, "before the first entry"},
	"bytes before, offsets relative": {func(z *rawZip, s, d *rawEntry) {
		s.before, s.offset, d.offset, z.offset = "MZ", -2, -2, -2
	}, index.RuleArchiveAmbiguous, "2 bytes are before the archive"},
	"mark of several disks":  {func(z *rawZip, s, d *rawEntry) { s.before = signatureDescriptor }, index.RuleArchiveAmbiguous, "4 bytes lie before the first entry"},
	"bytes between":          {func(z *rawZip, s, d *rawEntry) { d.before = "x" }, index.RuleArchiveAmbiguous, "1 bytes lie before it"},
	"entry between":          {func(z *rawZip, s, d *rawEntry) { d.before = string((&rawZip{entries: []*rawEntry{s}}).bytes()[:60]) }, index.RuleArchiveAmbiguous, "lie before it"},
	"bytes before directory": {func(z *rawZip, s, d *rawEntry) { z.beforeDirectory = "xyz" }, index.RuleArchiveAmbiguous, "3 bytes lie between the last entry and the central directory"},
	"bytes after directory":  {func(z *rawZip, s, d *rawEntry) { z.afterDirectory = "xyz" }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"signature of the directory": {func(z *rawZip, s, d *rawEntry) {
		z.afterDirectory, z.length = "PK\x05\x05\x00\x00", 6
	}, index.RuleArchiveAmbiguous, "6 bytes lie between the last entry of the central directory"},
	"bytes after":               {func(z *rawZip, s, d *rawEntry) { z.after = "x" }, index.RuleArchiveAmbiguous, "1 bytes follow the end record"},
	"many bytes after":          {func(z *rawZip, s, d *rawEntry) { z.after = strings.Repeat("x", 70_000) }, index.RuleArchiveFormat, "no end record"},
	"another end record after":  {func(z *rawZip, s, d *rawEntry) { z.after = string((&rawZip{}).bytes()) }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"another archive after":     {func(z *rawZip, s, d *rawEntry) { z.after = string(z.bytes()) }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"an archive in the comment": {func(z *rawZip, s, d *rawEntry) { z.comment = string(z.bytes()) }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"comment cut off":           {func(z *rawZip, s, d *rawEntry) { z.commentLength = 1 }, index.RuleArchiveFormat, "comment in its end record is cut off"},
	"fewer entries":             {func(z *rawZip, s, d *rawEntry) { z.count, z.countHere = -1, -1 }, index.RuleArchiveAmbiguous, "between the last entry of the central directory"},
	"more entries":              {func(z *rawZip, s, d *rawEntry) { z.count, z.countHere = 1, 1 }, index.RuleArchiveFormat, "fewer entries"},
	"entries per disk":          {func(z *rawZip, s, d *rawEntry) { z.countHere = -1 }, index.RuleArchiveAmbiguous, "1 entries on this disk and 2 in all"},
	"several disks":             {func(z *rawZip, s, d *rawEntry) { z.disk, z.directoryDisk = 1, 1 }, index.RuleArchiveFormat, "several disks"},
	"entry's disk":              {func(z *rawZip, s, d *rawEntry) { s.disk = 1 }, index.RuleArchiveFormat, "disk 1"},
	"directory's offset":        {func(z *rawZip, s, d *rawEntry) { z.offset = -1 }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"directory's offset beyond": {func(z *rawZip, s, d *rawEntry) { z.offset = 1 }, index.RuleArchiveFormat, "its central directory would lie outside of it"},
	"directory's length beyond": {func(z *rawZip, s, d *rawEntry) { z.length = 1 }, index.RuleArchiveFormat, "its central directory would lie outside of it"},
	"local offset beyond":       {func(z *rawZip, s, d *rawEntry) { d.offset = 10_000 }, index.RuleArchiveFormat, "its local header would lie outside of the archive"},
	"no deflate stream":         {func(z *rawZip, s, d *rawEntry) { d.data = strings.Repeat("\xff", len(d.data)) }, index.RuleArchiveFormat, "cannot be inflated to the 72 bytes that its header states: flate: corrupt input"},
	"directory that is a link":  {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/d/"); s.empty(); s.external = 0o120777 << 16 }, index.RuleIrregularFile, "has a name that ends in a slash, but is not a directory"},
	"directory that is a file":  {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/d/"); s.empty() }, index.RuleIrregularFile, "has a name that ends in a slash, but is not a directory"},
	"directory that is a label": {func(z *rawZip, s, d *rawEntry) {
		s.rename("p-1.0.0/d/")
		s.empty()
		s.external = 0o040755<<16 | dosLabel
	}, index.RuleIrregularFile, "has a name that ends in a slash, but is not a directory"},
	"just too new":            {func(z *rawZip, s, d *rawEntry) { s.central.needs = newestVersion + 1 }, index.RuleArchiveFormat, "version 4.6"},
	"just too new locally":    {func(z *rawZip, s, d *rawEntry) { s.local.needs = newestVersion + 1 }, index.RuleArchiveFormat, "version 4.6"},
	"stored directory inside": {func(z *rawZip, s, d *rawEntry) { s.late("abc" + signatureCentral + "def") }, index.RuleArchiveAmbiguous, "looks like the end of an entry"},
	"deflated end of 64 bits inside": {func(z *rawZip, s, d *rawEntry) {
		d.deflateStored("abc" + signatureDescriptor + "12345678901234567890" + signatureCentral)
	}, index.RuleArchiveAmbiguous, "looks like the end of an entry"},
	"descriptor cut off": {func(z *rawZip, s, d *rawEntry) { d.descriptor = d.descriptor[:15] }, index.RuleArchiveAmbiguous, "no data descriptor"},
	"directory's length": {func(z *rawZip, s, d *rawEntry) { z.length = -1 }, index.RuleArchiveAmbiguous, "not where the end record states"},
	"zip64 locator": {func(z *rawZip, s, d *rawEntry) {
		d.comment = signatureLocator64 + strings.Repeat("\x00", 16)
	}, index.RuleArchiveFormat, "zip64"},
	"zip64 count":        {func(z *rawZip, s, d *rawEntry) { z.count, z.countHere = 0xffff-2, 0xffff-2 }, index.RuleArchiveFormat, "zip64"},
	"local offset":       {func(z *rawZip, s, d *rawEntry) { d.offset = 1 }, index.RuleArchiveAmbiguous, "1 bytes lie before it"},
	"file and directory": {func(z *rawZip, s, d *rawEntry) { s.rename("p-1.0.0/b.txt/"); s.empty(); s.external = 0 }, index.RulePathDuplicate, "is a file, and also a directory"},
}

func (e *rawEntry) rename(name string) { e.local.name, e.central.name = name, name }

func (e *rawEntry) flag(bits uint16) {
	e.local.flags |= bits
	e.central.flags |= bits
}

func (e *rawEntry) describe(crc, packed, size uint32) {
	e.descriptor = signatureDescriptor + string(words(crc, packed, size))
}

// fill gives an entry its data, and lengths and checksum that fit.
func (e *rawEntry) fill(content, data string) {
	e.data = data
	e.central.crc, e.central.packed, e.central.size = crc32.ChecksumIEEE([]byte(content)), uint32(len(data)), uint32(len(content))
	e.local.crc, e.local.packed, e.local.size = e.central.crc, e.central.packed, e.central.size
}

func (e *rawEntry) empty() { e.fill("", "") }

// late stores content with its lengths after it.
func (e *rawEntry) late(content string) {
	e.fill(content, content)
	e.flag(flagDescriptor)
	e.local.crc, e.local.packed, e.local.size = 0, 0, 0
	e.describe(e.central.crc, e.central.packed, e.central.size)
}

// deflateStored makes a deflate stream of one stored block (RFC 1951, 3.2.4).
func (e *rawEntry) deflateStored(content string) {
	e.fill(content, "\x01"+string(halves(nil, uint16(len(content)), ^uint16(len(content))))+content)
	e.local.crc, e.local.packed, e.local.size = 0, 0, 0
	e.describe(e.central.crc, e.central.packed, e.central.size)
}

// TestDisagreements: an archive in which readers would find different things is
// refused, by a rule and with the reason.
func TestDisagreements(t *testing.T) {
	if _, found := openArchive("p", "1.0.0", twoEntries(t).bytes(), index.Limits{}); len(found.Errors) > 0 {
		t.Fatalf("the archive that is changed below is refused itself: %v", found.Errors)
	}
	if len(disagreements) < 40 {
		t.Errorf("only %d kinds", len(disagreements))
	}
	for name, test := range disagreements {
		t.Run(name, func(t *testing.T) {
			z := twoEntries(t)
			test.change(z, z.entries[0], z.entries[1])
			_, found := openArchive("p", "1.0.0", z.bytes(), index.Limits{})
			if len(found.Errors) == 0 {
				t.Fatal("is accepted")
			}
			if p := found.Errors[0]; p.Rule != test.rule || !strings.Contains(p.Detail, test.want) {
				t.Errorf("the finding is\n\t%s\nwant [%s] with %q", p, test.rule, test.want)
			}
		})
	}
}

// TestAgreements: what says nothing by which readers would differ is accepted, up to the
// bounds, and a file is what its attributes say.
func TestAgreements(t *testing.T) {
	chance := signatureDescriptor + "123412341234abcd" + signatureLocal // no header where one would be
	for name, c := range map[string]struct {
		change func(z *rawZip, stored, deflated *rawEntry)
		mode   index.Mode
	}{
		"as it is":             {func(z *rawZip, s, d *rawEntry) {}, index.Regular},
		"how hard it tried":    {func(z *rawZip, s, d *rawEntry) { d.flag(flagLevel) }, index.Regular},
		"UTF-8":                {func(z *rawZip, s, d *rawEntry) { d.rename("p-1.0.0/é"); d.flag(flagUTF8) }, index.Regular},
		"the newest version":   {func(z *rawZip, s, d *rawEntry) { s.local.needs, s.central.needs = newestVersion, newestVersion }, index.Regular},
		"lengths on both ends": {func(z *rawZip, s, d *rawEntry) { d.local = d.central }, index.Regular},
		"some on both ends":    {func(z *rawZip, s, d *rawEntry) { d.local.crc = d.central.crc }, index.Regular},
		"stored, lengths late": {func(z *rawZip, s, d *rawEntry) { s.late("stored") }, index.Regular},
		"a comment":            {func(z *rawZip, s, d *rawEntry) { z.comment, s.comment = "of all", "of one" }, index.Regular},
		"the longest comment":  {func(z *rawZip, s, d *rawEntry) { z.comment = strings.Repeat("x", 0xffff) }, index.Regular},
		"harmless fields": {func(z *rawZip, s, d *rawEntry) {
			for id := range harmlessExtras {
				s.local.extra += field(id, "")
				s.central.extra += field(id, "12345678")
			}
		}, index.Regular},
		"a header's signature in the data":      {func(z *rawZip, s, d *rawEntry) { d.deflateStored("abc" + signatureLocal + signatureCentral) }, index.Regular},
		"a descriptor's signature in the data":  {func(z *rawZip, s, d *rawEntry) { d.deflateStored(chance) }, index.Regular},
		"a descriptor's signature at its end":   {func(z *rawZip, s, d *rawEntry) { d.deflateStored(signatureDescriptor + "123412341234PK\x03") }, index.Regular},
		"signatures with lengths ahead":         {func(z *rawZip, s, d *rawEntry) { s.fill(chance, chance) }, index.Regular},
		"can be run":                            {func(z *rawZip, s, d *rawEntry) { s.external = 0o100744 << 16 }, index.Executable},
		"can be run on macOS":                   {func(z *rawZip, s, d *rawEntry) { s.external, s.madeBy = 0o100744<<16, 19<<8 }, index.Executable},
		"can be run by others":                  {func(z *rawZip, s, d *rawEntry) { s.external = 0o100655 << 16 }, index.Regular},
		"made elsewhere":                        {func(z *rawZip, s, d *rawEntry) { s.external, s.madeBy = 0o100744<<16, 20 }, index.Regular},
		"without a type":                        {func(z *rawZip, s, d *rawEntry) { s.external = 0o755 << 16 }, index.Executable},
		"archived, hidden and read-only in DOS": {func(z *rawZip, s, d *rawEntry) { s.external |= 0x27 }, index.Regular},
		"a directory": {func(z *rawZip, s, d *rawEntry) {
			dir := raw(t, "dir/", "", false)
			dir.external = 0o040755<<16 | dosDirectory
			z.entries = append(z.entries, dir)
		}, index.Regular},
		"a directory without attributes": {func(z *rawZip, s, d *rawEntry) {
			dir := raw(t, "dir/", "", false)
			dir.external = 0
			z.entries = append(z.entries, dir)
		}, index.Regular},
	} {
		z := twoEntries(t)
		c.change(z, z.entries[0], z.entries[1])
		a, found := openArchive("p", "1.0.0", z.bytes(), index.Limits{})
		if len(found.Errors) > 0 {
			t.Errorf("%s: %v", name, found.Errors)
			continue
		}
		if files := a.Files(); len(files) != 2 || files[0].Path != "aa/aa/x.txt" || files[0].Mode != c.mode || files[1].Mode != index.Regular {
			t.Errorf("%s: %+v", name, files)
		}
	}
}
