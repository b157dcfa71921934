// Package suggest finds what a mistyped word was meant to be.
package suggest

import (
	"fmt"

	"github.com/xrash/smetrics"
)

// alike is how alike two words must be, from 0 to 1, for one to be suggested
// where the other was typed. Words that share a beginning count as more alike.
const alike = 0.84

// DidYouMean is what to add to an error about a word that is not one of those
// known; "" when none is like it.
func DidYouMean(word string, known []string) string {
	best, score := "", alike
	for _, k := range known {
		if s := smetrics.JaroWinkler(word, k, 0.7, 4); s >= score && k != word {
			best, score = k, s
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
