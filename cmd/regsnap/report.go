package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/internal/redact"
)

// finding is a problem as reports show it, with whom to ping spelled out.
type finding struct {
	index.Problem
	Ping []string `json:"ping,omitempty"`
}

func findings(problems []index.Problem) []finding {
	out := []finding{}
	for _, p := range problems {
		f := finding{Problem: p}
		if p.Owner != "" {
			f.Ping = append(f.Ping, "@"+strings.TrimPrefix(p.Owner, "@"))
		}
		if p.Commit != nil {
			f.Ping = append(f.Ping, p.Commit.Author)
		}
		out = append(out, f)
	}
	return out
}

// maxWarnings is how many warnings a text report shows in full: on a healthy
// storage they must not bury the result.
const maxWarnings = 20

func printFindings(w io.Writer, s screen, errors, warnings []finding) {
	for i, f := range warnings {
		if i == maxWarnings {
			fmt.Fprintf(w, "… and %d more warnings (--json lists all)\n", len(warnings)-i)
			break
		}
		fmt.Fprintf(w, "%s %s\n", s.paint(yellow, "warning:"), clean(f.String()))
		if line := f.pingLine(); line != "" && f.Commit != nil { // a build only looks for who made errors
			fmt.Fprintf(w, "         %s\n", clean(line))
		}
	}
	for _, f := range errors {
		fmt.Fprintf(w, "%s %s\n", s.paint(red, "error:"), clean(f.String()))
		if line := f.pingLine(); line != "" {
			fmt.Fprintf(w, "       %s\n", clean(line))
		}
	}
}

// pingLine says whom to ask: the owner, and who changed the package last.
func (f finding) pingLine() string {
	var parts []string
	if f.Owner != "" {
		parts = append(parts, "ping @"+strings.TrimPrefix(f.Owner, "@"))
	}
	if c := f.Commit; c != nil {
		parts = append(parts, fmt.Sprintf("last changed by %s in %.8s on %s: %s", c.Author, c.Hash, c.Time.Format("2006-01-02"), shortened(c.Subject)))
	}
	return strings.Join(parts, "; ")
}

// shortened is a commit's subject at a length that does not bury the finding.
func shortened(subject string) string {
	const most = 100
	if runes := []rune(subject); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return subject
}

// clean is text of elsewhere as it may be shown: without secrets of URLs, and
// without what steers a terminal, by control characters or by turning the
// direction of the text.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, redact.Text(s))
}

// printAnnotations writes workflow commands that GitHub Actions shows at the
// lines of a pull request ("Workflow commands for GitHub Actions").
func printAnnotations(w io.Writer, errors, warnings []finding) {
	one := func(level string, f finding) {
		detail := clean(f.Detail) + " [" + string(f.Rule) + "]"
		if line := f.pingLine(); line != "" {
			detail += "\n" + clean(line)
		}
		fmt.Fprintf(w, "::%s file=%s", level, property(f.File))
		if f.Line > 0 {
			fmt.Fprintf(w, ",line=%d", f.Line)
		}
		title := f.Branch
		if f.Package != "" {
			title += ": " + f.Package
		}
		if f.Version != "" {
			title += "-" + f.Version
		}
		fmt.Fprintf(w, ",title=%s::%s\n", property(title), data(detail))
	}
	for _, f := range warnings {
		one("warning", f)
	}
	for _, f := range errors {
		one("error", f)
	}
}

var (
	data     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace
	property = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace
)

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return grouped(n) + " " + noun + "s"
}

// grouped writes a number with its thousands apart: 1,041,579.
func grouped(n int) string {
	s := strconv.Itoa(n)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return sign + s
}

// size writes a number of bytes for people, in units of 1,000.
func size(n int64) string {
	switch {
	case n < 1_000:
		return fmt.Sprintf("%d B", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f kB", float64(n)/1e3)
	case n < 1_000_000_000:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.2f GB", float64(n)/1e9)
}
