package catalog

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"testing"
)

// TestFactsWithoutPage: what a version is compared by is the same with and without
// rendering its page, from the content of its fields alone.
func TestFactsWithoutPage(t *testing.T) {
	document := []byte(`{"name":"a","title":"A","version":"1.0.0","path":"/package/a/1.0.0","type":"integration","owner":{"github":"b/c"},"license":"basic",
		"conditions":{"kibana":{"version":"^8.0.0"}},"data_streams":[{"title":"Log","path":"log","streams":[{"input":"x","vars":[{"name":"v","type":"text","default":1}]}]}]}`)
	var all, few []File
	for _, f := range [][2]string{
		{"changelog.yml", "- version: 1.0.0\n"}, {"data_stream/log/fields/base.yml", "- name: a\n  type: keyword\n"}, {"data_stream/log/fields/deep/b.yml", "- name: no\n"},
		{"docs/README.md", "# A\n"}, {"fields/own.yml", "- name: b\n  type: long\n"}, {"manifest.yml", "name: a\n"},
	} {
		sum := sha256.Sum256([]byte(f[1]))
		file := File{Path: f[0], SHA256: hex.EncodeToString(sum[:]), Size: int64(len(f[1])), Content: []byte(f[1])}
		all = append(all, file)
		if !IsFields(f[0]) {
			file.Content = nil
		}
		few = append(few, file)
	}
	r := NewRenderer()
	facts, err := r.Facts(document, few)
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Version(Input{Document: document, Files: all})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(facts, v.Facts) {
		t.Errorf("%+v\nwant\n%+v", facts, v.Facts)
	}
	if len(facts.fields) != 2 || facts.fields[0].stream != "log" || len(facts.variables) != 1 || facts.facts[0] != (named{"Kibana", "^8.0.0"}) {
		t.Errorf("facts %+v", facts)
	}
	if _, err := r.Facts([]byte("{"), nil); err == nil {
		t.Error("a document that cannot be read has facts")
	}
}
