package layout

import (
	"fmt"
	"time"
)

// CachePolicy is how long clients may keep answers. A CDN caches by the URL of
// the API, so these are the times that API clients see as well.
type CachePolicy struct {
	// Index is for / and package documents, in seconds.
	Index int `json:"index"`
	// Content is for search, categories, files and archives, in seconds.
	Content int `json:"content"`
}

// DefaultCachePolicy is that of the reference registry.
var DefaultCachePolicy = CachePolicy{Index: 10, Content: 600}

// Validate refuses what no client could use.
func (c CachePolicy) Validate() error {
	const most = int(365 * 24 * time.Hour / time.Second)
	if c.Index < 0 || c.Index > most || c.Content < 0 || c.Content > most {
		return fmt.Errorf("cache times %d s and %d s: want 0 to %d s", c.Index, c.Content, most)
	}
	return nil
}

// CacheClass says which policy an answer falls under.
type CacheClass uint8

const (
	NoCacheHeader CacheClass = iota // redirects and /health say nothing
	CacheIndex
	CacheContent
	CacheError
)

// Header gives the values of Cache-Control for a class, a header line each.
func (c CachePolicy) Header(class CacheClass) []string {
	switch class {
	case CacheIndex:
		return []string{fmt.Sprintf("max-age=%d", c.Index), "public"}
	case CacheContent:
		return []string{fmt.Sprintf("max-age=%d", c.Content), "public"}
	case CacheError:
		return []string{"max-age=0", "private, no-store"}
	}
	return nil
}
