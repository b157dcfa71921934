package build

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/regsnap/regsnap/build/catalog"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout"
)

// RenderVersion changes whenever the same commits would be written as another
// snapshot. It is part of every manifest.
const RenderVersion = 4

// packageRender is the render version since which package versions are written as they
// are now: archives, files and their lists, documents, summaries and their blocks. It is
// part of every revision's id.
const packageRender = 3

// SamePackages reports whether snapshots of a render version have package versions as
// this regsnap writes them: then what they say of a revision holds here.
func SamePackages(render int) bool { return packageRender <= render && render <= RenderVersion }

// revisionOf names one content of one package version: by the git id of what it
// is made of, not by reading it, and by who signs it.
func revisionOf(e index.Entry, s Signer) layout.Revision {
	if e.Revision != "" {
		return layout.Revision{Name: e.Name, Version: e.Version, ID: e.Revision}
	}
	kind, id := "tree", e.Tree
	if e.IsArchive() {
		kind, id = "archive", e.Archive
	}
	signature := ""
	if !e.Signature.IsZero() {
		signature = e.Signature.String()
	} else if s != nil {
		signature = "by " + s.Identity()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "regsnap revision\nrender %d\n%s %s\nsignature %s\n", packageRender, kind, id, signature))
	return layout.Revision{Name: e.Name, Version: e.Version, ID: hex.EncodeToString(sum[:10])}
}

// revisionWriter renders package revisions into a store.
type revisionWriter struct {
	loader *parse.Loader
	blobs  *blobCache
	put    *putter
	sign   Signer // nil: no archive is signed
	pages  *pages
}

// write renders one revision: archive and files first, and only once all of
// them are stored contents.json, whose presence says that they are. It returns
// the SHA-256 of contents.json.
func (w *revisionWriter) write(ctx context.Context, l *parse.Loaded) (string, error) {
	rev := revisionOf(l.Entry, w.sign)
	contents, err := w.writeObjects(ctx, rev, l)
	if err != nil {
		return "", fmt.Errorf("%s-%s: %w", rev.Name, rev.Version, err)
	}
	body := contents.Encode()
	sum := sha256Hex(body)
	err = w.put.now(ctx, rev.Contents().With(body).Summed(sum))
	return sum, err
}

func (w *revisionWriter) writeObjects(ctx context.Context, rev layout.Revision, l *parse.Loaded) (*layout.Contents, error) {
	if l.Entry.IsArchive() {
		return w.writeReadyMade(ctx, rev, l)
	}
	release, err := w.loader.Reserve(ctx, 3*sizeOf(l)) // raw, deflated, and in the archive
	if err != nil {
		return nil, err
	}
	defer release()
	blobs, err := w.blobs.pin(ctx, contentsOf(l))
	if err != nil {
		return nil, err
	}
	defer w.blobs.unpin(blobs)
	files := make([]archiveFile, len(l.Files))
	for i, f := range l.Files {
		files[i] = archiveFile{File: f, blob: blobs[f.Blob]}
	}
	archive := archives.Get().(*bytes.Buffer)
	archive.Reset()
	spans, err := writeArchive(archive, rev.Name+"-"+rev.Version, files)
	if err != nil {
		return nil, err
	}
	contents, err := w.store(ctx, rev, archive.Bytes(), files, spans)
	if err == nil { // else a request that was given up may still be reading it
		archives.Put(archive)
	}
	return contents, err
}

// archives are used again: clearing new memory for each, half a gigabyte in
// all, takes longer than filling it.
var archives = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// sizeOf is how long the files of a directory are together.
func sizeOf(l *parse.Loaded) (size int64) {
	for _, f := range l.Files {
		size += f.Size
	}
	return size
}

// store puts every object of a revision but its contents.json, side by side.
func (w *revisionWriter) store(ctx context.Context, rev layout.Revision, archive []byte, files []archiveFile, spans []layout.Deflate) (*layout.Contents, error) {
	g := w.put.group(ctx)
	c, err := w.begin(g, rev, archive, nil, len(files))
	if err != nil {
		return nil, errors.Join(err, g.wait())
	}
	for i, f := range files {
		c.Files[i] = contentsFile(f.Path, f.raw, f.sha256)
		c.Files[i].Place(spans[i], f.deflated != nil)
		if c.Own(&c.Files[i]) {
			g.put(rev.File(c.Files[i]).With(f.raw))
		}
	}
	c.Sort()
	if err := g.wait(); err != nil {
		return c, err
	}
	shown := make([]catalog.File, len(files))
	for i, f := range files {
		shown[i] = catalog.File{Path: f.Path, Size: int64(len(f.raw)), SHA256: f.sha256, Content: f.raw}
	}
	return c, w.pages.render(ctx, rev, c, shown)
}

// begin puts the archive and its signature. An archive without a signature gets
// one, if there is a key to sign with.
func (w *revisionWriter) begin(g *putGroup, rev layout.Revision, archive, signature []byte, files int) (*layout.Contents, error) {
	if signature == nil && w.sign != nil {
		var err error
		if signature, err = w.sign.Sign(archive); err != nil {
			return nil, err
		}
	}
	c := &layout.Contents{
		Format: layout.ContentsFormat, Name: rev.Name, Version: rev.Version,
		Archive: digestOf(archive), Files: make([]layout.ContentsFile, files),
	}
	g.put(rev.Archive().With(archive).Summed(c.Archive.SHA256))
	if signature != nil {
		d := digestOf(signature)
		c.Signature = &d
		g.put(rev.Signature().With(signature).Summed(d.SHA256))
	}
	return c, nil
}

func contentsFile(path string, raw []byte, sha256 string) layout.ContentsFile {
	return layout.ContentsFile{
		Path: path, Size: int64(len(raw)), SHA256: sha256,
		Type: layout.ContentType(path, raw[:min(len(raw), 512)]),
	}
}

func digestOf(body []byte) layout.ObjectDigest {
	return layout.ObjectDigest{Size: int64(len(body)), SHA256: sha256Hex(body)}
}

func sha256Hex(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
