package indextest

import (
	"slices"
	"strings"
	"testing"
)

// Compare fails the test unless two lists of lines are equal. what names them.
func Compare(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s are\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}
