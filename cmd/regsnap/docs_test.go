package main

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

const commandsDoc = "../../docs/commands.md"

// docs/commands.md is made of what the program says of itself:
//
//	go test ./cmd/regsnap -run CommandsDoc -update
func TestCommandsDoc(t *testing.T) {
	got := commandsMarkdown(newApp(nil, nil))
	if *update {
		if err := os.WriteFile(commandsDoc, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(commandsDoc)
	if err != nil {
		t.Fatal(err)
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(text), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			t.Fatalf("docs/commands.md differs at line %d from what the program says: run\n\tgo test ./cmd/regsnap -run CommandsDoc -update", i+1)
		}
	}
}

func commandsMarkdown(app *cli.App) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Commands\n\nMade from the program by `go test ./cmd/regsnap -run CommandsDoc -update`. Do not edit.\n\n%s", markdown(app.Description))
	b.WriteString("\nFlags may stand anywhere on the command line. A flag wins over its environment variable, and both over the configuration.\n")
	b.WriteString("Results go to standard output, everything else to standard error.\n")
	b.WriteString("\n| exit code | kind, with --json | meaning |\n| --- | --- | --- |\n")
	b.WriteString(exitCodeRows())
	b.WriteString("\nEvery command has these flags too:\n\n| flag | meaning | default | environment |\n| --- | --- | --- | --- |\n")
	for _, f := range commonFlags() {
		b.WriteString(flagRow(f.(cli.DocGenerationFlag)))
	}
	for _, group := range []string{groupPublish, groupOperate, groupAuthor, groupOffline, groupServe, groupHelp} {
		fmt.Fprintf(&b, "\n## %s\n", group)
		for _, c := range app.Commands {
			if c.Category == group {
				writeCommand(&b, "###", "regsnap "+c.Name, c)
			}
		}
	}
	return b.String()
}

func writeCommand(b *strings.Builder, heading, name string, c *cli.Command) {
	args := strings.TrimSpace("[flags] " + c.ArgsUsage)
	if len(c.Subcommands) > 0 {
		args = c.ArgsUsage
	}
	fmt.Fprintf(b, "\n%s %s\n\n%s%s.\n\n", heading, name, strings.ToUpper(c.Usage[:1]), c.Usage[1:])
	fmt.Fprintf(b, "```\n%s %s\n```\n\n%s", name, args, markdown(c.Description))
	if slices.ContainsFunc(c.Flags, func(f cli.Flag) bool { return !isCommon(f) }) {
		b.WriteString("\n| flag | meaning | default | environment |\n| --- | --- | --- | --- |\n")
	}
	for _, f := range c.Flags {
		if !isCommon(f) {
			b.WriteString(flagRow(f.(cli.DocGenerationFlag)))
		}
	}
	for _, sub := range c.Subcommands {
		writeCommand(b, heading+"#", name+" "+sub.Name, sub)
	}
}

func isCommon(f cli.Flag) bool {
	return slices.ContainsFunc(commonFlags(), func(common cli.Flag) bool { return common.Names()[0] == f.Names()[0] })
}

// exitCodeRows are what the exit codes mean.
func exitCodeRows() string {
	var b strings.Builder
	for _, e := range exitCodes {
		fmt.Fprintf(&b, "| %d | %s | %s |\n", e.code, e.kind, e.meaning)
	}
	return b.String()
}

func flagRow(f cli.DocGenerationFlag) string {
	placeholder, usage := unquoted(f.GetUsage())
	var names []string
	for _, name := range f.Names() {
		dashes := "--"
		if len(name) == 1 {
			dashes = "-"
		}
		names = append(names, dashes+name)
	}
	name := strings.Join(names, ", ")
	if f.TakesValue() {
		name += " " + placeholder
	}
	byDefault := f.GetDefaultText()
	if !f.TakesValue() || byDefault == "0" || byDefault == `""` {
		byDefault = "" // said in the usage, or nothing
	}
	env := ""
	if vars := f.GetEnvVars(); len(vars) > 0 {
		env = "`" + strings.Join(vars, "`, `") + "`"
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`), byDefault, env)
}

// unquoted takes the placeholder out of a flag's usage, where it is quoted.
func unquoted(usage string) (placeholder, text string) {
	if part := strings.SplitN(usage, "`", 3); len(part) == 3 {
		return part[1], part[0] + part[1] + part[2]
	}
	return "VALUE", usage
}

// markdown is a description with its indented lines as code.
func markdown(description string) string {
	var b strings.Builder
	code := false
	for line := range strings.SplitSeq(strings.Trim(description, "\n"), "\n") {
		indented := strings.HasPrefix(line, "   ")
		if indented != code {
			b.WriteString("```\n")
			code = indented
		}
		b.WriteString(strings.TrimPrefix(line, "   ") + "\n")
	}
	if code {
		b.WriteString("```\n")
	}
	return b.String()
}

// docs/configuration.md has a heading for every key, and its examples parse.
func TestConfigurationDoc(t *testing.T) {
	text, err := os.ReadFile("../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	var headings []string
	for _, m := range regexp.MustCompile("(?m)^#+ `(.*)`$").FindAllStringSubmatch(string(text), -1) {
		headings = append(headings, m[1])
	}
	slices.Sort(headings)
	keys := yamlKeys(reflect.TypeFor[config](), "")
	slices.Sort(keys)
	if !slices.Equal(headings, keys) {
		t.Errorf("docs/configuration.md has headings for %q, the keys are %q", headings, keys)
	}
	examples := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) < 2 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, m := range examples {
		if _, err := parseConfig([]byte(m[1])); err != nil {
			t.Errorf("example\n%s: %v", m[1], err)
		}
	}
}

// The configuration of the demo is one.
func TestDemoConfiguration(t *testing.T) {
	c, err := loadConfig(t.Context(), "../../testdata/regsnap.yml", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.names(); !slices.Equal(got, []string{"production", "staging", "snapshot"}) {
		t.Errorf("environments %q", got)
	}
	for _, name := range c.names() {
		if want := name + ".localhost"; c.Environments[name].Hostname != want {
			t.Errorf("%s has the hostname %s, want %s", name, c.Environments[name].Hostname, want)
		}
	}
}
