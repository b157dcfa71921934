package layout

// Object is one object of the bucket and the headers that it carries.
type Object struct {
	Key          string
	Body         []byte
	ContentType  string
	CacheControl string
	// ContentEncoding is "gzip" or empty.
	ContentEncoding string
	// SHA256 of Body in hexadecimal, where it is at hand: a store may use it to
	// keep identical contents once, and to check what arrived.
	SHA256 string
}
