package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"

	"github.com/regsnap/regsnap/publish/spans"
)

// verifyState remembers which units were looked at, and in a file which were found
// sound: a heading, then a name a line. It is only ever added to; a last line without an
// end was cut short and counts for nothing.
type verifyState struct {
	mu   sync.Mutex
	file *os.File // nil: nothing is remembered
	done map[string]bool
	// spans are the files of archives that were found where a list says.
	spans *spans.Known
}

func newVerifyState() *verifyState {
	return &verifyState{done: map[string]bool{}, spans: spans.New()}
}

func openVerifyState(path, env, id string) (*verifyState, error) {
	s := newVerifyState()
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
		return nil, fmt.Errorf("%s is about another snapshot, or was not written by regsnap: name another file to resume from", path)
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

// known reports whether a unit was looked at: it was found sound, or has its faults
// in a snapshot before.
func (s *verifyState) known(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done[name]
}

// add remembers a unit, in the file only if it is sound.
func (s *verifyState) add(name string, sound bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[name] = true
	if s.file == nil || !sound {
		return nil
	}
	_, err := s.file.WriteString(name + "\n")
	return err
}

func (s *verifyState) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
