package main

import (
	"regexp"
	"strings"
	"testing"
)

// ciCondition judges the conditions that the files use: comparisons with == and !=,
// negations, and, or, parentheses.
func ciCondition(t *testing.T, text string, values map[string]string) bool {
	t.Helper()
	tokens := ciToken.FindAllString(text, -1)
	if strings.Join(tokens, "") != strings.Join(strings.Fields(text), "") && !strings.ContainsAny(text, `'"`) {
		t.Fatalf("condition %q: this test does not understand it", text)
	}
	value := func(token string) string {
		switch {
		case token == "null":
			return ""
		case token[0] == '\'' || token[0] == '"':
			return token[1 : len(token)-1]
		}
		return values[token]
	}
	var either func() bool
	next := func() string {
		if len(tokens) == 0 {
			t.Fatalf("condition %q ends too early", text)
		}
		token := tokens[0]
		tokens = tokens[1:]
		return token
	}
	var one func() bool
	one = func() bool {
		token := next()
		switch token {
		case "!":
			return !one()
		case "(":
			got := either()
			if next() != ")" {
				t.Fatalf("condition %q: want )", text)
			}
			return got
		}
		if len(tokens) > 0 && (tokens[0] == "==" || tokens[0] == "!=") {
			equal := next() == "=="
			return (value(token) == value(next())) == equal
		}
		return value(token) != "" && value(token) != "false"
	}
	both := func() bool {
		got := one()
		for len(tokens) > 0 && tokens[0] == "&&" {
			next()
			also := one()
			got = got && also
		}
		return got
	}
	either = func() bool {
		got := both()
		for len(tokens) > 0 && tokens[0] == "||" {
			next()
			other := both()
			got = got || other
		}
		return got
	}
	got := either()
	if len(tokens) > 0 {
		t.Fatalf("condition %q: %q is left", text, tokens)
	}
	return got
}

var ciToken = regexp.MustCompile(`&&|\|\||==|!=|!|\(|\)|'[^']*'|build\.env\("\w+"\)|"[^"]*"|\$?[\w.]+`)
