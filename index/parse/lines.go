package parse

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

// lineOf finds a key at the top of a file, by a plain look at the text, which
// will do for a message. Of a dotted key it finds as much as is written there:
// "a.b" is at "a.b:", at "a.b.c:", or else at "a:".
func lineOf(data []byte, key string) int {
	for key != "" {
		line := 0
		for text := range strings.Lines(string(data)) {
			line++
			if rest, ok := strings.CutPrefix(text, key); ok && (strings.HasPrefix(rest, ".") || strings.HasPrefix(strings.TrimLeft(rest, " "), ":")) {
				return line
			}
		}
		key = key[:max(0, strings.LastIndexByte(key, '.'))]
	}
	return 0
}
