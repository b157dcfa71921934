package child

import "syscall"

// endWithParent has the kernel kill the child when its parent is gone, however
// that ended.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
