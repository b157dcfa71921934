package indextest

import (
	"os"
	"path/filepath"
	"testing"
)

// RealFolder has package-storage.git, a real package storage, and what the reference
// registry answered for it. Make sets REGSNAP_REAL to it.
func RealFolder(t testing.TB) string {
	return named(t, "REGSNAP_REAL", "package-storage.git and the recordings: run make conformance REAL=…")
}

// RealStorage is the repository of RealFolder.
func RealStorage(t testing.TB) string {
	return filepath.Join(RealFolder(t), "package-storage.git")
}

// PeerFolder has test packages of others and made-up ones, as storage.git and
// made-up.git, and what the reference registry answered for them.
func PeerFolder(t testing.TB) string {
	return named(t, "REGSNAP_PEER", "storage.git, made-up.git and their recordings: run make conformance PEER=…")
}

func named(t testing.TB, variable, what string) string {
	t.Helper()
	folder := os.Getenv(variable)
	if folder == "" {
		t.Fatalf("%s must name the folder with %s", variable, what)
	}
	return folder
}
