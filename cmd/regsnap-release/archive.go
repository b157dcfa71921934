package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
)

// file is a file of an archive.
type file struct {
	name string // in the archive, with slashes
	from string // on this machine; empty: text is its content
	text []byte
	mode os.FileMode
}

func (f file) open() (io.ReadCloser, int64, error) {
	if f.from == "" {
		return io.NopCloser(newReader(f.text)), int64(len(f.text)), nil
	}
	r, err := os.Open(f.from)
	if err != nil {
		return nil, 0, err
	}
	info, err := r.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, r.Close())
	}
	return r, info.Size(), nil
}

// archive packs a program with all that belongs to it: a zip for Windows, a
// compressed tar archive for the others.
func (r *release) archive(b built, shared []file) error {
	name := "regsnap_" + r.number() + "_" + b.os + "_" + b.arch
	files := []file{{name: path.Join(name, b.program()), from: b.path, mode: 0o755}}
	for _, f := range shared {
		f.name = path.Join(name, f.name)
		files = append(files, f)
	}
	if b.os == "windows" {
		return r.write(name+".zip", func(w io.Writer) error { return r.zip(w, files) })
	}
	return r.write(name+".tar.gz", func(w io.Writer) error {
		z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
		if err != nil {
			return err
		}
		return errors.Join(r.tar(z, files), z.Close())
	})
}

// write makes a file of the release.
func (r *release) write(name string, content func(io.Writer) error) error {
	f, err := os.Create(r.outFile("%s", name))
	if err != nil {
		return err
	}
	return errors.Join(content(f), f.Close())
}

// tar writes files with nothing of this machine: no owner, and the release's time.
func (r *release) tar(w io.Writer, files []file) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		content, size, err := f.open()
		if err != nil {
			return err
		}
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: size, Mode: int64(f.mode), ModTime: r.time, Uname: "root", Gname: "root", Format: tar.FormatUSTAR}
		err = t.WriteHeader(h)
		if err == nil {
			_, err = io.Copy(t, content)
		}
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return t.Close()
}

func (r *release) zip(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		content, _, err := f.open()
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: r.time}
		h.SetMode(f.mode)
		to, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.Copy(to, content)
		}
		if err := errors.Join(err, content.Close()); err != nil {
			return err
		}
	}
	return z.Close()
}
