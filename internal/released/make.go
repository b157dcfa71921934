//go:build ignore

// Make writes a bucket as a released regsnap leaves it: what the tests of the
// formats read with the regsnap of today. Run it with the program of a release,
// once, and keep what it prints beside the others:
//
//	go run internal/released/make.go regsnap-of-the-release > internal/released/testdata/NUMBER.jsonl
//
// Each line is an object of the bucket; a body that is no text is in base64.
package main

import (
	"encoding/json"
	"io/fs"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const config = `environments:
  production:
    branches: [production]
  staging:
    branches: [production, staging]
`

func main() {
	program, err := filepath.Abs(os.Args[1])
	must(err)
	dir, err := os.MkdirTemp("", "formats-")
	must(err)
	defer os.RemoveAll(dir)
	must(os.WriteFile(filepath.Join(dir, "regsnap.yml"), []byte(config), 0o666))
	sh := func(command string, args ...string) string {
		c := exec.Command(command, args...)
		c.Dir, c.Stderr = dir, os.Stderr
		out, err := c.Output()
		must(err)
		return string(out)
	}
	sh("git", "init", "-q", "--bare", "storage")
	sh("git", "-C", "storage", "remote", "add", "origin", "file:///nowhere")
	storage, err := os.Open("internal/released/testdata/storage.fast-import")
	must(err)
	load := exec.Command("git", "-C", filepath.Join(dir, "storage"), "fast-import", "--quiet")
	load.Stdin, load.Stderr = storage, os.Stderr
	must(load.Run())
	regsnap := func(args ...string) {
		sh(program, append(args, "--bucket", "file://"+filepath.Join(dir, "bucket"), "--by", "ada")...)
	}
	newest := sh("git", "-C", "storage", "rev-parse", "production")
	for _, commit := range []string{"production~2", "production~1", "production"} {
		sh("git", "-C", "storage", "update-ref", "refs/heads/production", sh("git", "-C", "storage", "rev-parse", newest[:40]+commit[len("production"):])[:40])
		regsnap("build", "--quiet", "--config", "regsnap.yml", "--source", "git:storage", "--publish")
	}
	regsnap("rollback", "--env", "production", "--reason", "other 0.1.0 breaks dashboards")
	regsnap("pin", "--env", "staging", "--reason", "a release is near")

	out := json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	bucket := os.DirFS(filepath.Join(dir, "bucket"))
	must(fs.WalkDir(bucket, ".", func(key string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(key, "~lock") {
			return err
		}
		body, err := fs.ReadFile(bucket, key)
		must(err)
		object := struct {
			Key    string `json:"key"`
			Text   string `json:"text,omitempty"`
			Base64 []byte `json:"base64,omitempty"`
		}{Key: key, Base64: body}
		if utf8.Valid(body) {
			object.Text, object.Base64 = string(body), nil
		}
		return out.Encode(object)
	}))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
