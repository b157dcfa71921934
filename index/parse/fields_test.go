package parse

import (
	"slices"
	"strings"
	"testing"
)

func TestCheckFields(t *testing.T) {
	const (
		flat = "- {name: data_stream.type, type: constant_keyword}\n" +
			"- {name: data_stream.dataset, type: constant_keyword}\n" +
			"- {name: data_stream.namespace, type: constant_keyword}\n"
		group = "- name: data_stream\n  type: group\n  fields:\n" +
			"    - {name: type, type: constant_keyword}\n" +
			"    - {name: dataset, type: constant_keyword}\n" +
			"    - {name: namespace, type: constant_keyword}\n"
		stamp = "- {name: '@timestamp', type: date}\n"
	)
	for _, tt := range []struct {
		name  string
		files []string
		want  string // the fields that are missing or wrong
	}{
		{"flat", []string{flat + stamp}, ""},
		{"group", []string{group + stamp}, ""},
		{"several files", []string{stamp, "", "# nothing\n", group}, ""},
		{"none", nil, "data_stream.type data_stream.dataset data_stream.namespace @timestamp"},
		{"first one counts", []string{"- {name: '@timestamp', type: keyword}\n" + flat + stamp}, "@timestamp"},
		{"no type", []string{flat + "- {name: '@timestamp'}\n" + stamp}, "@timestamp"},
		{"type is not text", []string{flat + "- {name: '@timestamp', type: 1}\n"}, "@timestamp"},
		// The reference registry stops at an entry without a name.
		{"unnamed before", []string{flat + "- {type: x}\n" + stamp}, "@timestamp"},
		{"unnamed after", []string{flat + stamp + "- {type: x}\n"}, ""},
		{"nothing as an entry", []string{flat + "-\n" + stamp}, "@timestamp"},
		{"name is not text", []string{"- {name: 5}\n" + flat + stamp}, ""},
		{"group of text", []string{stamp + "- {name: data_stream, fields: [a]}\n"}, "data_stream.type data_stream.dataset data_stream.namespace"},
		{"group that ends in text", []string{stamp + group + "    - a\n"}, "data_stream.type data_stream.dataset data_stream.namespace"},
		{"group without list", []string{stamp + "- {name: data_stream}\n"}, "data_stream.type data_stream.dataset data_stream.namespace"},
		{"only the first group counts", []string{stamp + "- {name: data_stream, fields: [{name: type, type: constant_keyword}]}\n" + group}, "data_stream.dataset data_stream.namespace"},
		{"group and flat", []string{stamp + "- {name: data_stream.type, type: constant_keyword}\n" + group}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var defs []fieldDef
			for _, text := range tt.files {
				f := readFields([]byte(text))
				if f.fault != nil {
					t.Fatal(f.fault.detail)
				}
				defs = append(defs, f.defs...)
			}
			var got []string
			for _, detail := range checkFields(defs) {
				_, rest, _ := strings.Cut(detail, "the field ")
				got = append(got, strings.TrimSuffix(strings.Fields(rest)[0], ":"))
			}
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
