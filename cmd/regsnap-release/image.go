package main

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"

	"github.com/regsnap/regsnap/publish/image"
)

// image makes the container image of the program alone, for all its platforms, as
// an OCI image layout in a tar archive.
func (r *release) image(ctx context.Context, programs []built) (err error) {
	o := image.ToolOptions{Version: r.version, Time: r.time, Roots: roots()}
	for _, b := range programs {
		o.Programs = append(o.Programs, image.Program{Arch: b.arch, Path: b.path})
	}
	made, err := image.MakeTool(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, made.Close()) }()
	folder := filepath.Join(r.work, "image")
	if _, err := made.WriteLayout(ctx, folder); err != nil {
		return err
	}
	var files []file
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		// What begins with a dot is a note of the writer of the folder.
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files = append(files, file{name: filepath.ToSlash(name), from: path, mode: os.FileMode(0o644)})
		return err
	})
	if err != nil {
		return err
	}
	return r.write("regsnap_"+r.number()+"_image.tar", func(w io.Writer) error { return r.tar(w, files) })
}

// roots are the certificates that the program trusts in an image, where no system
// brings any: a pinned list, so that every machine makes the same image. Those that
// are trusted under conditions are left out, because a file cannot say them.
func roots() []byte {
	var b bytes.Buffer
	for r := range bundle.Roots() {
		if r.Constraint == nil {
			b.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate}))
		}
	}
	return b.Bytes()
}
