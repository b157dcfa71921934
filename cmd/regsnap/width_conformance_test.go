//go:build conformance

package main

import (
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestConformanceWidth is TestWidth with names, versions, subjects and findings of a real
// package storage, which are longer than anyone would make them up.
func TestConformanceWidth(t *testing.T) {
	bucket := "file://" + filepath.ToSlash(t.TempDir())
	for _, env := range []string{"production", "snapshot"} {
		if said := speak(t, "build", "--quiet", "--source", "git:../../../shared/real/package-storage.git", "--bucket", bucket, "--env", env, "--publish"); said.code != 0 {
			t.Fatal(said.errors)
		}
	}
	if said := speak(t, "tag", "--bucket", bucket, "--env", "production", "before-the-end-of-the-year-2022", "--reason", "what was released when the storage was closed"); said.code != 0 {
		t.Fatal(said.errors)
	}
	at := strings.NewReplacer("BUCKET", bucket, "REPO", "../../../shared/real/package-storage.git")
	for _, width := range []int{80, 140} {
		t.Setenv("COLUMNS", strconv.Itoa(width))
		for call, least := range map[string]int{
			"status --bucket BUCKET --source git:REPO": 3, "status --bucket BUCKET --source git:REPO nginx": 10, "status --bucket BUCKET endpoint": 10,
			"history --bucket BUCKET --env production": 3, "history --bucket BUCKET --env snapshot": 5, "tag --bucket BUCKET": 2,
			"diff --bucket BUCKET production snapshot": 40, "find --bucket BUCKET --source git:REPO nginx": 10, "find --bucket BUCKET apache": 10,
			"inspect --bucket BUCKET --env snapshot --packages": 500, "inspect --bucket BUCKET --env production --why nginx /search?kibana.version=8.5.0": 3,
			"lint --source git:REPO --branch production --base production~20 --head production": 2, "audit --source git:REPO --branch production --overwrite never": 1,
			"board --source git:REPO": 50, "verify --bucket BUCKET --sample 1%": 2, "prune --bucket BUCKET --dry-run": 5,
			"find --bucket BUCKET nignx": 1, "doctor --bucket BUCKET --env production": 5,
		} {
			if lines := fits(t, width, call, speak(t, strings.Fields(at.Replace(call))...)); lines < least {
				t.Errorf("%s prints %d lines, want %d", call, lines, least)
			}
		}
	}
}
