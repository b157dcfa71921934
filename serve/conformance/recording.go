// Package conformance compares a live registry with answers that were recorded
// from the reference implementation.
//
// A recording is a zip archive with responses.jsonl, an answer a line, and the
// bodies by their SHA-256 in bodies/. Not compared are the icon, the bodies of
// redirects, and which of several bad parameters an error names.
package conformance

import (
	"archive/zip"
	"bufio"
	"encoding/json"
	"fmt"
	"io"
)

// Recording is what a registry answered.
type Recording struct {
	Answers []Answer
	archive *zip.ReadCloser
}

// Answer is one recorded answer.
type Answer struct {
	Method       string   `json:"method"`
	Path         string   `json:"path"` // with the query, as it was sent
	Status       int      `json:"status"`
	ContentType  string   `json:"content_type"`
	CacheControl []string `json:"cache_control"` // a header line each
	Location     string   `json:"location"`
	Length       int64    `json:"length"`
	SHA256       string   `json:"body_sha256"`
	// Entries are set instead of Length and SHA256 for an archive.
	Entries []Entry `json:"entries"`
}

// Entry is one entry of an archive.
type Entry struct {
	Name  string
	Size  uint64
	CRC32 string // 8 hexadecimal digits
}

// UnmarshalJSON reads [name, size, crc32].
func (e *Entry) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&e.Name, &e.Size, &e.CRC32})
}

// maxLine is the longest line of responses.jsonl, in bytes: an archive of
// thousands of entries is one.
const maxLine = 64 << 20

// Open reads the answers of a recording. Close ends the access to their bodies.
func Open(file string) (*Recording, error) {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return nil, fmt.Errorf("recording: %w", err)
	}
	r := &Recording{archive: archive}
	if err := r.read(); err != nil {
		archive.Close()
		return nil, fmt.Errorf("recording %s: %w", file, err)
	}
	return r, nil
}

// Close closes the archive.
func (r *Recording) Close() error { return r.archive.Close() }

func (r *Recording) read() error {
	f, err := r.archive.Open("responses.jsonl")
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var a Answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			return fmt.Errorf("responses.jsonl, line %d: %w", len(r.Answers)+1, err)
		}
		r.Answers = append(r.Answers, a)
	}
	if len(r.Answers) == 0 && lines.Err() == nil {
		return fmt.Errorf("responses.jsonl is empty")
	}
	return lines.Err()
}

// body is the recorded body of an answer.
func (r *Recording) body(a Answer) ([]byte, error) {
	f, err := r.archive.Open("bodies/" + a.SHA256)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}
