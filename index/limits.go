package index

// What a package may hold when no other limit is set. Real packages stay far
// below: the largest file of a real package storage is a few MB.
const (
	// DefaultFileSize is Limits.FileSize: 100 MiB.
	DefaultFileSize int64 = 100 << 20
	// DefaultFiles is Limits.Files.
	DefaultFiles = 50_000
	// DefaultTotalSize is Limits.TotalSize: 1 GiB.
	DefaultTotalSize int64 = 1 << 30
	// DefaultArchiveSize is Limits.ArchiveSize: 256 MiB.
	DefaultArchiveSize int64 = 256 << 20
	// DefaultRatio is Limits.Ratio. Deflate reaches at most about 1,030;
	// text that is not made to be a bomb stays below 100.
	DefaultRatio int64 = 200
)

// The longest names that a package may hold, in bytes. They are not settings:
// an object store allows 1,024 bytes to a whole key, and 255 to what it keeps
// as one file name.
const (
	// MaxElement is the longest element of a path.
	MaxElement = 220
	// MaxPath is the longest path of a file in its package.
	MaxPath = 900
)

// Limits bound what one package may take. A field that is zero means its default.
type Limits struct {
	// FileSize is the largest size of a file, in bytes.
	FileSize int64
	// Files is the largest number of files.
	Files int
	// TotalSize is the largest sum of the sizes of the files, in bytes.
	TotalSize int64
	// ArchiveSize is the largest size of a ready-made archive, in bytes.
	ArchiveSize int64
	// Ratio is how many bytes one byte of an archive may inflate to, in
	// any entry that is longer than 1 MiB.
	Ratio int64
}

// WithDefaults is the limits with no field left zero.
func (l Limits) WithDefaults() Limits {
	setDefault(&l.FileSize, DefaultFileSize)
	setDefault(&l.Files, DefaultFiles)
	setDefault(&l.TotalSize, DefaultTotalSize)
	setDefault(&l.ArchiveSize, DefaultArchiveSize)
	setDefault(&l.Ratio, DefaultRatio)
	return l
}

func setDefault[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}
