package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/term"
)

// initAnswers are what the files of init depend on.
type initAnswers struct {
	bucket, source, domain, system string
	branches                       []string
}

// isTerminal reports whether someone can be asked.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// complete asks for what is missing. Without a terminal it says which flags to give.
func (a *initAnswers) complete(in io.Reader, out io.Writer, terminal bool) error {
	lines := bufio.NewScanner(in)
	for _, q := range []struct {
		answer               *string
		flag, question, hint string
	}{
		{&a.bucket, "--bucket URL", "Which bucket holds the snapshots? (file:///dir, s3://name?region=…, gs://name)", ""},
		{&a.domain, "--domain DOMAIN", "Below which domain do clients reach the registry? (example.org makes epr.example.org)", ""},
		{&a.system, "--ci SYSTEM", "Which CI system runs regsnap? (" + strings.Join(ciSystems(), ", ") + ", none)", "none"},
	} {
		if *q.answer != "" {
			continue
		}
		if !terminal {
			return usagef("%s is required, unless init can ask on a terminal", q.flag)
		}
		fmt.Fprintln(out, q.question)
		if q.hint != "" {
			fmt.Fprintf(out, "[%s] ", q.hint)
		}
		fmt.Fprint(out, "> ")
		if !lines.Scan() {
			return errors.Join(usagef("no answer; %s gives it on the command line", q.flag), lines.Err())
		}
		if *q.answer = strings.TrimSpace(lines.Text()); *q.answer == "" {
			*q.answer = q.hint
		}
		if *q.answer == "" {
			return usagef("no answer; %s gives it on the command line", q.flag)
		}
	}
	return nil
}

var (
	bucketPattern = regexp.MustCompile(`^(file:///|s3://[^/?]|gs://[^/?])`)
	domainPattern = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)
)

func (a *initAnswers) check() error {
	switch {
	case !bucketPattern.MatchString(a.bucket) || strings.ContainsAny(a.bucket, "\n\r"):
		return usagef("--bucket %q: want file:///DIR, s3://NAME?region=REGION or gs://NAME", a.bucket)
	case !domainPattern.MatchString(a.domain):
		return usagef("--domain %q: want a domain such as example.org", a.domain)
	case a.system != "none" && !slices.Contains(ciSystems(), a.system):
		return usagef("--ci %q%s: want %s or none", a.system, didYouMean(a.system, ciSystems()), strings.Join(ciSystems(), ", "))
	}
	for _, branch := range a.branches {
		if err := checkBranch(branch); err != nil {
			return err
		}
	}
	return nil
}

// hostname is where clients reach the environment of a branch: the first one has
// the short name.
func (a *initAnswers) hostname(i int) string {
	if i == 0 {
		return "epr." + a.domain
	}
	return "epr-" + a.branches[i] + "." + a.domain
}

// configuration is regsnap.yml.
func (a *initAnswers) configuration() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `# What regsnap builds, and where it puts it. Flags win over this file.
# All keys: https://github.com/regsnap/regsnap/blob/main/docs/configuration.md

# Where snapshots are kept. Credentials come from the environment, never from here.
bucket: %s

# Where the branches are: this clone.
source: %s

environments:
`, quoted(a.bucket), quoted(a.source))
	for i, branch := range a.branches {
		fmt.Fprintf(&b, "  %s:\n    # Clients reach it by this name; Kibana has it in xpack.fleet.registryUrl.\n    hostname: %s\n", branch, a.hostname(i))
		fmt.Fprintf(&b, "    # Of a version that several branches hold, the first branch's is shown.\n    branches: [%s]\n", strings.Join(a.branches[:i+1], ", "))
		rule, why := a.overwrite(i)
		fmt.Fprintf(&b, "    # %s\n    overwrite: %s\n", why, rule)
		if v := version(); v != development && (i == 0 || i < len(a.branches)-1) {
			fmt.Fprintf(&b, "    # Only this release builds it, so that an upgrade is a change that is reviewed.\n    regsnap: %s\n", v)
		}
		b.WriteString("\n")
	}
	b.WriteString(`# Told when another snapshot goes live, for example to purge a CDN:
#
#     after_publish:
#       - command: [./purge-cdn]
#         timeout: 2m
`)
	return []byte(b.String())
}

// overwrite is the rule for released versions, and what it means.
func (a *initAnswers) overwrite(i int) (rule, why string) {
	switch {
	case i == 0:
		return overwriteNever, "A version that was released stays as it is."
	case i == len(a.branches)-1:
		return overwriteAlways, "Any version may change: this is for development."
	}
	return overwriteIfNeeded, "A version may change while it is tested."
}

// quoted is a string in YAML's double quotes, which JSON's are too.
func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
