package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// ciEvent is what happened to a repository, in the terms of GitHub's contexts.
type ciEvent struct {
	name, ref, action string
	pull              int
	base              string
	fork              bool
}

// ciJob is a job that an event starts.
type ciJob struct {
	name, environment string
	checkout          string // the branch that is checked out; "" is what was pushed
	whole             bool   // the clone has all of the history
	empty             bool   // nothing is cloned: the job's own commands do
	runs              []ciRun
}

// ciRun is a command of a job, with its environment.
type ciRun struct {
	command string
	env     map[string]string
}

// githubFile is docs/ci/github/regsnap.yml, as far as the tests go by it.
type githubFile struct {
	On   map[string]any `yaml:"on"`
	Env  map[string]string
	Jobs map[string]struct {
		If, Environment string
		Env             map[string]string
		Steps           []struct {
			Uses, Run string
			With, Env map[string]string
		}
	}
}

const ciNumber = 7

// githubJobs are the jobs that an event starts, with their expressions filled in.
func githubJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/github/regsnap.yml")
	var file githubFile
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, triggers := file.On[e.name]; !triggers {
		return nil
	}
	head := "acme/storage"
	if e.fork {
		head = "mallory/storage"
	}
	values := map[string]string{
		"github.event_name": e.name, "github.ref": e.ref, "github.event.action": e.action, "github.base_ref": e.base,
		"github.event.number": fmt.Sprint(e.pull), "github.repository": "acme/storage", "github.event.pull_request.head.repo.full_name": head,
		"vars.REGSNAP_BUCKET": bucket, "vars.PREVIEW_BUCKET": previews, "vars.REGSNAP_VERSION": "v1.2.3", "vars.REGSNAP_CHECKSUM": "",
		"vars.PREVIEW_URL": "https://*.preview.registry.example", "runner.temp": "out",
	}
	fill := func(envs ...map[string]string) map[string]string {
		out := map[string]string{}
		for _, env := range envs {
			for k, v := range env {
				out[k] = ciExpression.ReplaceAllStringFunc(v, func(x string) string {
					name := ciExpression.FindStringSubmatch(x)[1]
					value, known := values[name]
					if !known {
						t.Fatalf("nothing is known of %s", name)
					}
					return value
				})
			}
		}
		return out
	}
	var jobs []ciJob
	for name, job := range file.Jobs {
		if !ciCondition(t, job.If, values) {
			continue
		}
		j := ciJob{name: name, environment: job.Environment}
		for _, step := range job.Steps {
			if strings.HasPrefix(step.Uses, "actions/checkout@") {
				j.checkout = fill(step.With)["ref"]
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("%s runs %q: an expression in a command is a way in", name, step.Run)
			}
			if step.Run != "" && !strings.HasPrefix(step.Run, "go install ") {
				j.runs = append(j.runs, ciRun{step.Run, fill(file.Env, job.Env, step.Env)})
			}
		}
		jobs = append(jobs, j)
	}
	slices.SortFunc(jobs, func(a, b ciJob) int { return strings.Compare(a.name, b.name) })
	return jobs
}

var ciExpression = regexp.MustCompile(`\$\{\{\s*([\w.]+)\s*\}\}`)

