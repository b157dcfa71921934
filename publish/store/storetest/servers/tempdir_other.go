//go:build !linux

package servers

import "testing"

// MemoryDir is a folder that is removed when the test ends.
func MemoryDir(t testing.TB) string {
	t.Helper()
	return t.TempDir()
}
