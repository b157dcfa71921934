package main

import (
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"runtime/debug"
	"strings"
)

// bill is a software bill of materials in CycloneDX's form.
// Source: https://cyclonedx.org/docs/1.6/json/
type bill struct {
	Format     string          `json:"bomFormat"`
	Spec       string          `json:"specVersion"`
	Version    int             `json:"version"`
	Metadata   billMetadata    `json:"metadata"`
	Components []billComponent `json:"components"`
}

type billMetadata struct {
	Time      string        `json:"timestamp"`
	Component billComponent `json:"component"`
}

type billComponent struct {
	Type    string     `json:"type"`
	Ref     string     `json:"bom-ref"`
	Name    string     `json:"name"`
	Version string     `json:"version"`
	URL     string     `json:"purl"`
	Hashes  []billHash `json:"hashes,omitempty"`
}

type billHash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

// materials writes what a program is linked from, as the program itself knows it.
func (r *release) materials(b built) error {
	info, err := buildinfo.ReadFile(b.path)
	if err != nil {
		return err
	}
	own := component("application", info.Main.Path, r.version, "")
	list := bill{Format: "CycloneDX", Spec: "1.6", Version: 1,
		Metadata:   billMetadata{r.time.Format("2006-01-02T15:04:05Z"), own},
		Components: []billComponent{component("platform", "std", strings.TrimPrefix(info.GoVersion, "go"), "")},
	}
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		list.Components = append(list.Components, moduleComponent(m))
	}
	return r.write("regsnap_"+r.number()+"_"+b.os+"_"+b.arch+".cdx.json", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(list)
	})
}

func moduleComponent(m *debug.Module) billComponent {
	return component("library", m.Path, m.Version, m.Sum)
}

// component is a module. sum is as go.sum has it: h1: and a SHA-256 in base64.
func component(kind, path, version, sum string) billComponent {
	url := "pkg:golang/" + path + "@" + version
	c := billComponent{Type: kind, Ref: url, Name: path, Version: version, URL: url}
	if text, ok := strings.CutPrefix(sum, "h1:"); ok {
		if digest, err := base64.StdEncoding.DecodeString(text); err == nil {
			c.Hashes = []billHash{{"SHA-256", hex.EncodeToString(digest)}}
		}
	}
	return c
}
