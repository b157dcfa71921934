package parse

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/testtools"
)

// testPackage is a folder with a package of files of many lengths and kinds.
func testPackage(t *testing.T) (folder string) {
	folder = t.TempDir()
	random := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 100_000)
	for i := range noise {
		noise[i] = byte(random.Uint32())
	}
	for name, content := range map[string]string{
		"manifest.yml": "name: p\n", "empty": "", "docs/README.md": strings.Repeat("# text\n", 5000),
		"img/noise.png": string(noise), "docs/ünïcode ☃.md": "x", "a/b/c/d.json": "{}", "a.b": "PK",
	} {
		file := filepath.Join(folder, "p-1.0.0", name)
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// run runs a program and returns what it prints.
func run(t *testing.T, dir string, tool testtools.Place, stdin []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(tool.Program, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, append(append(os.Environ(), "LC_ALL=C.UTF-8"), tool.Env...), bytes.NewReader(stdin)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %v: %v: %s", tool.Program, args, err, said.String())
	}
	return out.Bytes()
}

// node runs a script that may load yauzl and yazl.
func node(t *testing.T, dir, script string, args ...string) []byte {
	t.Helper()
	program, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	modules := filepath.Join(testtools.ZipModules.Need(t).Root, "node_modules")
	place := testtools.Place{Program: program, Env: []string{"NODE_PATH=" + modules}}
	return run(t, dir, place, nil, append([]string{"-e", script, "--"}, args...)...)
}

const yazlScript = `
const yazl = require("yazl"), fs = require("fs"), path = require("path");
const z = new yazl.ZipFile(), stream = process.argv[1] === "stream";
for (const d of fs.readdirSync("p-1.0.0", {recursive: true, withFileTypes: true}).sort((a, b) => a.name < b.name ? -1 : 1)) {
  const file = path.join(d.parentPath, d.name);
  if (d.isDirectory()) z.addEmptyDirectory(file);
  else if (stream) z.addReadStream(fs.createReadStream(file), file, {compress: !file.endsWith(".png")});
  else z.addFile(file, file);
}
z.end();
z.outputStream.pipe(process.stdout);`

// goArchive makes an archive with Go's writer, which puts lengths after data.
func goArchive(t *testing.T, folder string, method uint16) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := fs.WalkDir(os.DirFS(folder), "p-1.0.0", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: name, Method: method}
		h.SetMode(0o644) // else Info-ZIP takes the name for one of DOS, whatever the flag says
		to, err := w.CreateHeader(h)
		if err == nil {
			_, err = to.Write(content)
		}
		return err
	})
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// streamed reads an archive from its start, as a reader of a pipe does: headers,
// deflate streams and descriptors, never the central directory.
func streamed(content []byte) (map[string]string, error) {
	files := map[string]string{}
	for bytes.HasPrefix(content, []byte(signatureLocal)) {
		h := content[:lengthLocal]
		u16 := func(at int) int { return int(binary.LittleEndian.Uint16(h[at:])) }
		name := string(content[lengthLocal:][:u16(26)])
		content = content[lengthLocal+u16(26)+u16(28):]
		packed := int(binary.LittleEndian.Uint32(h[18:]))
		late := u16(6)&flagDescriptor != 0
		var data []byte
		switch {
		case u16(8) == methodDeflate:
			r := bytes.NewReader(content)
			var err error
			if data, err = io.ReadAll(flate.NewReader(r)); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			content = content[len(content)-r.Len():]
		case late && packed == 0:
			packed = bytes.Index(content, []byte(signatureDescriptor))
			fallthrough
		default:
			data, content = content[:packed], content[packed:]
		}
		if late {
			content = content[lengthDescriptor:]
		}
		if !strings.HasSuffix(name, "/") {
			files[name] = sum(data)
		}
	}
	if !bytes.HasPrefix(content, []byte(signatureCentral)) {
		return nil, fmt.Errorf("%.20q follows the last entry", content)
	}
	return files, nil
}

func sum(content []byte) string { return fmt.Sprintf("%x", sha256.Sum256(content)) }

