package image

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/klauspost/compress/gzip"
)

// layer is a compressed layer in a file.
type layer struct {
	file   string
	digest v1.Hash // of the file
	diff   v1.Hash // of the tar archive in it
	size   int64
	what   string // for the image's history
}

func (l *layer) Digest() (v1.Hash, error)             { return l.digest, nil }
func (l *layer) DiffID() (v1.Hash, error)             { return l.diff, nil }
func (l *layer) Size() (int64, error)                 { return l.size, nil }
func (l *layer) MediaType() (types.MediaType, error)  { return types.OCILayer, nil }
func (l *layer) Compressed() (io.ReadCloser, error)   { return os.Open(l.file) }
func (l *layer) Uncompressed() (io.ReadCloser, error) { return openGzip(l.file) }

// openGzip reads what a gzip file has in it.
func openGzip(name string) (io.ReadCloser, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return inflated{z, f}, nil
}

type inflated struct {
	io.Reader
	io.Closer
}

// layerFile is a file of a layer.
type layerFile struct {
	path string // in the image, without a slash at its beginning
	from string // on this machine
	mode int64
}

// How much effort is put into compressing a layer. What is deflated already does
// not shrink; the little around it does.
const (
	packLevel  = gzip.BestSpeed
	otherLevel = gzip.BestCompression
)

// writeLayer writes files, and the folders that they are in, into a layer. All
// that is not content is fixed: owner root, times 1970, order as given.
func writeLayer(dir, what string, level int, files ...layerFile) (_ *layer, err error) {
	f, err := os.CreateTemp(dir, "layer-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	compressed, plain := sha256.New(), sha256.New()
	z, err := gzip.NewWriterLevel(io.MultiWriter(f, compressed), level)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(io.MultiWriter(z, plain))
	made := map[string]bool{".": true}
	for _, each := range files {
		if err := writeFolders(w, path.Dir(each.path), made); err != nil {
			return nil, err
		}
		if err := writeFile(w, each); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return &layer{file: f.Name(), size: info.Size(), what: what,
		digest: hashOf(compressed.Sum(nil)), diff: hashOf(plain.Sum(nil))}, nil
}

func hashOf(sum []byte) v1.Hash {
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum)}
}

// writeFolders adds a folder and those above it, unless they are there.
func writeFolders(w *tar.Writer, folder string, made map[string]bool) error {
	if made[folder] {
		return nil
	}
	if err := writeFolders(w, path.Dir(folder), made); err != nil {
		return err
	}
	made[folder] = true
	return w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder + "/", Mode: 0o755, ModTime: time.Unix(0, 0), Format: tar.FormatPAX})
}

func writeFile(w *tar.Writer, file layerFile) error {
	f, err := os.Open(filepath.Clean(file.from))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	err = w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: file.path, Size: info.Size(), Mode: file.mode, ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, f)
	return err
}
