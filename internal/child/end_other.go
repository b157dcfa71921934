//go:build !linux

package child

import "syscall"

// endWithParent has no equivalent outside of Linux: there a child outlives a
// test that is killed.
func endWithParent() *syscall.SysProcAttr { return nil }
