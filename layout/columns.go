package layout

import (
	"fmt"
	"strings"
)

// digits are the 64 digits of a packed column, in order: those of base64url
// (RFC 4648, section 5).
const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

// pack writes numbers with equally many digits of base 64 each, as few as the
// largest one needs, most significant first. So the number of a row is found
// where it lies, by its position alone: nobody has to read the others.
// A negative number, which no column has, is written as one that no table has.
func pack[N ~int | ~uint8](numbers []N) string {
	largest := uint64(0)
	for _, n := range numbers {
		largest = max(largest, uint64(n))
	}
	width := 1
	for largest >>= 6; largest > 0; largest >>= 6 {
		width++
	}
	b := make([]byte, len(numbers)*width)
	for i, n := range numbers {
		v := uint64(n)
		for d := (i+1)*width - 1; d >= i*width; d-- {
			b[d] = digits[v%64]
			v /= 64
		}
	}
	return string(b)
}

// maxWidth is how many digits a number may have: 30 bits are enough for the
// length of any summary, and fit into the numbers of every language.
const maxWidth = 5

// maxNumber is the largest number of a column.
const maxNumber = 1<<(6*maxWidth) - 1

// unpack is the inverse of pack for a column of n rows.
func unpack(column string, n int) ([]int, error) {
	if n == 0 {
		if column != "" {
			return nil, fmt.Errorf("%d characters for no row", len(column))
		}
		return []int{}, nil
	}
	width := len(column) / n
	if len(column)%n != 0 || width < 1 || width > maxWidth {
		return nil, fmt.Errorf("%d characters, want 1 to %d for each of %d rows", len(column), maxWidth, n)
	}
	out := make([]int, n)
	for i := range column {
		d := strings.IndexByte(digits, column[i])
		if d < 0 {
			return nil, fmt.Errorf("row %d: %q is not a digit", i/width, column[i])
		}
		out[i/width] = out[i/width]<<6 | d
	}
	return out, nil
}
