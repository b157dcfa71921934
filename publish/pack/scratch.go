package pack

import (
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"
)

// scratch is a temporary file of all contents that packs will hold, each once. It
// keeps memory free of them: what the packs are made of is only known when
// everything was read.
type scratch struct {
	file *os.File

	mu    sync.Mutex
	end   int64
	known map[id]span
}

// newScratch makes the file in a folder; close removes it.
func newScratch(dir string) (*scratch, error) {
	f, err := os.CreateTemp(dir, "scratch-*")
	if err != nil {
		return nil, err
	}
	return &scratch{file: f, known: map[id]span{}}, nil
}

// add keeps a content that may be there already.
func (s *scratch) add(content []byte) (id, error) {
	key := idOf(content)
	s.mu.Lock()
	_, there := s.known[key]
	s.mu.Unlock()
	if there {
		return key, nil
	}
	at, err := s.append(content)
	if err != nil {
		return key, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, there := s.known[key]; !there { // else someone was faster, and it is there twice
		s.known[key] = at
	}
	return key, nil
}

// append keeps a content, whether or not it is there already.
func (s *scratch) append(content []byte) (span, error) {
	s.mu.Lock()
	at := span{s.end, uint32(len(content)), crc32.Checksum(content, castagnoli)}
	s.end += int64(len(content))
	s.mu.Unlock()
	if _, err := s.file.WriteAt(content, at.offset); err != nil {
		return at, err
	}
	return at, nil
}

// of is where a content lies that was added.
func (s *scratch) of(key id) span {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.known[key]
}

// read gives back a content.
func (s *scratch) read(at span) ([]byte, error) {
	b := make([]byte, at.size)
	if _, err := s.file.ReadAt(b, at.offset); err != nil {
		return nil, err
	}
	if crc32.Checksum(b, castagnoli) != at.sum {
		return nil, fmt.Errorf("%s: it was changed while it was in use", s.file.Name())
	}
	return b, nil
}

// copy writes a content, without holding it in memory.
func (s *scratch) copy(to io.Writer, at span) error {
	_, err := io.Copy(to, io.NewSectionReader(s.file, at.offset, int64(at.size)))
	return err
}

func (s *scratch) close() error {
	err := s.file.Close()
	if e := os.Remove(s.file.Name()); err == nil {
		err = e
	}
	return err
}
