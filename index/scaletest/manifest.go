package scaletest

import (
	"fmt"
	"strings"
)

// manifest writes the manifest.yml of a version.
func (p *pack) manifest(v version) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("format_version: %s", v.spec)
	line("name: %s", p.name)
	line("title: %q", p.title)
	line("version: %s", v.version)
	line("description: %q", p.description)
	line("type: %s", p.kind)
	if v.release != "" {
		line("release: %s", v.release)
	}
	if len(p.categories) > 0 {
		line("categories: [%s]", strings.Join(p.categories, ", "))
	}
	p.conditions(line)
	line("icons:\n  - src: /img/icon.svg\n    title: %q\n    size: 16x16\n    type: image/svg+xml", p.title+" icon")
	if len(p.templates) > 0 {
		line("policy_templates:")
	}
	for _, t := range p.templates {
		line("  - name: %s\n    title: %q\n    description: %q", t.name, t.title, t.description)
		if t.categories != nil {
			line("    categories: [%s]", strings.Join(t.categories, ", "))
		}
		if p.kind == "input" {
			line("    type: logs\n    input: logfile\n    template_path: input.yml.hbs")
		} else {
			line("    inputs:\n      - type: logfile\n        title: %q\n        description: %q", "Collect "+t.title, "Collecting "+t.title)
		}
	}
	if p.discovery {
		line("discovery:\n  fields:\n    - name: %s.id\n  datasets:\n    - name: %s.stream_0", p.name, p.name)
	}
	if p.deprecated && p.index == p.versions {
		line("deprecated:\n  since: %q\n  description: %q", v.version, "No longer needed")
	}
	line("owner:\n  github: regsnap-demo/%s", words[len(p.name)%len(words)])
	return b.String()
}

// conditions writes where a version can be installed.
func (p *pack) conditions(line func(string, ...any)) {
	var agent, required string
	if p.agent && p.kibana.age() >= firstAgent {
		agent = fmt.Sprintf("^%d.%d.0", releases[p.kibana.floor].major, releases[p.kibana.floor].minor)
	}
	if p.capabilities != nil && p.kibana.age() >= firstCapabilities {
		required = strings.Join(p.capabilities, ", ")
	}
	if p.kibana.text == "" && agent == "" && required == "" {
		return
	}
	line("conditions:")
	if p.kibana.text != "" {
		line("  kibana:\n    version: %q", p.kibana.text)
	}
	if agent != "" {
		line("  agent:\n    version: %q", agent)
	}
	if required != "" {
		line("  elastic:\n    subscription: basic\n    capabilities: [%s]", required)
	}
}

// stream writes the manifest of a data stream. It does not say which version of
// the package it belongs to, so all of them share it.
func (p *pack) stream(i int) string {
	kind := []string{"logs", "metrics"}[i%2]
	return fmt.Sprintf("title: %q\ntype: %s\nstreams:\n  - input: logfile\n    title: %q\n    description: %q\n    template_path: stream.yml.hbs\n",
		fmt.Sprintf("%s %s %d", p.title, kind, i), kind, p.title+" "+kind, "Collect "+kind+" of "+p.title)
}

// baseFields are the fields that every data stream must have.
const baseFields = `- name: data_stream.type
  type: constant_keyword
- name: data_stream.dataset
  type: constant_keyword
- name: data_stream.namespace
  type: constant_keyword
- name: "@timestamp"
  type: date
`
