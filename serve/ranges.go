package serve

import (
	"errors"
	"fmt"
	"net/textproto"
	"strconv"
	"strings"
)

// byteRange is a part of a content, in bytes. It is never empty, and lies
// within the content.
type byteRange struct{ start, length int64 }

func (r byteRange) contentRange(size int64) string {
	return fmt.Sprintf("bytes %d-%d/%d", r.start, r.start+r.length-1, size)
}

// maxRanges is how many ranges are sent at most, each being a request to the
// store. Who asks for more gets all of the content, as a server may choose
// (RFC 9110, section 14.2).
const maxRanges = 16

// What the reference, which uses net/http, says of ranges that it cannot send.
var (
	errRange   = errors.New("invalid range")
	errOverlap = errors.New("invalid range: failed to overlap")
)

// parseRange reads a Range header for a content of a size in bytes. Without
// ranges all of it is meant, which is also the answer to ranges that together
// are longer than the content. errRange is for what cannot be read, errOverlap
// for when every range begins beyond the end (RFC 9110, section 14.1.2).
func parseRange(header string, size int64) ([]byteRange, error) {
	if header == "" {
		return nil, nil
	}
	list, found := strings.CutPrefix(header, "bytes=")
	if !found {
		return nil, errRange
	}
	var ranges []byteRange
	beyond, total := false, int64(0)
	for item := range strings.SplitSeq(list, ",") {
		item = textproto.TrimString(item)
		if item == "" {
			continue
		}
		r, ok := oneRange(item, size)
		if !ok {
			return nil, errRange
		}
		if r.length == 0 {
			beyond = true
			continue
		}
		ranges = append(ranges, r)
		total += r.length
	}
	switch {
	case len(ranges) == 0 && beyond && size > 0:
		return nil, errOverlap
	case total > size || len(ranges) > maxRanges:
		return nil, nil
	}
	return ranges, nil
}

// oneRange reads "first-last", "first-" or "-suffix"; a range beyond the end
// has no length.
func oneRange(item string, size int64) (r byteRange, ok bool) {
	first, last, dash := strings.Cut(item, "-")
	first, last = textproto.TrimString(first), textproto.TrimString(last)
	if !dash {
		return r, false
	}
	if first == "" {
		n, ok := position(last)
		n = min(n, size)
		return byteRange{size - n, n}, ok
	}
	start, ok := position(first)
	if !ok || start >= size {
		return r, ok
	}
	end := size - 1
	if last != "" {
		n, ok := position(last)
		if !ok || n < start {
			return r, false
		}
		end = min(end, n)
	}
	return byteRange{start, end - start + 1}, true
}

// position reads digits, and nothing but digits.
func position(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
