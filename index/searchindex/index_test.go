package searchindex

import (
	"errors"
	"strings"
	"testing"
)

// all reads an index.
func all(index string) (out []Entry, err error) {
	err = Read(strings.NewReader(index), func(e Entry) error {
		out = append(out, e)
		return nil
	})
	return out, err
}

// Each rule of the format: what keeps it is read, what does not is refused.
func TestRules(t *testing.T) {
	entry := func(fields string) string { return `{"package_manifest":{` + fields + `}}` }
	good := entry(`"name":"a","version":"1.0.0","format_version":"1.0.0"`)
	index := func(entries ...string) string { return `{"packages":[` + strings.Join(entries, ",") + "]}\n" }
	for name, c := range map[string]struct {
		index string
		ok    bool
	}{
		"one":                              {index(good), true},
		"two versions":                     {index(good, entry(`"name":"a","version":"1.0.1-rc.1","format_version":"2.3.0"`)), true},
		"spaces":                           {" { \"packages\" :\n[ " + good + " ] } ", true},
		"conditions":                       {index(entry(`"name":"a","version":"1.0.0","format_version":"1.0.0","conditions":{"kibana":{"version":"^7.17.0 || ^8.0.0"},"agent":{"version":">=8.1.0"}}`)), true},
		"a key before":                     {`{"x":1,"packages":[` + good + `]}`, false},
		"a key after":                      {`{"packages":[` + good + `],"x":1}`, false},
		"no packages":                      {index(), false},
		"another key":                      {`{"package":[` + good + `]}`, false},
		"a list":                           {`[` + good + `]`, false},
		"empty":                            {``, false},
		"cut short":                        {index(good)[:40], false},
		"two documents":                    {index(good) + index(good), false},
		"no package_manifest":              {index(`{"name":"a","version":"1.0.0","format_version":"1.0.0"}`), false},
		"a key beside":                     {index(`{"x":1,` + good[1:]), false},
		"twice":                            {index(good, good), false},
		"a version of two numbers":         {index(entry(`"name":"a","version":"1.0","format_version":"1.0.0"`)), false},
		"a version with a v":               {index(entry(`"name":"a","version":"v1.0.0","format_version":"1.0.0"`)), false},
		"no version":                       {index(entry(`"name":"a","format_version":"1.0.0"`)), false},
		"no name":                          {index(entry(`"version":"1.0.0","format_version":"1.0.0"`)), false},
		"no format_version":                {index(entry(`"name":"a","version":"1.0.0"`)), false},
		"a constraint that does not parse": {index(entry(`"name":"a","version":"1.0.0","format_version":"1.0.0","conditions":{"kibana":{"version":"eight"}}`)), false},
		"a constraint of the agent's":      {index(entry(`"name":"a","version":"1.0.0","format_version":"1.0.0","conditions":{"agent":{"version":"~~8"}}`)), false},
		"a package_manifest of a list":     {index(`{"package_manifest":[]}`), false},
	} {
		if _, err := all(c.index); (err == nil) != c.ok || err != nil && !errors.Is(err, ErrIndex) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for body, want := range map[string]string{
		`{"current":"000000000001"}`: "000000000001", "{ \"current\": \"1\" }\n": "1",
		`{"current":""}`: "", `{"current":"init"}`: "", `{"current":1}`: "", `{}`: "", ``: "", `{"current":"1","next":"2"}`: "", `{"current":null}`: "",
	} {
		if got, err := ParseCursor([]byte(body)); got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v", body, got, err)
		}
	}
}
