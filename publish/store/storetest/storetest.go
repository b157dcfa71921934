// Package storetest is the contract of store.Store as tests that every store
// passes. Package servers beside it runs real stores, and package faultproxy
// makes the way to them unreliable.
package storetest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/layout"
	"github.com/regsnap/regsnap/publish/store"
)

// Run tests a store. open returns one that is empty and used by nobody else; who
// opens it closes it.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, store.Store)
	}{
		{"put and read", testPutAndRead},
		{"missing", testMissing},
		{"the first put stays", testFirstPutStays},
		{"ranges", testRanges},
		{"odd keys", testOddKeys},
		{"sizes", testSizes},
		{"encoded objects come as they are", testEncoded},
		{"parallel puts", testParallelPuts},
		{"parallel puts of one key", testParallelPutsOfOneKey},
		{"list", testList},
		{"long list", testLongList},
		{"delete", testDelete},
		{"canceled", testCanceled},
		{"pointer", testPointer},
		{"pointer race", testPointerRace},
		{"pointer canceled", testPointerCanceled},
		{"capabilities", testCapabilities},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, open(t)) })
	}
}

// object is one to store; its type is of no interest.
func object(key string, body []byte) layout.Object {
	return layout.Object{Key: key, Body: body, ContentType: "application/octet-stream", CacheControl: "public, max-age=600"}
}

// put stores an object, or ends the test.
func put(t *testing.T, b store.Store, key, body string) {
	t.Helper()
	if err := b.Put(t.Context(), object(key, []byte(body))); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

// want reads an object and compares it.
func want(t *testing.T, b store.Store, key string, body []byte) {
	t.Helper()
	got, err := Read(t.Context(), b, key)
	if err != nil {
		t.Errorf("read: %v", err)
		return
	}
	if !bytes.Equal(got, body) {
		t.Errorf("%s: read %s, want %s", key, short(got), short(body))
	}
}

func short(body []byte) string {
	if len(body) <= 60 {
		return fmt.Sprintf("%q", body)
	}
	return fmt.Sprintf("%d bytes, %q…", len(body), body[:20])
}

// noise is size bytes that do not compress, the same every time.
func noise(size int) []byte {
	body := make([]byte, size)
	rand.NewChaCha8([32]byte{1}).Read(body) // it never fails
	return body
}

// revision is a package revision to make keys with.
var revision = layout.Revision{Name: "nginx", Version: "1.2.0", ID: strings.Repeat("0a", 10)}
