package answer

import (
	"fmt"
	"slices"
	"strconv"
)

// AnswerChange is a class of requests that another snapshot answers differently.
type AnswerChange struct {
	// URL is one request of the class, its parameters in the order of Query.Encode.
	URL string `json:"url"`
	// Queries is how many of the combinations that were looked at it stands for.
	Queries int `json:"queries"`
	// Removed, Added and Changed are entries of a search ("nginx-1.5.0") that
	// are no longer, are newly, or are still in the answer, with another
	// content. Of /categories Changed says by how much counts differ
	// ("security +1").
	Removed []string `json:"removed,omitempty"`
	Added   []string `json:"added,omitempty"`
	Changed []string `json:"changed,omitempty"`

	classes []Class // all whose answers change like this
}

// CompareAnswers finds the searches and categories that two tables answer
// differently: every combination of the values that can make a difference, as
// the build combines them. It looks only at packages whose rows differ, because
// what a search says of one name does not depend on any other; so the work is in
// proportion to what changed.
func CompareAnswers(old, new *Table) []AnswerChange {
	names := changedNames(old, new)
	if len(names) == 0 {
		return nil
	}
	c := comparison{old: old, new: new, at: map[string]int{}}
	for class := range newWalk(tables{old.part(names), new.part(names)}, names, 0).Classes {
		change := AnswerChange{classes: []Class{class}}
		if class.Query.Counting {
			change.Changed = c.counts(class)
		} else {
			c.search(class, &change)
		}
		c.note(change)
	}
	for i := range c.changes {
		change := &c.changes[i]
		change.URL = change.classes[0].Query.Target()
		for _, class := range change.classes {
			change.Queries += class.Queries()
		}
	}
	return c.changes
}

// comparison collects the changes of one CompareAnswers.
type comparison struct {
	old, new *Table
	changes  []AnswerChange
	at       map[string]int // class of answers → its change
}

// search finds how the answers to a class of searches differ.
func (c *comparison) search(class Class, change *AnswerChange) {
	was := entries(c.old, c.old.Pick(class.Rows[0], class.Query.Category))
	is := entries(c.new, c.new.Pick(class.Rows[1], class.Query.Category))
	for _, e := range was {
		i := slices.IndexFunc(is, func(o entry) bool { return o.id == e.id })
		switch {
		case i < 0:
			change.Removed = append(change.Removed, e.id)
		case is[i].content != e.content:
			change.Changed = append(change.Changed, e.id)
		}
	}
	for _, e := range is {
		if !slices.ContainsFunc(was, func(o entry) bool { return o.id == e.id }) {
			change.Added = append(change.Added, e.id)
		}
	}
}

// entry is one entry of a search's answer.
type entry struct{ id, content string }

func entries(t *Table, s Selection) []entry {
	out := make([]entry, len(s.Rows))
	for i, row := range s.Rows {
		content := string(t.Summary(row))
		for _, k := range s.Kept[row] {
			content += "," + strconv.Itoa(k)
		}
		if keep, cut := s.Kept[row]; cut && len(keep) == 0 {
			content += ",none"
		}
		out[i] = entry{t.Name(row) + "-" + t.Versions[row], content}
	}
	return out
}

// note keeps a change; classes whose answers change in the same way, on the
// same path, become one with the first as the example.
func (c *comparison) note(change AnswerChange) {
	if len(change.Removed)+len(change.Added)+len(change.Changed) == 0 {
		return
	}
	class := change.classes[0]
	class.Rows = nil
	k := fmt.Sprintf("%q %q %q %v %v", change.Removed, change.Added, change.Changed, class.Query.Counting, class.Query.Package != "")
	if i, seen := c.at[k]; seen {
		c.changes[i].classes = append(c.changes[i].classes, class)
		return
	}
	change.classes[0] = class
	c.at[k] = len(c.changes)
	c.changes = append(c.changes, change)
}

// URLs are a request of every class of queries whose answer changes like this.
func (a AnswerChange) URLs() []string {
	out := make([]string, len(a.classes))
	for i, class := range a.classes {
		out[i] = class.Query.Target()
	}
	return out
}
