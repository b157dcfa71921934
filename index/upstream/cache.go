package upstream

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/regsnap/regsnap/internal/durable"
	"github.com/regsnap/regsnap/internal/folderlock"
)

// cache is a folder of what was fetched. It is laid out as a folder of branches,
// so that it can be read as a package storage; what else it holds is beside that:
//
//	branch/packages/<name>-<version>.zip(.sig)
//	fetched.jsonl        a line for each file: what the server said of it
//	index.json           what the index of a package storage v2 said last
//	incoming/            files on their way
type cache struct {
	dir    string
	unlock func()

	mu      sync.Mutex
	records map[string]record // by name of file
	log     *os.File
}

// record is a line of fetched.jsonl. Of several about one file the last counts.
type record struct {
	File   string `json:"file"`
	Path   string `json:"path"` // on the server
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
	// Of is that of the offer that it was fetched for.
	Of string `json:"of,omitempty"`
	state
}

const (
	branchFolder  = "branch"
	recordsFile   = "fetched.jsonl"
	indexFile     = "index.json"
	incoming      = "incoming"
	maxRecordLine = 1 << 20
)

// openCache opens a folder, or makes it, for one import at a time. A folder that
// holds something else is not touched.
func openCache(ctx context.Context, dir string) (_ *cache, err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, err
	}
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(filepath.Join(dir, recordsFile)); errors.Is(err, fs.ErrNotExist) && len(found) > 0 {
		return nil, fmt.Errorf("%s is not empty, and is no folder of an import: name another one", dir)
	}
	for _, sub := range []string{incoming, filepath.Join(branchFolder, "packages")} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o777); err != nil {
			return nil, err
		}
	}
	c := &cache{dir: dir, records: map[string]record{}}
	if c.log, err = os.OpenFile(filepath.Join(dir, recordsFile), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666); err != nil {
		return nil, err
	}
	if c.unlock, err = folderlock.Lock(ctx, filepath.Join(dir, "lock"), nil); err != nil {
		return nil, errors.Join(err, c.log.Close())
	}
	if err := c.read(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *cache) close() error {
	err := c.log.Close()
	c.unlock()
	return err
}

// read takes the records that can be read: a line that was cut short, or is not a record
// of ours, costs fetching that file again.
func (c *cache) read() error {
	lines := bufio.NewScanner(c.log)
	lines.Buffer(nil, maxRecordLine)
	for lines.Scan() {
		var r record
		if json.Unmarshal(lines.Bytes(), &r) == nil && r.File != "" {
			c.records[r.File] = r
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	// The next line must not become part of one that was cut short.
	_, err := c.log.WriteString("\n")
	return errors.Join(err, os.RemoveAll(filepath.Join(c.dir, incoming)), os.Mkdir(filepath.Join(c.dir, incoming), 0o777))
}

// file is where a file lies, if it was fetched.
func (c *cache) file(name string) string {
	return filepath.Join(c.dir, branchFolder, "packages", name)
}

// have gives the record of a file that is there as it was fetched from that path.
func (c *cache) have(name, path string) (record, bool) {
	c.mu.Lock()
	r, ok := c.records[name]
	c.mu.Unlock()
	if !ok || r.Path != path {
		return record{}, false
	}
	f, err := os.Open(c.file(name))
	if err != nil {
		return record{}, false
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	if err != nil || n != r.Size || hex.EncodeToString(h.Sum(nil)) != r.SHA256 {
		return record{}, false
	}
	return r, true
}

// keep puts a file that has come into place and notes it.
func (c *cache) keep(name, path, of string, d *download, now state) error {
	if err := durable.Keep(d.file, c.file(name)); err != nil {
		return err
	}
	return c.note(record{File: name, Path: path, Size: d.size, SHA256: hex.EncodeToString(d.hash.Sum(nil)), Of: of, state: now})
}

// note records a file that is there.
func (c *cache) note(r record) error {
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records[r.File] = r
	_, err = c.log.Write(append(line, '\n'))
	return err
}

// index is what was kept of an index; nil if nothing was, or it cannot be read.
func (c *cache) index() *indexed {
	f, err := os.Open(filepath.Join(c.dir, indexFile))
	if err != nil {
		return nil
	}
	defer f.Close()
	i := new(indexed)
	if json.NewDecoder(io.LimitReader(f, defaultIndexSize)).Decode(i) != nil {
		return nil
	}
	for _, o := range i.Offers {
		if o.check() != nil {
			return nil
		}
	}
	return i
}

// keepIndex keeps what an index says for the next import.
func (c *cache) keepIndex(i *indexed) (err error) {
	d, err := c.download()
	if err != nil {
		return err
	}
	if err := json.NewEncoder(d).Encode(i); err != nil {
		return errors.Join(err, d.discard())
	}
	return durable.Keep(d.file, filepath.Join(c.dir, indexFile))
}

// remove takes a file away that the server no longer has.
func (c *cache) remove(name string) error {
	err := os.Remove(c.file(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// download is a file on its way.
type download struct {
	file *os.File
	hash hash.Hash
	size int64
}

func (c *cache) download() (*download, error) {
	f, err := os.CreateTemp(filepath.Join(c.dir, incoming), "*")
	return &download{file: f, hash: sha256.New()}, err
}

func (d *download) Write(p []byte) (int, error) {
	n, err := d.file.Write(p)
	d.hash.Write(p[:n])
	d.size += int64(n)
	return n, err
}

func (d *download) reset() error {
	d.hash.Reset()
	d.size = 0
	_, err := d.file.Seek(0, io.SeekStart)
	return errors.Join(err, d.file.Truncate(0))
}

// discard gives up what was not kept.
func (d *download) discard() error {
	return errors.Join(d.file.Close(), os.Remove(d.file.Name()))
}
