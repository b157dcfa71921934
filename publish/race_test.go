//go:build race

package publish

// raceEnabled reports whether the race detector is on.
const raceEnabled = true
