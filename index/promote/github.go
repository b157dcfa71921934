package promote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// GitHub opens pull requests by its REST API ("Create a pull request").
type GitHub struct {
	// API is the URL of the API: https://api.github.com, or that of a server of
	// one's own.
	API string
	// Repository is "OWNER/NAME".
	Repository string
	// Token is sent to API only, and stands in no error.
	Token string
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)

// gitHubRemote finds the repository in the URL of a remote, in its two forms.
var gitHubRemote = regexp.MustCompile(`^(?:[a-z+]+://(?:[^@/]*@)?[^/]+/|[^@/]+@[^:/]+:)([^/]+/[^/]+?)(?:\.git)?/?$`)

// RepositoryOfRemote is "OWNER/NAME" of a remote's URL; empty if it is not one
// of a hosted repository.
func RepositoryOfRemote(remote string) string {
	m := gitHubRemote.FindStringSubmatch(remote)
	if m == nil || !repositoryName.MatchString(m[1]) {
		return ""
	}
	return m[1]
}

// RemoteURL is the URL of a remote of a repository.
func RemoteURL(ctx context.Context, path, name string) (string, error) {
	r, err := openRepo(ctx, path)
	if err != nil {
		return "", err
	}
	return r.git(ctx, "", "remote", "get-url", name)
}

// gitHubTime bounds a request.
const gitHubTime = 30 * time.Second

// maxAnswer is the longest answer that is read, in bytes.
const maxAnswer = 4 << 20

// Validate checks the settings before anything is done.
func (g GitHub) Validate() error {
	u, err := url.Parse(g.API)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil:
		return errors.New("the URL of the GitHub API is not one such as https://api.github.com")
	case !repositoryName.MatchString(g.Repository):
		return fmt.Errorf("%q is not a repository: want OWNER/NAME", g.Repository)
	case g.Token == "":
		return errors.New("no token: set GITHUB_TOKEN to one that may write pull requests")
	}
	return nil
}

// Open opens a pull request and returns its URL: that of an earlier one if there
// is one for the same branch.
func (g GitHub) Open(ctx context.Context, p PullRequest) (string, error) {
	body, err := json.Marshal(map[string]any{"title": p.Title, "body": p.Body, "head": p.Branch, "base": p.Base, "maintainer_can_modify": true})
	if err != nil {
		return "", err
	}
	var opened struct {
		URL string `json:"html_url"`
	}
	status, said, err := g.call(ctx, http.MethodPost, "", body, &opened)
	switch {
	case err != nil:
		return "", err
	case status == http.StatusCreated && opened.URL != "":
		return opened.URL, nil
	case status == http.StatusUnprocessableEntity:
		if there, err := g.find(ctx, p); err != nil || there != "" {
			return there, err
		}
	}
	return "", fmt.Errorf("open the pull request: the API answered %d: %s", status, said)
}

// find looks for an open pull request of the branch.
func (g GitHub) find(ctx context.Context, p PullRequest) (string, error) {
	owner, _, _ := strings.Cut(g.Repository, "/")
	q := url.Values{"state": {"open"}, "base": {p.Base}, "head": {owner + ":" + p.Branch}}
	var list []struct {
		URL string `json:"html_url"`
	}
	status, said, err := g.call(ctx, http.MethodGet, "?"+q.Encode(), nil, &list)
	switch {
	case err != nil:
		return "", err
	case status != http.StatusOK:
		return "", fmt.Errorf("look for the pull request: the API answered %d: %s", status, said)
	case len(list) == 0:
		return "", nil
	}
	return list[0].URL, nil
}

// call makes a request. said is what the API says of a failure.
func (g GitHub) call(ctx context.Context, method, query string, body []byte, into any) (status int, said string, err error) {
	ctx, cancel := context.WithTimeout(ctx, gitHubTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(g.API, "/")+"/repos/"+g.Repository+"/pulls"+query, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+g.Token)
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	req.Header.Set("User-Agent", "regsnap")
	// A redirect would take the token along to where nobody sent it.
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, "", err
	}
	if res.StatusCode/100 == 2 {
		if err := json.Unmarshal(answer, into); err != nil {
			return 0, "", fmt.Errorf("the API's answer: %w", err)
		}
		return res.StatusCode, "", nil
	}
	said = failure(answer)
	if g.Token != "" { // a server may repeat what it was sent
		said = strings.ReplaceAll(said, g.Token, "xxxxx")
	}
	return res.StatusCode, said, nil
}

// failure is what an error of the API says.
func failure(answer []byte) string {
	var e struct {
		Message string `json:"message"`
		Errors  []struct {
			Message string `json:"message"`
			Field   string `json:"field"`
			Code    string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(answer, &e) != nil || e.Message == "" {
		return "it does not say why"
	}
	parts := []string{e.Message}
	for _, f := range e.Errors {
		parts = append(parts, strings.TrimSpace(f.Message+" "+f.Field+" "+f.Code))
	}
	return strings.Join(parts, "; ")
}
