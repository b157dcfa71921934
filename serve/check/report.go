package check

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

// maxExamples is how many differences of a group a report has.
const maxExamples = 100

// Report is what a check found.
type Report struct {
	Against     string `json:"against"`
	Host        string `json:"host,omitempty"`
	Environment string `json:"environment"`
	// Snapshots were live during the check, in order: one, unless the pointer
	// moved.
	Snapshots []string `json:"snapshots"`
	Level     Level    `json:"level"`
	Seed      uint64   `json:"seed"`

	// Planned are the requests to send, Possible what there would be without
	// Options.MaxRequests. Requests are those that were sent, attempts to send
	// one again included.
	Planned  int   `json:"planned"`
	Possible int   `json:"possible"`
	Requests int64 `json:"requests"`
	Bytes    int64 `json:"bytes"` // of bodies
	// Addresses are the addresses that were compared, Skipped those that the
	// state file knows to be alike.
	Addresses int `json:"addresses"`
	Skipped   int `json:"skipped,omitempty"`
	// Late are answers of a snapshot that caches may still have.
	Late int64 `json:"late,omitempty"`
	// Complete is false when the check was interrupted.
	Complete bool `json:"complete"`

	Differences int     `json:"differences"`
	Groups      []Group `json:"groups"`
}

// Group is the differences of one kind of request that have one problem.
type Group struct {
	Kind    string `json:"kind"`
	Problem string `json:"problem"`
	Count   int    `json:"count"`
	// Examples are some of them.
	Examples []Difference `json:"examples"`
}

// Same tells that nothing differs.
func (r *Report) Same() bool { return r.Differences == 0 }

// add notes differences.
func (r *Report) add(found []Difference) {
	for _, d := range found {
		r.Differences++
		i := slices.IndexFunc(r.Groups, func(g Group) bool { return g.Kind == d.Kind && g.Problem == d.Problem })
		if i < 0 {
			i = len(r.Groups)
			r.Groups = append(r.Groups, Group{Kind: d.Kind, Problem: d.Problem})
		}
		g := &r.Groups[i]
		g.Count++
		if len(g.Examples) < maxExamples {
			g.Examples = append(g.Examples, d)
		}
	}
}

// sort puts the largest groups first.
func (r *Report) sort() {
	slices.SortFunc(r.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Kind, b.Kind), strings.Compare(a.Problem, b.Problem))
	})
	for _, g := range r.Groups {
		slices.SortFunc(g.Examples, func(a, b Difference) int {
			return cmp.Or(strings.Compare(a.Request, b.Request), strings.Compare(a.Way, b.Way))
		})
	}
}

// withoutPassword is a URL that can be shown.
func withoutPassword(rawURL string) string {
	u, err := url.Parse(rawURL)
	if err != nil {
		return "?"
	}
	return u.Redacted()
}
