package main

import (
	"io"
	"strings"
)

// column is one of a table.
type column struct {
	title string
	// right aligns numbers.
	right bool
	// least is the room below which its texts are not shortened; 0 never shortens
	// them.
	least int
	// drop says how soon it is left out where there is no room: those with the
	// highest number first; 0 never.
	drop int
}

// cell is the text of a row in a column, and a shorter one for narrow screens.
type cell struct {
	text, short, colour string
}

// table is rows of columns that fit the screen.
type table struct {
	columns []column
	rows    [][]cell
	indent  string
}

func (t *table) row(cells ...cell) { t.rows = append(t.rows, cells) }

func texts(values ...string) []cell {
	out := make([]cell, len(values))
	for i, v := range values {
		out[i] = cell{text: v}
	}
	return out
}

// shortID is enough of a snapshot's id to name it to any command.
func shortID(id string) string {
	if _, digest, ok := strings.Cut(id, "-"); ok && len(digest) >= 8 {
		return digest[:8]
	}
	return id
}

func idCell(id string) cell { return cell{text: id, short: shortID(id)} }

// fitted is how a table is shown: which columns, how wide, and with which texts.
type fitted struct {
	shown []int
	room  map[int]int
	short map[int]bool
}

const gap = 2

// fit finds the widths. First texts that have a short form get it, then others are
// shortened, and then columns are left out.
func (t *table) fit(width int) fitted {
	f := fitted{room: map[int]int{}, short: map[int]bool{}}
	for i := range t.columns {
		if t.used(i) {
			f.shown = append(f.shown, i)
		}
	}
	for {
		for _, i := range f.shown {
			f.room[i], f.short[i] = t.natural(i, false), false
		}
		over := func() int { return f.total(len(t.indent)) - width }
		if width <= 0 || over() <= 0 {
			return f
		}
		for _, i := range f.shown {
			if over() > 0 && t.natural(i, true) < f.room[i] {
				f.room[i], f.short[i] = t.natural(i, true), true
			}
		}
		for over() > 0 {
			widest := -1
			for _, i := range f.shown {
				if least := t.columns[i].least; least > 0 && f.room[i] > least && (widest < 0 || f.room[i] > f.room[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			f.room[widest]--
		}
		if over() <= 0 {
			return f
		}
		last := -1
		for at, i := range f.shown {
			if d := t.columns[i].drop; d > 0 && (last < 0 || d > t.columns[f.shown[last]].drop) {
				last = at
			}
		}
		if last < 0 { // as narrow as it gets
			for over() > 0 && f.squeeze() {
			}
			return f
		}
		f.shown = append(f.shown[:last:last], f.shown[last+1:]...)
	}
}

// squeeze takes a column from the widest.
func (f fitted) squeeze() bool {
	widest := f.shown[0]
	for _, i := range f.shown {
		if f.room[i] > f.room[widest] {
			widest = i
		}
	}
	f.room[widest]--
	return f.room[widest] > 3
}

func (f fitted) total(indent int) int {
	sum := indent + gap*(len(f.shown)-1)
	for _, i := range f.shown {
		sum += f.room[i]
	}
	return sum
}

// used reports whether a column has a text in any row.
func (t *table) used(i int) bool {
	for _, r := range t.rows {
		if i < len(r) && r[i].text != "" {
			return true
		}
	}
	return false
}

func (t *table) natural(i int, short bool) int {
	room := columns(t.columns[i].title)
	for _, r := range t.rows {
		if i < len(r) {
			room = max(room, columns(r[i].as(short)))
		}
	}
	return room
}

func (c cell) as(short bool) string {
	if short && c.short != "" {
		return c.short
	}
	return c.text
}

// write shows the table.
func (t *table) write(w io.Writer, s screen) error {
	if len(t.rows) == 0 {
		return nil
	}
	f := t.fit(s.width)
	var b strings.Builder
	line := func(text func(i int) (string, string)) {
		var l strings.Builder
		l.WriteString(t.indent)
		for n, i := range f.shown {
			value, colour := text(i)
			value = shorten(value, f.room[i])
			pad := strings.Repeat(" ", f.room[i]-columns(value))
			if n > 0 {
				l.WriteString(strings.Repeat(" ", gap))
			}
			if t.columns[i].right {
				l.WriteString(pad)
				pad = ""
			}
			if colour != "" {
				value = s.paint(colour, value)
			}
			l.WriteString(value)
			l.WriteString(pad)
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	titled := false
	for _, c := range t.columns {
		titled = titled || c.title != ""
	}
	if titled {
		line(func(i int) (string, string) { return t.columns[i].title, bold })
	}
	for _, r := range t.rows {
		line(func(i int) (string, string) {
			if i >= len(r) {
				return "", ""
			}
			return r[i].as(f.short[i]), r[i].colour
		})
	}
	_, err := io.WriteString(w, b.String())
	return err
}
