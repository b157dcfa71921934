package store

import (
	"cloud.google.com/go/storage"
	"gocloud.dev/blob"
)

// rawReader reads objects as they are stored. GCS inflates objects that are
// marked gzip unless it is told not to, and then neither length nor digest fit.
var rawReader = &blob.ReaderOptions{
	BeforeRead: func(as func(any) bool) error {
		var h **storage.ObjectHandle
		if as(&h) {
			*h = (*h).ReadCompressed(true)
		}
		return nil
	},
}