// unpacked is what a program left in a folder.
func unpacked(t *testing.T, folder string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(folder, name))
		files[name] = sum(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

const yauzlScript = `
const yauzl = require("yauzl"), crypto = require("crypto");
yauzl.open(process.argv[1], {lazyEntries: true, strictFileNames: true}, (err, z) => {
  if (err) throw err;
  z.on("entry", e => {
    if (e.fileName.endsWith("/")) return z.readEntry();
    z.openReadStream(e, (err, s) => {
      if (err) throw err;
      const h = crypto.createHash("sha256");
      s.on("data", d => h.update(d)).on("end", () => { console.log(h.digest("hex") + " " + e.fileName); z.readEntry(); });
    });
  });
  z.readEntry();
});`

// readers are programs and libraries that people read archives with.
var readers = map[string]func(t *testing.T, file string, content []byte) map[string]string{
	"archive/zip": func(t *testing.T, _ string, content []byte) map[string]string {
		r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		for _, f := range r.File {
			rc, err := f.Open()
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(rc)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(f.Name, "/") {
				files[f.Name] = sum(data)
			}
		}
		return files
	},
	"stream": func(t *testing.T, _ string, content []byte) map[string]string {
		files, err := streamed(content)
		if err != nil {
			t.Fatal(err)
		}
		return files
	},
	"yauzl": func(t *testing.T, file string, _ []byte) map[string]string {
		files := map[string]string{}
		for line := range strings.Lines(string(node(t, t.TempDir(), yauzlScript, file))) {
			digest, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			files[name] = digest
		}
		return files
	},
	"Info-ZIP": func(t *testing.T, file string, _ []byte) map[string]string {
		dir := t.TempDir()
		run(t, dir, testtools.Unzip.Need(t), nil, "-q", file)
		return unpacked(t, dir)
	},
	"bsdtar, from a pipe": func(t *testing.T, _ string, content []byte) map[string]string {
		dir := t.TempDir()
		run(t, dir, testtools.BSDTar.Need(t), content, "-xf", "-")
		return unpacked(t, dir)
	},
}

// TestReadersAgree: what ordinary programs write is accepted, and every reader
// finds the same in it as we do.
func TestReadersAgree(t *testing.T) {
	folder := testPackage(t)
	want := unpacked(t, folder)
	file := filepath.Join(t.TempDir(), "out.zip")
	// Info-ZIP's zip and bsdtar leave out the flag of UTF-8, or add a field with
	// another name, unless the locale is right.
	zipped := func(tool testtools.Place, args ...string) []byte {
		run(t, folder, tool, nil, args...)
		content, err := os.ReadFile(file)
		if err == nil {
			err = os.Remove(file)
		}
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	for name, content := range map[string][]byte{
		"Go, deflated":         goArchive(t, folder, zip.Deflate),
		"Go, stored":           goArchive(t, folder, zip.Store),
		"Info-ZIP, no extras":  zipped(testtools.Zip.Need(t), "-q", "-r", "-X", file, "p-1.0.0", "-x", "*code*"),
		"Info-ZIP":             zipped(testtools.Zip.Need(t), "-q", "-r", file, "p-1.0.0", "-x", "*code*"),
		"Info-ZIP, to a pipe":  run(t, folder, testtools.Zip.Need(t), nil, "-q", "-r", "-", "p-1.0.0", "-x", "*code*"),
		"yazl":                 node(t, folder, yazlScript),
		"yazl, from streams":   node(t, folder, yazlScript, "stream"),
		"bsdtar":               zipped(testtools.BSDTar.Need(t), "--format", "zip", "-cf", file, "p-1.0.0"),
		"made in the test":     nil,
		"made, lengths before": nil,
	} {
		t.Run(name, func(t *testing.T) {
			want := maps.Clone(want)
			if strings.HasPrefix(name, "Info-ZIP") {
				maps.DeleteFunc(want, func(name, _ string) bool { return strings.Contains(name, "code") })
			}
			if content == nil {
				z := twoEntries(t)
				if name == "made, lengths before" {
					d := z.entries[1]
					d.local.crc, d.local.packed, d.local.size = d.central.crc, d.central.packed, d.central.size
				}
				content = z.bytes()
				want = map[string]string{"p-1.0.0/aa/aa/x.txt": sum([]byte("stored")), "p-1.0.0/b.txt": sum([]byte(strings.Repeat("deflated", 9)))}
			}
			archive, found := openArchive("p", "1.0.0", content, index.Limits{})
			if len(found.Errors) > 0 {
				t.Fatalf("refused: %v", found.Errors)
			}
			file := filepath.Join(t.TempDir(), "a.zip")
			if err := os.WriteFile(file, content, 0o666); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for _, f := range archive.Files() {
				content, err := archive.Read(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				got["p-1.0.0/"+f.Path] = sum(content)
			}
			if !maps.Equal(got, want) {
				t.Errorf("the archive holds\n%v\nwant\n%v", got, want)
			}
			for reader, read := range readers {
				if got := read(t, file, content); !maps.Equal(got, want) {
					t.Errorf("%s finds\n%v\nwant\n%v", reader, got, want)
				}
			}
		})
	}
}
