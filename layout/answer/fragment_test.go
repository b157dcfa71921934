package answer_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index/parse"
	"github.com/regsnap/regsnap/layout/answer"
)

func ExampleKeepTemplates() {
	const summary = `  {
    "name": "web",
    "policy_templates": [
      {
        "name": "nginx"
      },
      {
        "name": "apache"
      }
    ],
    "group": "servers"
  }`
	fmt.Println(string(answer.KeepTemplates([]byte(summary), []int{1})))
	fmt.Println(string(answer.KeepTemplates([]byte(summary), nil)))
	// Output:
	//   {
	//     "name": "web",
	//     "policy_templates": [
	//       {
	//         "name": "apache"
	//       }
	//     ],
	//     "group": "servers"
	//   }
	//   {
	//     "name": "web",
	//     "group": "servers"
	//   }
}

// TestKeepTemplates holds the cut text to the rendering of the cut package, for
// every subset of up to four policy templates and packages that end with them,
// go on after them, or have none.
func TestKeepTemplates(t *testing.T) {
	hostile := "\n    ]\n      },\n    \"policy_templates\": [\n"
	templates := []parse.PolicyTemplate{
		{Name: "a", Title: "A", Description: hostile},
		{Name: "b", Icons: []parse.Image{{Src: "x"}, {Src: "y"}}, Categories: []string{"web"}},
		{Name: "c", DeploymentModes: &parse.DeploymentModes{Agentless: &parse.AgentlessMode{}}},
		{Name: "d", DataStreams: []string{"l", "m"}, Deprecated: &parse.Deprecated{ReplacedBy: &parse.Replacement{}}},
	}
	for n := range len(templates) + 1 {
		for _, m := range []parse.Manifest{
			{Name: "last", Description: hostile},
			{Name: "more", Title: hostile, Owner: &parse.Owner{}, Group: hostile},
		} {
			m.PolicyTemplates = templates[:n]
			subsets(t, &parse.Package{Manifest: m})
		}
	}
}

// subsets tries all subsets of the first policy templates, each with and
// without all the others.
func subsets(t *testing.T, p *parse.Package) {
	t.Helper()
	const most = 4
	all := p.PolicyTemplates
	few := min(len(all), most)
	whole := build.Summary(p, build.View{})
	before := slices.Clone(whole)
	for bits := range 1 << (few + 1) {
		var keep []int
		var kept []parse.PolicyTemplate
		for i := range all {
			if bits&(1<<min(i, few)) != 0 {
				keep = append(keep, i)
				kept = append(kept, all[i])
			}
		}
		cut := *p
		cut.PolicyTemplates = kept
		want := build.Summary(&cut, build.View{})
		if got := answer.KeepTemplates(whole, keep); string(got) != string(want) {
			t.Fatalf("%s-%s, keeping %d:\n%s\nwant\n%s", p.Name, p.Version, keep, got, want)
		}
	}
	if string(whole) != string(before) {
		t.Fatalf("%s-%s: KeepTemplates changed what it was given", p.Name, p.Version)
	}
}