// buildkiteJobs are the steps of docs/ci/buildkite/pipeline.yml that an event starts.
func buildkiteJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/buildkite/pipeline.yml")
	var file struct {
		Env   map[string]string
		Steps []struct {
			Label, If string
			Agents    struct{ Queue string }
			Command   []string
		}
	}
	if err == nil {
		err = yaml.Unmarshal(text, &file)
	}
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"build.branch": strings.TrimPrefix(e.ref, "refs/heads/"), "build.source": "webhook", "build.pull_request.repository.fork": fmt.Sprint(e.fork)}
	env := map[string]string{"BUILDKITE_BRANCH": values["build.branch"], "REGSNAP_BUCKET": bucket, "PREVIEW_URL": "https://*.preview.registry.example"}
	switch {
	case e.name == "schedule":
		values["build.source"], values["build.branch"] = "schedule", "production"
	case e.action == "closed":
		values[`build.env("CLOSED_PULL_REQUEST")`] = fmt.Sprint(e.pull)
		env["CLOSED_PULL_REQUEST"] = fmt.Sprint(e.pull)
	case e.pull > 0:
		values["build.pull_request.id"] = fmt.Sprint(e.pull)
		env["BUILDKITE_PULL_REQUEST"], env["BUILDKITE_PULL_REQUEST_BASE_BRANCH"] = fmt.Sprint(e.pull), e.base
	}
	scripts, err := filepath.Abs("../../docs/ci/scripts")
	if err != nil {
		t.Fatal(err)
	}
	var jobs []ciJob
	for _, step := range file.Steps {
		if !ciCondition(t, step.If, values) {
			continue
		}
		// Buildkite's agents clone, and check out what was pushed.
		j := ciJob{name: step.Label, environment: strings.TrimPrefix(step.Agents.Queue, "regsnap-"), whole: true}
		mine := map[string]string{}
		for _, from := range []map[string]string{env, file.Env} {
			for k, v := range from {
				mine[k] = v
			}
		}
		if j.environment == "preview" {
			mine["REGSNAP_BUCKET"] = previews
		}
		for _, command := range step.Command {
			j.runs = append(j.runs, ciRun{strings.NewReplacer("$$", "$", "/opt/regsnap/ci", scripts).Replace(command), mine})
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// gitlabFile is docs/ci/gitlab/regsnap.yml, as far as the tests go by it.
type gitlabFile map[string]struct {
	Extends      string
	Variables    map[string]string
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	Rules        []struct{ If string }
	Environment  struct{ Name, Action string }
}

// gitlabJobs are the jobs of docs/ci/gitlab/regsnap.yml that an event starts.
func gitlabJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/gitlab/regsnap.yml")
	var file gitlabFile
	var global struct{ Variables map[string]string }
	if err == nil {
		var all yaml.MapSlice
		if err = yaml.Unmarshal(text, &all); err == nil {
			all = slices.DeleteFunc(all, func(i yaml.MapItem) bool { return i.Key == "workflow" || i.Key == "variables" })
			text, err := yaml.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			if err := yaml.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err == nil {
		err = yaml.Unmarshal(text, &global)
	}
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{"$CI_PIPELINE_SOURCE": "push", "$CI_COMMIT_BRANCH": strings.TrimPrefix(e.ref, "refs/heads/"), "$CI_MERGE_REQUEST_PROJECT_ID": "1", "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "1"}
	env := map[string]string{"REGSNAP_BUCKET": bucket, "PREVIEW_URL": "https://*.preview.registry.example"}
	switch {
	case e.name == "schedule":
		values["$CI_PIPELINE_SOURCE"], values["$CI_COMMIT_BRANCH"] = "schedule", "production"
	case e.pull > 0:
		values["$CI_PIPELINE_SOURCE"], values["$CI_COMMIT_BRANCH"] = "merge_request_event", ""
		env["CI_MERGE_REQUEST_IID"], env["CI_MERGE_REQUEST_TARGET_BRANCH_NAME"] = fmt.Sprint(e.pull), e.base
	}
	if e.fork {
		values["$CI_MERGE_REQUEST_SOURCE_PROJECT_ID"] = "2"
	}
	var jobs []ciJob
	for name, job := range file {
		starts := strings.HasPrefix(name, ".")
		for _, rule := range job.Rules {
			starts = starts || ciCondition(t, rule.If, values)
		}
		// GitLab runs the job that stops an environment when the request is closed, and no other.
		if strings.HasPrefix(name, ".") || !starts || (e.action == "closed") != (job.Environment.Action == "stop") {
			continue
		}
		j := ciJob{name: name, empty: true}
		j.environment, _, _ = strings.Cut(job.Environment.Name, "/")
		if j.environment == "" {
			j.environment = name
		}
		mine := maps.Clone(env)
		maps.Copy(mine, global.Variables)
		lines := job.Script
		var below []map[string]string
		for from, above := name, ""; from != ""; from = above {
			above = file[from].Extends
			lines = slices.Concat(file[from].BeforeScript, lines)
			below = append(below, file[from].Variables)
		}
		for _, variables := range slices.Backward(below) {
			maps.Copy(mine, variables)
		}
		if mine["GIT_STRATEGY"] != "none" {
			t.Errorf("GitLab's %s checks out what was pushed", name)
		}
		if j.environment == "preview" {
			mine["REGSNAP_BUCKET"] = previews
		}
		j.runs = []ciRun{{strings.Join(lines, "\n"), mine}}
		jobs = append(jobs, j)
	}
	slices.SortFunc(jobs, func(a, b ciJob) int { return strings.Compare(a.name, b.name) })
	return jobs
}

// jenkinsStage is a stage of docs/ci/jenkins/Jenkinsfile, all of which are alike.
var jenkinsStage = regexp.MustCompile(`(?s)stage\('([^']+)'\) \{.*?expression \{ ([^}]+) \} \}\s+agent \{ label 'regsnap-(\w+)' \}\s+steps \{\s+sh \'\'\'(.*?)\'\'\'`)

// jenkinsJobs are the stages of docs/ci/jenkins/Jenkinsfile that an event starts.
func jenkinsJobs(t *testing.T, bucket, previews string, e ciEvent) []ciJob {
	t.Helper()
	text, err := os.ReadFile("../../docs/ci/jenkins/Jenkinsfile")
	if err != nil {
		t.Fatal(err)
	}
	stages := jenkinsStage.FindAllStringSubmatch(string(text), -1)
	if len(stages) == 0 || len(stages) != strings.Count(string(text), "stage('") {
		t.Fatalf("%d of the stages are understood", len(stages))
	}
	given := map[string]string{"BRANCH": "", "PULL_REQUEST": "", "BASE_BRANCH": "", "FORK": "", "CLOSED": ""}
	switch {
	case e.name == "push":
		given["BRANCH"] = strings.TrimPrefix(e.ref, "refs/heads/")
	case e.pull > 0:
		given["PULL_REQUEST"], given["BASE_BRANCH"] = fmt.Sprint(e.pull), e.base
		if e.fork {
			given["FORK"] = "yes"
		}
		if e.action == "closed" {
			given["CLOSED"] = "yes"
		}
	}
	values, env := map[string]string{}, map[string]string{"REGSNAP_BUCKET": bucket, "PREVIEW_URL": "https://*.preview.registry.example", "REGSNAP_CONFIG": "git:origin/production:regsnap.yml"}
	for name, value := range given {
		if !strings.Contains(string(text), "string(name: '"+name+"'") {
			t.Errorf("the Jenkinsfile has no parameter %s", name)
		}
		values["params."+name], env[name] = value, value
	}
	var jobs []ciJob
	for _, s := range stages {
		if !ciCondition(t, s[2], values) {
			continue
		}
		mine := maps.Clone(env)
		if s[3] == "preview" {
			mine["REGSNAP_BUCKET"] = previews
		}
		jobs = append(jobs, ciJob{name: s[1], environment: s[3], checkout: "production", whole: true, runs: []ciRun{{s[4], mine}}})
	}
	return jobs
}
