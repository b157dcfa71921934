package lint

import (
	"encoding/json"
	"encoding/xml"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regsnap/regsnap/index"
)

// hostile has in every field what could break a format.
var hostile = index.Problem{
	Branch: "production", Package: "web", Version: "1.0.0", File: "packages/web/1.0.0/a b%<\x01&\"]]>.md", Line: 7,
	Rule: "some-rule", Detail: "100% <wrong>\x1b & \"so\" ]]>\n\uFFFE\xff", Owner: "acme/web",
	Commit: &index.Commit{Hash: "0123456789abcdef0123456789abcdef01234567", Author: "M <m@x>", Time: time.Unix(0, 0)},
}

func sample() *Result {
	inside := index.Problem{Branch: "production", Package: "web", Version: "1.1.0", File: "packages/web-1.1.0.zip!manifest.yml", Line: 3, Rule: "other-rule", Detail: "is wrong"}
	beside := index.Problem{Branch: "production", File: "packages/x", Rule: "some-rule", Detail: "is beside"}
	return &Result{
		Branch: "production",
		Changes: []index.Change{
			{New: index.Entry{Name: "web", Version: "1.0.0"}}, {New: index.Entry{Name: "web", Version: "1.1.0"}}, {Old: index.Entry{Name: "web", Version: "0.9.0"}},
		},
		Report: index.Findings{Errors: []index.Problem{hostile, hostile, beside}, Warnings: []index.Problem{inside}},
	}
}

// What the SARIF 2.1.0 schema requires, and code scanning on top of it: a
// version, a tool with a name, for each result a message, a level of the
// enumeration, a rule that its index points to, and a location that is a URI
// relative to the repository with a line from 1.
func TestSARIF(t *testing.T) {
	var b strings.Builder
	if err := WriteSARIF(&b, "v1.2.3", sample().Report); err != nil {
		t.Fatal(err)
	}
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name, SemanticVersion string
					Rules                 []struct{ ID string }
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex *int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           *struct{ StartLine int }
					}
				}
				PartialFingerprints map[string]string
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(b.String()))
	d.DisallowUnknownFields()
	if err := d.Decode(&log); err != nil {
		t.Fatal(err)
	}
	if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "regsnap" || log.Runs[0].Tool.Driver.SemanticVersion != "1.2.3" {
		t.Fatalf("log %+v", log)
	}
	if _, err := url.ParseRequestURI(log.Schema); err != nil {
		t.Error(err)
	}
	run := log.Runs[0]
	if len(run.Results) != 4 || len(run.Tool.Driver.Rules) != 2 {
		t.Fatalf("%d results of %d rules", len(run.Results), len(run.Tool.Driver.Rules))
	}
	for _, r := range run.Results {
		if r.RuleIndex == nil || run.Tool.Driver.Rules[*r.RuleIndex].ID != r.RuleID || r.RuleID == "" {
			t.Errorf("the rule index of %+v", r)
		}
		if !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) || r.Message.Text == "" || r.PartialFingerprints["regsnap/v1"] == "" || len(r.Locations) != 1 {
			t.Errorf("result %+v", r)
		}
		at := r.Locations[0].PhysicalLocation
		u, err := url.Parse(at.ArtifactLocation.URI)
		if err != nil || u.IsAbs() || strings.HasPrefix(u.Path, "/") || at.Region != nil && at.Region.StartLine < 1 {
			t.Errorf("location %+v: %v", at, err)
		}
	}
	if got, _ := url.PathUnescape(run.Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI); got != hostile.File {
		t.Errorf("location %q, want %q", got, hostile.File)
	}
	inside := run.Results[3]
	if at := inside.Locations[0].PhysicalLocation; at.ArtifactLocation.URI != "packages/web-1.1.0.zip" || at.Region != nil || inside.Message.Text != "web-1.1.0: manifest.yml: is wrong" {
		t.Errorf("what is in an archive: %+v", inside)
	}
	if want := "; ping @acme/web; last changed by M <m@x> in 01234567"; !strings.HasSuffix(run.Results[0].Message.Text, want) {
		t.Errorf("message %q, want it to end with %q", run.Results[0].Message.Text, want)
	}
}

func TestSARIFWithoutFindings(t *testing.T) {
	var b strings.Builder
	if err := WriteSARIF(&b, "", index.Findings{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"results": []`, `"rules": []`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

func TestJUnit(t *testing.T) {
	var b strings.Builder
	if err := WriteJUnit(&b, sample()); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		if _, err := d.Token(); err == io.EOF {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, b.String())
		}
	}
	var got junitSuites
	if err := xml.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	s := got.Suite
	if s.Tests != 4 || s.Failures != 2 || len(s.Cases) != 4 {
		t.Fatalf("suite %+v", s)
	}
	names := []string{}
	for _, c := range s.Cases {
		names = append(names, c.Name)
	}
	if want := []string{"production", "web-1.0.0", "web-1.1.0", "web-0.9.0"}; !slices.Equal(names, want) {
		t.Errorf("cases %q, want %q", names, want)
	}
	if f := s.Cases[1].Failure; f == nil || f.Type != "some-rule" || strings.Count(f.Text, "[some-rule]\n") != 2 {
		t.Errorf("failure %+v", f)
	}
	if c := s.Cases[2]; c.Failure != nil || !strings.Contains(c.Out, "warning: packages/web-1.1.0.zip!manifest.yml:3: ") {
		t.Errorf("a warning gives the case %+v", c)
	}
}
