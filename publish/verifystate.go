package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
)

// verifyState remembers in a file which units of a snapshot were found sound: a
// heading, then a name a line. It is only ever added to; a last line without an
// end was broken off and counts for nothing.
type verifyState struct {
	mu   sync.Mutex
	file *os.File // nil: nothing is remembered
	done map[string]bool
}

func openVerifyState(path, env, id string) (*verifyState, error) {
	s := &verifyState{done: map[string]bool{}}
	if path == "" {
		return s, nil
	}
	heading := fmt.Sprintf("regsnap verify 1 %s %s\n", env, id)
	body, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text := string(body)
	whole := text[:strings.LastIndexByte(text, '\n')+1]
	if rest, ok := strings.CutPrefix(whole, heading); ok {
		for name := range strings.Lines(rest) {
			s.done[strings.TrimSuffix(name, "\n")] = true
		}
	} else if whole != "" {
		return nil, fmt.Errorf("%s is about another snapshot, or is none of regsnap's: name another file to resume from", path)
	}
	if s.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666); err != nil {
		return nil, err
	}
	if err := s.file.Truncate(int64(len(whole))); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	if _, err := s.file.Seek(int64(len(whole)), 0); err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	if whole == "" {
		if _, err := s.file.WriteString(heading); err != nil {
			return nil, errors.Join(err, s.file.Close())
		}
	}
	return s, nil
}

func (s *verifyState) sound(name string) bool { return s.done[name] }

func (s *verifyState) add(name string) error {
	if s.file == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.file.WriteString(name + "\n")
	return err
}

func (s *verifyState) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
