package promote

import (
	"testing"

	again "github.com/regsnap/regsnap/internal/retry"
)

// What the tests outside of the package see of it.
var (
	ParseRefs = parseRefs
	MaxAnswer = maxAnswer
)

const MaxSignature = maxSignature

// SetRaces says for a test how often a change is made again, without a pause.
func SetRaces(t *testing.T, attempts int) {
	before := races
	races = again.Policy{Attempts: attempts}
	t.Cleanup(func() { races = before })
}
