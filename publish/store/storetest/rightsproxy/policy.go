// Package rightsproxy puts rights in front of the object stores that tests run, which
// have none: it lets a request pass if the policies of the caller allow it, as AWS and
// Google do. The policies are those of docs/rights.md, read from there.
package rightsproxy

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Policy is a policy document of AWS, as far as docs/rights.md uses the language.
type Policy struct {
	Statement []Statement
}

// Statement is one rule of a Policy.
type Statement struct {
	Effect           string
	Action, Resource oneOrMore
	Condition        map[string]map[string]string
}

type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(o))
}

// request is what is asked of S3, in the terms of policies.
type request struct {
	action, resource string
	// creates: it makes the object, rather than a part of one.
	creates, ifNoneMatch bool
}

func (s Statement) matches(r request) bool {
	return anyMatches(s.Action, r.action) && anyMatches(s.Resource, r.resource) && s.holds(r)
}

// The conditions that statements may have; FromManual refuses others.
const (
	nullIfNoneMatch = "Null s3:if-none-match"
	boolCreates     = "Bool s3:ObjectCreationOperation"
)

func (s Statement) holds(r request) bool {
	for operator, keys := range s.Condition {
		for key, value := range keys {
			var got string
			switch operator + " " + key {
			case nullIfNoneMatch:
				got = fmt.Sprint(!r.ifNoneMatch)
			case boolCreates:
				got = fmt.Sprint(r.creates)
			}
			if got != value {
				return false
			}
		}
	}
	return true
}

func anyMatches(patterns []string, text string) bool {
	for _, p := range patterns {
		if head, rest, _ := strings.Cut(p, "*"); p == text || strings.Contains(p, "*") && strings.HasPrefix(text, head) && rest == "" {
			return true
		}
	}
	return false
}

// allowed is the judgement of AWS: an explicit denial wins, else something must allow it.
func allowed(policies []Policy, r request) bool {
	ok := false
	for _, p := range policies {
		for _, s := range p.Statement {
			if !s.matches(r) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			ok = true
		}
	}
	return ok
}

// manual is docs/rights.md.
func manual(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd() // that of the package under test
	for err == nil {
		if _, err = os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if above := filepath.Dir(dir); above != dir {
			dir, err = above, nil
		}
	}
	var text []byte
	if err == nil {
		text, err = os.ReadFile(filepath.Join(dir, "docs", "rights.md"))
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// FromManual are the policies of docs/rights.md, in their order: the publisher of
// production, prune, and write-once for the bucket, all for a bucket of that name.
func FromManual(t testing.TB, bucket string) (publisher, pruner, writeOnce Policy) {
	t.Helper()
	var all []Policy
	for _, m := range regexp.MustCompile("(?s)```json\n(.*?)```").FindAllStringSubmatch(manual(t), -1) {
		var p Policy
		text := strings.NewReplacer("arn:aws:s3:::registry/", "arn:aws:s3:::"+bucket+"/", `arn:aws:s3:::registry"`, "arn:aws:s3:::"+bucket+`"`).Replace(m[1])
		if err := json.Unmarshal([]byte(text), &p); err != nil {
			t.Fatalf("docs/rights.md: %v", err)
		}
		for _, s := range p.Statement {
			for operator, keys := range s.Condition {
				for key := range keys {
					if c := operator + " " + key; c != nullIfNoneMatch && c != boolCreates {
						t.Fatalf("docs/rights.md: the proxy does not know the condition %s", c)
					}
				}
			}
		}
		all = append(all, p)
	}
	if len(all) != 3 {
		t.Fatalf("docs/rights.md has %d policies, want 3", len(all))
	}
	return all[0], all[1], all[2]
}

// Everything allows all, as to the owner of a bucket.
var Everything = Policy{Statement: []Statement{{Effect: "Allow", Action: oneOrMore{"s3:*"}, Resource: oneOrMore{"arn:aws:s3:::*"}}}}

// Allow is a policy that allows an action on what lies under a prefix.
func Allow(action, bucket, prefix string) Policy {
	return Policy{Statement: []Statement{{Effect: "Allow", Action: oneOrMore{action}, Resource: oneOrMore{path.Join("arn:aws:s3:::"+bucket, prefix) + "*"}}}}
}
