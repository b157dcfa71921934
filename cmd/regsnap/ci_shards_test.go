package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/regsnap/regsnap/build"
)

// shardJobs are the jobs of a file of docs/ci/shards: those of the shards in the order
// that the file has them, and the one that comes after them.
type shardJobs struct {
	shards  [][]ciRun
	publish []ciRun
}

// githubShards are the jobs of docs/ci/shards/github.yml for an environment.
func githubShards(t *testing.T, bucket, env string) (jobs shardJobs) {
	t.Helper()
	var file struct {
		On   map[string]struct{ Inputs map[string]any } `yaml:"on"`
		Env  map[string]string
		Jobs map[string]struct {
			Needs, Environment string
			Env                map[string]string
			Strategy           struct {
				Matrix struct{ Shard []string }
			}
			Steps []struct {
				Uses, Run string
				With, Env map[string]string
			}
		}
	}
	readYAML(t, "../../docs/ci/shards/github.yml", &file)
	if _, byHand := file.On["workflow_dispatch"]; !byHand || len(file.On) != 1 || len(file.Jobs) != 2 || file.Jobs["publish"].Needs != "shard" {
		t.Fatalf("it is started by %v, and has %d jobs, publish after %q", file.On, len(file.Jobs), file.Jobs["publish"].Needs)
	}
	runs := func(name, shard string) (out []ciRun) {
		job := file.Jobs[name]
		if job.Environment != "${{ inputs.environment }}" {
			t.Errorf("%s has the role %q", name, job.Environment)
		}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["ref"] != "production" {
				t.Errorf("%s checks out %q", name, step.With["ref"])
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s runs %q: an expression in a command is a way in", name, step.Run)
			}
			if step.Run == "" || strings.HasSuffix(step.Run, "/install.sh") {
				continue
			}
			vars := maps.Clone(file.Env)
			maps.Copy(vars, step.Env)
			for k, v := range vars {
				vars[k] = strings.NewReplacer("${{ inputs.environment }}", env, "${{ matrix.shard }}", shard, "${{ vars.REGSNAP_BUCKET }}", bucket).Replace(v)
			}
			out = append(out, ciRun{step.Run, vars})
		}
		return out
	}
	for _, shard := range file.Jobs["shard"].Strategy.Matrix.Shard {
		jobs.shards = append(jobs.shards, runs("shard", shard))
	}
	jobs.publish = runs("publish", "")
	return jobs
}

// buildkiteShards are the steps of docs/ci/shards/buildkite.yml.
func buildkiteShards(t *testing.T, bucket, env string) (jobs shardJobs) {
	t.Helper()
	var file struct {
		Env   map[string]string
		Steps []struct {
			Key, Label  string
			DependsOn   string `yaml:"depends_on"`
			Agents      struct{ Queue string }
			Parallelism int
			Command     []string
		}
	}
	readYAML(t, "../../docs/ci/shards/buildkite.yml", &file)
	if len(file.Steps) != 2 || file.Steps[0].Parallelism < 2 || file.Steps[0].Key == "" || file.Steps[1].DependsOn != file.Steps[0].Key || file.Env["ENVIRONMENT"] != env {
		t.Fatalf("steps: %+v of %q", file.Steps, file.Env["ENVIRONMENT"])
	}
	scripts, err := filepath.Abs("../../docs/ci/scripts")
	if err != nil {
		t.Fatal(err)
	}
	runs := func(step int, more map[string]string) (out []ciRun) {
		if got := file.Steps[step].Agents.Queue; got != "regsnap-"+env {
			t.Errorf("%s runs in the queue %q", file.Steps[step].Label, got)
		}
		vars := maps.Clone(file.Env)
		maps.Copy(vars, more)
		vars["REGSNAP_BUCKET"] = bucket
		for _, command := range file.Steps[step].Command {
			out = append(out, ciRun{strings.NewReplacer("$$", "$", "/opt/regsnap/ci", scripts).Replace(command), vars})
		}
		return out
	}
	of := file.Steps[0].Parallelism
	for i := range of {
		jobs.shards = append(jobs.shards, runs(0, map[string]string{"BUILDKITE_PARALLEL_JOB": fmt.Sprint(i), "BUILDKITE_PARALLEL_JOB_COUNT": fmt.Sprint(of)}))
	}
	jobs.publish = runs(1, nil)
	return jobs
}

func readYAML(t *testing.T, path string, to any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, to)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// TestCIShards runs the jobs of the files in docs/ci/shards, each in a clone of its own:
// what they make live is what one build makes live.
func TestCIShards(t *testing.T) {
	w := newCIWorld(t)
	w.git(t, w.origin, "checkout", "--quiet", "production")
	for i := range 9 {
		w.addPackage(t, fmt.Sprintf("more_%d", i), "1.0.0")
	}
	w.commit(t)
	single := "file://" + w.dir + "/single"
	w.clone(t, "refs/heads/production", "alone", false)
	for _, command := range []string{".regsnap/fetch.sh", ".regsnap/publish.sh"} {
		w.run(t, "alone", ciRun{command, map[string]string{"REGSNAP_BUCKET": single, "ENVIRONMENT": "production"}})
	}
	want := w.pointers(t, "single")
	for name, read := range map[string]func(*testing.T, string, string) shardJobs{"github": githubShards, "buildkite": buildkiteShards} {
		t.Run(name, func(t *testing.T) {
			jobs := read(t, "file://"+w.dir+"/"+name, "production")
			slices.Reverse(jobs.shards)
			for i, runs := range append(jobs.shards, jobs.publish) {
				folder := fmt.Sprint(name, i)
				w.clone(t, "refs/heads/production", folder, name == "buildkite")
				if i == len(jobs.shards) {
					before, err := filepath.Glob(filepath.Join(w.dir, name, "packages", "*", "*", "*", "contents.json"))
					if err != nil || len(before) != 10 || len(w.pointers(t, name)) != 0 {
						t.Errorf("the shards store %q (%v), want 10 revisions, and make live %v", before, err, w.pointers(t, name))
					}
				}
				for _, run := range runs {
					w.run(t, folder, run)
				}
			}
			if got := w.pointers(t, name); len(got) != 1 || !maps.Equal(got, want) {
				t.Errorf("live: %v, want %v", got, want)
			}
		})
	}
}

// The matrix of GitHub's file is every shard of one number, once.
func TestCIShardsMatrix(t *testing.T) {
	jobs := githubShards(t, "b", "production")
	seen := map[int]bool{}
	for _, runs := range jobs.shards {
		s, err := build.ParseShard(runs[len(runs)-1].env["SHARD"])
		if err != nil || s.Of != len(jobs.shards) || seen[s.Index] {
			t.Errorf("shard %v of %d: %v", s, len(jobs.shards), err)
		}
		seen[s.Index] = true
	}
}
