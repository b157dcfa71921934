package scaletest

import (
	"fmt"
	"math/rand/v2"
)

// release is a minor release of Kibana.
type release struct{ major, minor int }

// releases are the minor releases of Kibana that packages name, in order.
// Source: Elastic's past releases, 7.9 to 9.3.
var releases = func() []release {
	var out []release
	for _, r := range []struct{ major, first, last int }{{7, 9, 17}, {8, 0, 19}, {9, 0, 3}} {
		for minor := r.first; minor <= r.last; minor++ {
			out = append(out, release{r.major, minor})
		}
	}
	return out
}()

// lateReleases is how many minor releases before the next major packages begin
// to accept that as well.
const lateReleases = 4

// nextMajor is the place of the first release of the major after that at place
// at; -1 if there is none.
func nextMajor(at int) int {
	if at < 0 {
		return -1
	}
	for i := at; i < len(releases); i++ {
		if releases[i].major > releases[at].major {
			return i
		}
	}
	return -1
}

// kibana is the constraint of one package, from version to version.
type kibana struct {
	Evolution
	rng   *rand.Rand
	floor int // in releases
	text  string
}

func newKibana(e Evolution, rng *rand.Rand) *kibana {
	k := &kibana{Evolution: e, rng: rng, floor: int(e.First.at(rng.Float64()))}
	k.write()
	return k
}

// next moves on to the next version of the package.
func (k *kibana) next() {
	if k.rng.Float64() < k.Kept {
		return
	}
	k.floor = min(k.floor+max(int(k.Steps.at(k.rng.Float64())), 1), len(releases)-1)
	k.write()
}

func (k *kibana) write() {
	from := releases[k.floor]
	patch := 0
	if k.rng.Float64() < k.Patch {
		patch = 1 + k.rng.IntN(3)
	}
	at := fmt.Sprintf("%d.%d.%d", from.major, from.minor, patch)
	next := nextMajor(k.floor)
	switch p := k.rng.Float64(); {
	case p < k.None:
		k.text = ""
	case p < k.None+k.Open:
		k.text = ">=" + at
	case next >= 0 && next-k.floor <= lateReleases && k.rng.Float64() < k.Alternatives:
		k.text = fmt.Sprintf("^%s || ^%d.0.0", at, releases[next].major)
	default:
		k.text = "^" + at
	}
}

// age is how far the package has come, from 0 to 1.
func (k *kibana) age() float64 { return float64(k.floor) / float64(len(releases)-1) }
