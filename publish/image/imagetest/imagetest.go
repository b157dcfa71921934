// Package imagetest unpacks images as a container engine does, and makes programs
// that are not real, for tests.
package imagetest

import (
	"archive/tar"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Unpack writes the layers of an image into a folder, one over the other. A path
// that leads out of it, anything but folders and files, another owner than root
// or another time than 1970 is an error.
func Unpack(img v1.Image, root string) error {
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			return err
		}
		if err := errors.Join(unpack(tar.NewReader(r), root), r.Close()); err != nil {
			return err
		}
	}
	return nil
}

func unpack(r *tar.Reader, root string) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if name := strings.TrimSuffix(h.Name, "/"); !filepath.IsLocal(name) || path.Clean(name) != name {
			return fmt.Errorf("a layer has the path %q", h.Name)
		}
		if h.Uid != 0 || h.Gid != 0 || h.ModTime.Unix() != 0 {
			return fmt.Errorf("%s: owner %d:%d, time %s: want root and 1970", h.Name, h.Uid, h.Gid, h.ModTime)
		}
		target := filepath.Join(root, filepath.FromSlash(h.Name))
		switch h.Typeflag {
		case tar.TypeDir:
			err = os.MkdirAll(target, h.FileInfo().Mode().Perm())
		case tar.TypeReg:
			err = writeFile(target, r, h.FileInfo().Mode().Perm())
		default:
			err = fmt.Errorf("%s: a layer has an entry of type %q", h.Name, h.Typeflag)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(name string, r io.Reader, mode os.FileMode) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

// Machines of ELF headers (System V ABI, e_machine).
const (
	AMD64 = 62
	ARM64 = 183
)

// ELF is the header of a program for Linux that is linked statically and does
// nothing: 64 bytes of the System V ABI, "ELF header", for 64 bits,
// little-endian. With a name it says that it needs that file to run.
func ELF(machine uint16, interpreter string) []byte {
	b := append([]byte("\x7fELF\x02\x01\x01"), make([]byte, 57)...)
	le := binary.LittleEndian
	le.PutUint16(b[16:], 2) // e_type: a program
	le.PutUint16(b[18:], machine)
	le.PutUint32(b[20:], 1)  // e_version
	le.PutUint16(b[52:], 64) // e_ehsize
	le.PutUint16(b[58:], 64) // e_shentsize
	if interpreter != "" {
		le.PutUint64(b[32:], 64) // e_phoff
		le.PutUint16(b[54:], 56) // e_phentsize
		le.PutUint16(b[56:], 1)  // e_phnum
		header := make([]byte, 56)
		le.PutUint32(header, 3)       // p_type: the interpreter
		le.PutUint64(header[8:], 120) // p_offset
		le.PutUint64(header[32:], uint64(len(interpreter)))
		b = append(append(b, header...), interpreter...)
	}
	return b
}
