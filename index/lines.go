package index

import "strings"

// keyLines finds the lines of a YAML file's top-level keys, for messages.
type keyLines struct {
	data  []byte
	known map[string]int
}

// of is the line of a key, from 1; 0 if it is not found.
func (k *keyLines) of(key string) int {
	line, ok := k.known[key]
	if !ok {
		line = lineOf(k.data, key)
		if k.known == nil {
			k.known = map[string]int{}
		}
		k.known[key] = line
	}
	return line
}

// lineOf finds a top-level key by a plain look at the text, which will do for
// a message.
func lineOf(data []byte, key string) int {
	if key == "" {
		return 0
	}
	line := 0
	for text := range strings.Lines(string(data)) {
		line++
		if rest, ok := strings.CutPrefix(text, key); ok && strings.HasPrefix(strings.TrimLeft(rest, " "), ":") {
			return line
		}
	}
	return 0
}
