package redact

import (
	"slices"
	"testing"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"fetch from https://x-access-token:ghs_1@host/o/r.git: 128":   "fetch from https://xxxxx@host/o/r.git: 128",
		"'ssh://git:p%40ss@host:22/r' and \"http://u@h\"":             "'ssh://xxxxx@host:22/r' and \"http://xxxxx@h\"",
		"https://a:b@c@host/x":                                        "https://xxxxx@host/x",
		"https://host/@scope/name?x=1":                                "https://host/@scope/name?x=1",
		"https://host/x?a=1&private_token=abc&b=2":                    "https://host/x?a=1&private_token=xxxxx&b=2",
		"https://b/k?X-Amz-Signature=abc&X-Amz-Credential=def":        "https://b/k?X-Amz-Signature=xxxxx&X-Amz-Credential=xxxxx",
		"s3://b?endpoint=http%3A%2F%2Fuser%3Apass%40host%3A1&x=%40y":  "s3://b?endpoint=http%3A%2F%2Fxxxxx%40host%3A1&x=%40y",
		"bucket \"user:pass@host/b\": no":                             "bucket \"xxxxx@host/b\": no",
		"hub.example/repo/image:tag@sha256:abc, image:tag@sha256:abc": "hub.example/repo/image:tag@sha256:abc, image:tag@sha256:abc",
		"open /tmp/user:pass@host:x.git: no":                          "open /tmp/xxxxx@host:x.git: no",
		"production@1a2b3c, at 10:30 a@b":                             "production@1a2b3c, at 10:30 a@b",
		`https://h/?a=1\u0026token=abc\u0026b=2`:                      `https://h/?a=1\u0026token=xxxxx\u0026b=2`,
		"git@host:o/r.git":                                            "git@host:o/r.git",
		`package "web@user:pass@host": no`:                            `package "web@xxxxx@host": no`,
	} {
		if got := Text(in); got != want {
			t.Errorf("%s\n is %s\nwant %s", in, got, want)
		}
	}
}

func TestEnviron(t *testing.T) {
	for _, name := range []string{"REGSNAP_SIGN_PASSPHRASE", "AWS_SECRET_ACCESS_KEY", "GOOGLE_APPLICATION_CREDENTIALS"} {
		t.Setenv(name, "secret")
	}
	t.Setenv("GITHUB_TOKEN", "for git")
	env := Environ()
	if slices.ContainsFunc(env, func(kv string) bool { return len(kv) > 6 && kv[len(kv)-6:] == "secret" }) || !slices.Contains(env, "GITHUB_TOKEN=for git") {
		t.Errorf("the environment is %q", env)
	}
}
