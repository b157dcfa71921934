package main

import (
	"errors"
	"testing"
)

func TestHealthURL(t *testing.T) {
	for listen, want := range map[string]string{
		":8080":          "http://127.0.0.1:8080/health",
		"0.0.0.0:9000":   "http://127.0.0.1:9000/health",
		"[::]:9000":      "http://[::1]:9000/health",
		"localhost:8080": "http://localhost:8080/health",
		"10.1.2.3:80":    "http://10.1.2.3:80/health",
	} {
		if got, err := healthURL(listen); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", listen, got, err, want)
		}
	}
	var usage usageError
	if _, err := healthURL("8080"); !errors.As(err, &usage) {
		t.Errorf("8080: %v", err)
	}
}
