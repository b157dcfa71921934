package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cpuguy83/go-md2man/v2/md2man"
)

// page is a manual page.
type page struct {
	name string // regsnap-build.1
	text []byte
}

// usageLine is the sentence under a command's heading.
var usageLine = regexp.MustCompile(`^\s*([^\n]+)\.\n`)

// manualPages makes a page of each command of docs/commands.md, which a test holds
// to the program, and one of what comes before the first.
func manualPages(commands, version string, at time.Time) ([]page, error) {
	// Commands are grouped under headings of the second level.
	sections := strings.Split(regexp.MustCompile(`(?m)^## .*\n`).ReplaceAllString(commands, ""), "\n### ")
	head, rest, _ := strings.Cut(sections[0], "Do not edit.\n")
	if !strings.HasPrefix(head, "# Commands\n") || len(sections) < 2 {
		return nil, fmt.Errorf("docs/commands.md does not begin as it should: %.60q", head)
	}
	list := "\n# COMMANDS\n\n"
	var pages []page
	for _, s := range sections[1:] {
		title, body, _ := strings.Cut(s, "\n")
		usage := usageLine.FindStringSubmatch(body)
		if usage == nil || !strings.HasPrefix(title, "regsnap ") {
			return nil, fmt.Errorf("docs/commands.md: the section %q is not of a command", title)
		}
		name := strings.ReplaceAll(title, " ", "-")
		list += fmt.Sprintf("**%s**(1)\n: %s\n\n", name, usage[1])
		body = regexp.MustCompile(`(?m)^#### `).ReplaceAllString(body[len(usage[0]):], "# ")
		pages = append(pages, manualPage(name, lowered(usage[1]), "# SYNOPSIS\n"+body+"\n# SEE ALSO\n\n**regsnap**(1)\n", version, at))
	}
	first := manualPage("regsnap", "a package registry as immutable snapshots in object storage", "# DESCRIPTION\n"+rest+list, version, at)
	return append([]page{first}, pages...), nil
}

func manualPage(name, usage, body, version string, at time.Time) page {
	head := fmt.Sprintf("%% %s 1 %q %q %q\n\n# NAME\n\n%s - %s\n\n", name, at.Format(time.DateOnly), "regsnap "+version, "regsnap manual", name, usage)
	return page{name + ".1", md2man.Render([]byte(head + manualTables(body)))}
}

// tableRow is a row of the flags' table.
var tableRow = regexp.MustCompile("^\\| (`[^|]*`|[^|]*) \\| ((?:[^|]|\\\\\\|)*) \\|(?: (.*) \\| (.*) \\|)?$")

// manualTables turns tables into lists, which fit any width of a terminal.
func manualTables(body string) string {
	var out strings.Builder
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "| ---"):
		case strings.HasPrefix(line, "| flag |"):
			out.WriteString("# OPTIONS\n\n")
		case strings.HasPrefix(line, "| exit code |"):
			out.WriteString("# EXIT STATUS\n\n")
		case strings.HasPrefix(line, "| "):
			out.WriteString(listItem(line))
		default:
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// listItem is a row of a table as an item of a definition list.
func listItem(row string) string {
	// Exit codes have the kind of the error between the code and its meaning.
	if cells := strings.Split(strings.Trim(row, "| "), " | "); len(cells) == 3 && !strings.HasPrefix(cells[0], "`") {
		return fmt.Sprintf("**%s**\n: %s\n\n", cells[0], cells[2])
	}
	m := tableRow.FindStringSubmatch(row)
	if m == nil {
		return row + "\n"
	}
	text := strings.ReplaceAll(m[2], `\|`, "|")
	if m[3] != "" {
		text += " (default: " + m[3] + ")"
	}
	if m[4] != "" {
		text += " [" + m[4] + "]"
	}
	return fmt.Sprintf("**%s**\n: %s\n\n", strings.Trim(m[1], "`"), text)
}

func lowered(s string) string { return strings.ToLower(s[:1]) + s[1:] }
