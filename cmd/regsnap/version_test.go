package main

import "testing"

func TestReleaseOf(t *testing.T) {
	for noted, want := range map[string]string{
		"v1.2.3":                               "v1.2.3",
		"v1.2.3-rc.1":                          "v1.2.3-rc.1",
		"v10.20.30":                            "v10.20.30",
		"":                                     "main",
		"(devel)":                              "main",
		"v1.2.3+dirty":                         "main",
		"v1.2":                                 "main",
		"1.2.3":                                "main",
		"v0.0.0-20261128024018-0123456789ab":   "main",
		"v1.2.4-0.20261128024018-0123456789ab": "main",
		"v1.2.3-rc.1.0.20261128024018-0123456789ab": "main",
		"v0.0.0-20261128024018-0123456789ab+dirty":  "main",
	} {
		if got := releaseOf(noted); got != want {
			t.Errorf("%q is release %q, want %q", noted, got, want)
		}
	}
}
