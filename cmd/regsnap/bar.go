package main

import (
	"fmt"
	"strings"
)

// barLine is how far a phase is, in a line that fits a terminal: first the bar gets
// shorter, then what is left of the time and the bar are left out.
func barLine(width int, phase string, done, total int, left string) string {
	name := fmt.Sprintf("%-17s", phase)
	count := " " + grouped(done)
	if total > 0 {
		count = fmt.Sprintf(" %3d%%  %s of %s", 100*min(done, total)/total, grouped(done), grouped(total))
	}
	if width <= 0 {
		width = 80
	}
	width-- // a cursor behind the last column would be in the next line
	for _, line := range []string{name + count + left, name + count} {
		room := min(width-columns(line)-3, maxBar)
		if total > 0 && room >= leastBar {
			full := room * min(done, total) / total
			return fmt.Sprintf("%s [%s%s]%s", name, strings.Repeat("=", full), strings.Repeat(" ", room-full), strings.TrimPrefix(line, name))
		}
		if columns(line) <= width {
			return line
		}
	}
	return shorten(strings.TrimRight(name, " ")+count, width)
}

const (
	maxBar   = 30
	leastBar = 5
)
