package build

import "context"

// Store is what a build needs of a bucket. Implementations are safe for
// concurrent use.
type Store interface {
	// Read returns an object; fs.ErrNotExist when there is none.
	Read(ctx context.Context, key string) ([]byte, error)
	// Put stores an object that will never change. When Put returns, the
	// object is there, whole. An object that is there already stays as it is:
	// the same key always means the same bytes.
	Put(ctx context.Context, o Object) error
}

// Object is one object of the bucket and the headers that it carries.
type Object struct {
	Key          string
	Body         []byte
	ContentType  string
	CacheControl string
	// ContentEncoding is "gzip" or empty.
	ContentEncoding string
	// SHA256 of Body in hexadecimal, where it is at hand: a store may use it to
	// keep identical contents once.
	SHA256 string
}
