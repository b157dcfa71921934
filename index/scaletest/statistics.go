package scaletest

import (
	_ "embed"
	"encoding/json"
	"fmt"
)

// Statistics are what the generator knows of a real package storage.
type Statistics struct {
	// Branches counts package versions by branch.
	Branches map[string]int `json:"branches"`
	// Names is how many packages have those versions.
	Names int `json:"names"`
	// Versions is the number of versions of a package, over the mean.
	Versions Quantiles `json:"versions"`

	// Kibana tells how constraints on the Kibana version are written, and how
	// they change from one version of a package to the next.
	Kibana Evolution `json:"kibana"`
	// Released is the share of versions that are neither 0.x nor a pre-release.
	Released float64 `json:"released"`
	// Experimental is the share of versions with that release.
	Experimental float64 `json:"experimental"`

	// Types and Categories count packages, by the newest version of each.
	Types      map[string]int `json:"types"`
	Categories map[string]int `json:"categories"`
	// CategorySets is how many packages have 0, 1, 2, … categories.
	CategorySets []int `json:"category_sets"`
	// Templates and Streams are how many packages have 0, 1, 2, … policy
	// templates and data streams.
	Templates []int `json:"policy_templates"`
	Streams   []int `json:"data_streams"`
	// Description is its length, in bytes.
	Description Quantiles `json:"description"`

	// Files is the number of files of a version, NewFiles how many of them the
	// version before does not have, and FileSize their sizes in bytes.
	Files    Quantiles `json:"files"`
	NewFiles Quantiles `json:"new_files"`
	FileSize Quantiles `json:"file_size"`
}

// Evolution is how the constraints on the Kibana version change.
type Evolution struct {
	// Kept is how often a version has the constraint of the version before.
	Kept float64 `json:"kept"`
	// Steps is by how many minor releases the oldest accepted one moves
	// when it moves.
	Steps Quantiles `json:"steps"`
	// First is the oldest Kibana that the oldest version of a package
	// accepts, as its place in the list of minor releases.
	First Quantiles `json:"first"`
	// Patch is the share of constraints that begin with a patch release.
	Patch float64 `json:"patch"`
	// Alternatives is the share of constraints that also accept the next
	// major ("^7.16.0 || ^8.0.0"), of those that begin late enough;
	// Open the share that have no end (">=7.10.0"); None that of the versions
	// without a constraint.
	Alternatives float64 `json:"alternatives"`
	Open         float64 `json:"open"`
	None         float64 `json:"none"`
}

// Quantiles are the deciles of a distribution, from the smallest value on. The
// last, the eleventh, is the 99th percentile: the largest value may be far out.
type Quantiles []float64

// at is the value below which the share p of all values lies.
func (q Quantiles) at(p float64) float64 {
	at := p * float64(len(q)-1)
	i := min(int(at), len(q)-2)
	return q[i] + (q[i+1]-q[i])*(at-float64(i))
}

//go:embed statistics.json
var statistics []byte

// derived are the statistics of a real storage of 1,044 package versions.
func derived() (*Statistics, error) {
	s := new(Statistics)
	if err := json.Unmarshal(statistics, s); err != nil {
		return nil, fmt.Errorf("statistics.json: %w", err)
	}
	return s, nil
}
