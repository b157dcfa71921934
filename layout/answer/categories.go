package answer

import (
	"maps"
	"slices"

	"github.com/regsnap/regsnap/layout"
)

// categoryCount is an entry of /categories, its fields in the API's order.
type categoryCount struct {
	ID          string `json:"id"`
	Title       string `json:"title"`
	Count       int    `json:"count"`
	ParentID    string `json:"parent_id,omitempty"`
	ParentTitle string `json:"parent_title,omitempty"`
}

// Count writes the answer to a Counting query.
// Source: the registry API, "How categories are counted".
func (t *Table) Count(s Selection, includeTemplates bool) []byte {
	counts := map[string]int{}
	for _, row := range s.Rows {
		own := t.Labels[t.Label[row]]
		for _, c := range own {
			counts[c]++
		}
		if includeTemplates {
			t.countTemplates(counts, own, t.Templates[t.Template[row]])
		}
	}
	out := make([]categoryCount, 0, len(counts))
	for _, id := range slices.Sorted(maps.Keys(counts)) {
		c := categoryCount{ID: id, Title: id, Count: counts[id]}
		if known, ok := t.titles[id]; ok {
			c.Title = known.Title
			if known.Parent != "" {
				c.ParentID, c.ParentTitle = known.Parent, t.titles[known.Parent].Title
			}
		}
		out = append(out, c)
	}
	return layout.Encode(out, "  ")
}

func (t *Table) countTemplates(counts map[string]int, own []string, templates []layout.Template) {
	met := map[string]bool{}
	for _, template := range templates {
		if template.Categories == nil && len(templates) == 1 {
			return
		}
		for _, c := range own {
			counts[c]++
		}
		for _, c := range template.Categories {
			if !met[c] && !t.hasCategory(own, c) {
				counts[c]++
			}
			met[c] = true
			counts[c]++
		}
	}
}
