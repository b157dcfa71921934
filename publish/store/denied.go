package store

import (
	"errors"
	"io/fs"
	"net/http"
)

// Denied reports whether an error says that the caller may not do what it tried,
// or is not known to the store.
func Denied(err error) bool {
	status := httpStatus(err)
	return status == http.StatusForbidden || status == http.StatusUnauthorized || errors.Is(err, fs.ErrPermission)
}
