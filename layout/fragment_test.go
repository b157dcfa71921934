package layout_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/regsnap/regsnap/build"
	"github.com/regsnap/regsnap/index"
	"github.com/regsnap/regsnap/layout"
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
	fmt.Println(string(layout.KeepTemplates([]byte(summary), []int{1})))
	fmt.Println(string(layout.KeepTemplates([]byte(summary), nil)))
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
	templates := []index.PolicyTemplate{
		{Name: "a", Title: "A", Description: hostile},
		{Name: "b", Icons: []index.Image{{Src: "x"}, {Src: "y"}}, Categories: []string{"web"}},
		{Name: "c", DeploymentModes: &index.DeploymentModes{Agentless: &index.AgentlessMode{}}},
		{Name: "d", DataStreams: []string{"l", "m"}, Deprecated: &index.Deprecated{ReplacedBy: &index.Replacement{}}},
	}
	for n := range len(templates) + 1 {
		for _, m := range []index.Manifest{
			{Name: "last", Description: hostile},
			{Name: "more", Title: hostile, Owner: &index.Owner{}, Group: hostile},
		} {
			m.PolicyTemplates = templates[:n]
			subsets(t, &index.Package{Manifest: m})
		}
	}
}

// TestKeepTemplatesReal does so for the packages of a real package storage:
// REGSNAP_PACKAGES names the folder that has <name>/<version>/ in it.
func TestKeepTemplatesReal(t *testing.T) {
	root := os.Getenv("REGSNAP_PACKAGES")
	if root == "" {
		t.Skip("REGSNAP_PACKAGES is not set")
	}
	dirs, err := filepath.Glob(filepath.Join(root, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	parser := index.NewParser()
	tested := 0
	for _, dir := range dirs {
		p, errs, _ := parser.Parse(filepath.Base(filepath.Dir(dir)), filepath.Base(dir), folder(dir))
		if p == nil {
			t.Errorf("%s: %v", dir, errs)
			continue
		}
		if len(p.PolicyTemplates) > 0 {
			subsets(t, p)
			tested++
		}
	}
	t.Logf("%d packages", tested)
}

// subsets tries all subsets of the first policy templates, each with and
// without all the others.
func subsets(t *testing.T, p *index.Package) {
	t.Helper()
	const most = 4
	all := p.PolicyTemplates
	few := min(len(all), most)
	whole := build.Summary(p, build.View{})
	before := slices.Clone(whole)
	for bits := range 1 << (few + 1) {
		var keep []int
		var kept []index.PolicyTemplate
		for i := range all {
			if bits&(1<<min(i, few)) != 0 {
				keep = append(keep, i)
				kept = append(kept, all[i])
			}
		}
		cut := *p
		cut.PolicyTemplates = kept
		want := build.Summary(&cut, build.View{})
		if got := layout.KeepTemplates(whole, keep); string(got) != string(want) {
			t.Fatalf("%s-%s, keeping %d:\n%s\nwant\n%s", p.Name, p.Version, keep, got, want)
		}
	}
	if string(whole) != string(before) {
		t.Fatalf("%s-%s: KeepTemplates changed what it was given", p.Name, p.Version)
	}
}

// folder is a package in a directory.
type folder string

func (f folder) Files() []index.File {
	var list []index.File
	_ = fs.WalkDir(os.DirFS(string(f)), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			list = append(list, index.File{Path: path})
		}
		return err
	})
	return list
}

func (f folder) Read(path string) ([]byte, error) {
	return os.ReadFile(filepath.Join(string(f), path))
}
