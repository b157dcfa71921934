package scaletest

import (
	"math"
)

// Options say what storage to make.
type Options struct {
	// Versions is the number of package versions of all branches together.
	Versions int
	// Seed makes another storage of the same kind.
	Seed uint64
	// Content is the share of a real version's files that is written beside
	// those that describe the package: 0 for none, 1 for as many as there are
	// in a real storage, as large.
	Content float64
	// Statistics are Derived unless set.
	Statistics *Statistics
}

// growth is how the number of names follows that of versions: both a registry's
// names and the versions of each become more. With it the 1,044 versions of 82
// names of the real storage become 10,000 of 400 and 100,000 of 2,000.
const growth = 0.7

// names is how many packages the versions belong to.
func (o Options) names() int {
	total := 0
	for _, n := range o.Statistics.Branches {
		total += n
	}
	n := float64(o.Statistics.Names) * math.Pow(float64(o.Versions)/float64(total), growth)
	return max(min(int(math.Round(n)), o.Versions), 1)
}

// What a storage of 2022 cannot tell, because packages did not have it yet: the
// shares are those of a registry of today, roughly.
const (
	prereleases       = 0.06 // versions with a pre-release part
	withCapabilities  = 0.04 // packages that require capabilities
	withAgent         = 0.10 // packages that name an agent version
	withDiscovery     = 0.05 // packages that tell by what data they are useful
	withDeprecation   = 0.02 // packages whose last version carries a notice
	contentPackages   = 0.06 // packages of type content
	inputPackages     = 0.08 // packages of type input
	templateCategory  = 0.25 // policy templates with categories of their own
	firstCapabilities = 0.5  // the age from which a package requires capabilities
	firstAgent        = 0.6  // and from which it names an agent version
)

// capabilities are the lists that packages require, the commonest first.
var capabilities = [][]string{
	{"security"}, {"observability"}, {"security"}, {"apm"}, {"uptime"}, {"observability", "uptime"}, {"apm", "observability"}, {"observability", "security"},
}

// specs are the versions of the package format, in the order in which packages
// came to use them.
var specs = []string{
	"1.0.0", "1.0.0", "1.0.0", "1.1.0", "1.2.0", "2.0.0", "2.1.0", "2.3.0", "2.5.1", "2.7.0", "2.8.0", "2.9.0", "2.10.0", "2.11.0", "2.12.0",
	"3.0.0", "3.0.2", "3.1.0", "3.1.4", "3.2.0", "3.3.0", "3.4.0", "3.5.0",
}
