package index

// Tree is the content of one package, ready to be parsed. Files are ordered as
// a lexical walk meets them and passed CheckFiles.
type Tree interface {
	Files() []File
	// Read returns the content of a file; the slice must not be changed.
	// A path that is not among Files is fs.ErrNotExist.
	Read(path string) ([]byte, error)
}
