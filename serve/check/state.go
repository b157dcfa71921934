package check

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
)

// state remembers in a file which probes were answered alike: a heading, then a
// probe a line. It is only ever added to; a last line without an end was broken
// off and counts for nothing.
type state struct {
	mu   sync.Mutex
	file *os.File // nil: nothing is remembered
	done map[string]bool
}

// heading says what a state is about. Answers of another snapshot have to be
// compared again, those to other settings are another check.
func heading(o Options, snapshot string) (settings, whole string) {
	ignore := slices.Clone(o.Ignore)
	slices.Sort(ignore)
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %v", o.URL, o.Host, o.Level, ignore, o.Seed))
	settings = fmt.Sprintf("regsnap check 1 %s %x ", o.Environment, sum[:8])
	return settings, settings + snapshot + "\n"
}

func openState(o Options, snapshot string) (*state, error) {
	s := &state{done: map[string]bool{}}
	if o.State == "" {
		return s, nil
	}
	body, err := os.ReadFile(o.State)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	text := string(body)
	known := text[:strings.LastIndexByte(text, '\n')+1]
	settings, first := heading(o, snapshot)
	switch rest, ok := strings.CutPrefix(known, first); {
	case ok:
		for id := range strings.Lines(rest) {
			s.done[strings.TrimSuffix(id, "\n")] = true
		}
	case strings.HasPrefix(known, settings):
		known = "" // another snapshot is live now
	case text != "":
		return nil, fmt.Errorf("%s is about another check, or was not written by regsnap: name another file to resume from", o.State)
	}
	if s.file, err = os.OpenFile(o.State, os.O_CREATE|os.O_WRONLY, 0o666); err != nil {
		return nil, err
	}
	err = s.file.Truncate(int64(len(known)))
	if err == nil {
		_, err = s.file.Seek(int64(len(known)), 0)
	}
	if err == nil && known == "" {
		_, err = s.file.WriteString(first)
	}
	if err != nil {
		return nil, errors.Join(err, s.file.Close())
	}
	return s, nil
}

func (s *state) add(id string) error {
	if s.file == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.file.WriteString(id + "\n")
	return err
}

func (s *state) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
