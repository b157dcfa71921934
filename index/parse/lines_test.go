package parse

import "testing"

func TestLineOf(t *testing.T) {
	const text = `name: x
conditions.kibana.version: 1
  title: not at the top
conditions:
  agent.version: 2
titles: y
title : z`
	if got := lineOf([]byte(": b\n.c: d\na: 1"), "a"); got != 3 {
		t.Errorf("behind lines that begin as the rest of a key does: %d, want 3", got)
	}
	for key, want := range map[string]int{
		"name": 1, "conditions.kibana": 2, "conditions.kibana.version": 2, "conditions.agent": 2,
		"title": 7, "titles": 6, "agent": 0, "": 0, "name.first": 1, "owner.github": 0,
	} {
		if got := lineOf([]byte(text), key); got != want {
			t.Errorf("%q is at line %d, want %d", key, got, want)
		}
	}
}
