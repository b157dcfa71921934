package main

import (
	"os"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/internal/child"
)

// TestKubernetesGuide runs what the guide's containers run, and asks what its
// probes ask.
func TestKubernetesGuide(t *testing.T) {
	address, admin := child.Address(t), child.Address(t)
	probes := checkManifest(t)
	asked := "\n"
	for _, path := range probes {
		asked += "curl -fsS http://" + admin + path + "\n"
	}
	runGuide(t, guide{
		file: "deploy-kubernetes.md",
		replace: [][2]string{
			{"--config regsnap.yml", "--env production"}, {"--listen :8080", "--listen " + address}, {"--admin :9090\n", "--admin " + admin + asked},
			{"https://epr.example.org", "http://" + address},
		},
		cannot: [][2]string{{"kubectl ", "needs a cluster"}},
		env:    []string{"SERVER=" + address, "BUCKET=file://" + t.TempDir()},
		before: publishTwice,
	})
}

// checkManifest holds the manifest to the program: its arguments are regsnap's, its
// configuration is one. It gives the paths of the probes.
func checkManifest(t *testing.T) (probes []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/kubernetes/regsnap.yml")
	if err != nil {
		t.Fatal(err)
	}
	type probe struct {
		HTTPGet struct{ Path string } `yaml:"httpGet"`
	}
	type object struct {
		Kind string
		Data map[string]string
		Spec struct {
			Template struct {
				Spec struct {
					Containers []struct {
						Args      []string
						Startup   probe `yaml:"startupProbe"`
						Readiness probe `yaml:"readinessProbe"`
						Liveness  probe `yaml:"livenessProbe"`
					}
				}
			}
		}
	}
	kinds := map[string]bool{}
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var o object
		if err := yaml.Unmarshal([]byte(document), &o); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		kinds[o.Kind] = true
		if text := o.Data["regsnap.yml"]; o.Kind == "ConfigMap" {
			if _, err := parseConfig([]byte(text)); err != nil {
				t.Errorf("%v in\n%s", err, text)
			}
		}
		for _, c := range o.Spec.Template.Spec.Containers {
			if err := parses(c.Args); err != nil {
				t.Errorf("regsnap %q: %v", c.Args, err)
			}
			probes = append(probes, c.Startup.HTTPGet.Path, c.Readiness.HTTPGet.Path, c.Liveness.HTTPGet.Path)
		}
	}
	for _, kind := range []string{"ConfigMap", "Deployment", "ServiceAccount", "Service", "PodDisruptionBudget"} {
		if !kinds[kind] {
			t.Errorf("the manifest has no %s", kind)
		}
	}
	if len(probes) != 3 {
		t.Errorf("the probes ask %q", probes)
	}
	return probes
}
