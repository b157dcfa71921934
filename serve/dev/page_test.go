package dev

import (
	"fmt"
	"strings"
	"testing"

	"github.com/regsnap/regsnap/index"
)

// TestInject puts the banner behind the start of the body and the script before its end,
// wherever a page has them.
func TestInject(t *testing.T) {
	for page, want := range map[string]string{
		"<html><body><p>a</p></body></html>": "<html><body>TOP<p>a</p>END</body></html>",
		"<body class=\"x\">a</body>":         "<body class=\"x\">TOPaEND</body>",
		"<body></body>":                      "<body>TOPEND</body>",
		"<body>":                             "<body>TOPEND",
		"<body>a":                            "<body>TOPaEND",
		"a</body>":                           "TOPaEND</body>",
		"</body>":                            "TOPEND</body>",
		"a":                                  "TOPaEND",
		"":                                   "TOPEND",
		"</body>a<body>b":                    "</body>a<body>TOPbEND",
		"<body no end":                       "TOP<body no endEND",
		"<p>1 > 0</p><body>a</body>":         "<p>1 > 0</p><body>TOPaEND</body>",
		"<body><code></body></code>a</body></html>b": "<body>TOP<code></body></code>aEND</body></html>b",
	} {
		s := State{Generation: 7, Failure: "x"}
		end := fmt.Sprintf(`<script data-generation="7" data-events="/-/dev/events">%s</script>`, script)
		want = strings.NewReplacer("TOP", banner(s), "END", end).Replace(want)
		if got := string(inject([]byte(page), s)); got != want {
			t.Errorf("%q: %q, want %q", page, got, want)
		}
	}
}

// TestBanner: all that a banner says, and what it says of each state.
func TestBanner(t *testing.T) {
	problems := func(n int) (s State) {
		for i := range n {
			s.Errors = append(s.Errors, index.Problem{File: "m.yml", Line: i, Rule: "a-rule", Detail: "1 < 2"})
		}
		return s
	}
	one := `<li><code>m.yml</code> 1 &lt; 2 <b>a-rule</b></li>`
	lines := func(n int) string {
		all := one
		for i := 1; i < n; i++ {
			all += fmt.Sprintf(`<li><code>m.yml:%d</code> 1 &lt; 2 <b>a-rule</b></li>`, i)
		}
		return all
	}
	with := func(s State, change func(*State)) State {
		change(&s)
		return s
	}
	more := `<li>… and %d more: <a href="/-/dev/findings">all as JSON</a></li>`
	for what, c := range map[string]struct {
		state         State
		summary, list string // both empty: no banner
	}{
		"nothing is wrong":  {state: State{Generation: 1, Packages: 1}},
		"warnings":          {state: State{Findings: index.Findings{Warnings: problems(1).Errors}}},
		"one":               {problems(1), "1 error", one},
		"two":               {problems(2), "2 errors", lines(2)},
		"as many as listed": {problems(20), "20 errors", lines(20)},
		"one more":          {problems(21), "21 errors", lines(20) + fmt.Sprintf(more, 1)},
		"many more":         {problems(120), "120 errors", lines(20) + fmt.Sprintf(more, 100)},
		"kept": {with(problems(1), func(s *State) { s.Kept = []string{"a-1.0.0", "b-<2>"} }),
			"1 error; shown as before the change: a-1.0.0, b-&lt;2&gt;", one},
		"missing": {with(problems(1), func(s *State) { s.Missing = []string{"a-1.0.0", "b-<2>"} }),
			"1 error; not shown: a-1.0.0, b-&lt;2&gt;", one},
		"both": {with(problems(2), func(s *State) { s.Kept, s.Missing = []string{"a-1.0.0"}, []string{"b-1.0.0"} }),
			"2 errors; shown as before the change: a-1.0.0; not shown: b-1.0.0", lines(2)},
		"a failure": {State{Failure: "a < b"}, "The registry could not be built again", "<li>a &lt; b</li>"},
		"a failure and errors": {with(problems(1), func(s *State) { s.Failure = "broken" }),
			"The registry could not be built again", "<li>broken</li>" + one},
	} {
		want := ""
		if c.list != "" {
			want = `<link rel="stylesheet" href="/-/dev/banner.css"><details open class="dev-banner" role="status"><summary>` + c.summary + "</summary><ul>" + c.list + "</ul></details>"
		}
		if got := banner(c.state); got != want {
			t.Errorf("%s: %s\nwant %s", what, got, want)
		}
	}
	hostile := State{Findings: index.Findings{Errors: []index.Problem{{File: "<f>", Line: 1, Rule: "<r>"}}}}
	if got := banner(hostile); !strings.Contains(got, "<li><code>&lt;f&gt;:1</code>  <b>&lt;r&gt;</b></li>") {
		t.Errorf("%s", got)
	}
}
