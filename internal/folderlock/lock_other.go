//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd || windows)

package folderlock

import (
	"errors"
	"os"
)

// tryLock has no way here to take a lock that ends with its holder.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
