package publish

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/regsnap/regsnap/internal/retry"
)

// ErrHook: the snapshot is live, but a hook that was to be told failed.
var ErrHook = errors.New("after_publish")

// Hook is told when another snapshot goes live: a command or a webhook.
type Hook struct {
	// Command is a program and its arguments. It is not given to a shell. The
	// event is its standard input, and the main facts are in its environment:
	// REGSNAP_ENVIRONMENT, REGSNAP_KIND, REGSNAP_OLD, REGSNAP_NEW.
	Command []string
	// Webhook is a URL that the event is posted to.
	Webhook string
	// Secret, if set, signs what is posted: the header X-Regsnap-Signature is
	// "sha256=" and the HMAC-SHA256 of the body in hexadecimal.
	Secret string
	// Timeout bounds the command, or each attempt of the post; 0 is
	// defaultHookTimeout.
	Timeout time.Duration
}

// defaultHookTimeout is how long a hook may take.
const defaultHookTimeout = time.Minute

// hookRetries say how often a webhook is called until it answers with success.
var hookRetries = retry.Policy{Attempts: 4, Pause: time.Second, MaxPause: 4 * time.Second, Asked: 10 * time.Second}

// signatureHeader is the header that holds the signature of a webhook's body.
const signatureHeader = "X-Regsnap-Signature"

// HookEvent is what a hook is told.
type HookEvent struct {
	Environment string `json:"environment"`
	Kind        string `json:"kind"` // "publish" or "rollback"
	// Old was live before; empty when nothing was.
	Old    string    `json:"old,omitempty"`
	New    string    `json:"new"`
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// All tells that any answer may differ: nothing was live, the old snapshot
	// cannot be read, or more differ than MaxHookURLs or MaxHookBytes let be
	// listed. Then URLs and Paths are empty: a list that is cut is of no use.
	All bool `json:"all,omitempty"`
	// URLs are the requests whose answer differs, without the host: each path
	// of a document, archive or file, and of searches and categories one of
	// every class. Searches can be written in any number of ways, so Paths
	// names the paths that a cache must forget with every query string.
	URLs  []string `json:"urls"`
	Paths []string `json:"paths"`
}

// The most requests that an event lists, and the most bytes that these have
// together. A push of one package to the real production has 50 to 750.
const (
	maxHookURLs  = 10_000
	maxHookBytes = 1 << 20
)

// NewHookEvent describes a move. It compares the snapshots to know what answers
// differently.
func (b *Bucket) NewHookEvent(ctx context.Context, m *Moved) (*HookEvent, error) {
	e := &HookEvent{Environment: m.Environment, Old: m.Previous, New: m.Snapshot, URLs: []string{}, Paths: []string{}}
	p, err := b.Pointer(ctx, m.Environment)
	if err != nil {
		return nil, err
	}
	for _, move := range p.Moves {
		if move.Snapshot == m.Snapshot {
			e.Kind, e.By, e.Reason, e.At = string(move.Kind), move.By, move.Reason, move.At
			break
		}
	}
	if m.Previous == "" {
		e.All = true
		return e, nil
	}
	d, err := b.Diff(ctx, SnapshotRef{m.Environment, m.Previous}, SnapshotRef{m.Environment, m.Snapshot})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil {
		e.list(d)
	} else {
		e.All = true
	}
	return e, nil
}

// list names what answers differently, unless that is too much.
func (e *HookEvent) list(d *Diff) {
	urls, size := d.URLs(), 0
	for _, u := range urls {
		size += len(u)
	}
	if len(urls) > maxHookURLs || size > maxHookBytes {
		e.All = true
		return
	}
	e.URLs, e.Paths = append(e.URLs, urls...), d.queryPaths()
}

// RunHooks tells every hook, also when one before it failed. What commands print
// goes to output. The error is ErrHook and names no secret.
func RunHooks(ctx context.Context, hooks []Hook, e *HookEvent, output io.Writer) error {
	body, err := json.Marshal(e)
	if err != nil {
		return err
	}
	var failed []error
	for i, h := range hooks {
		if h.Timeout <= 0 {
			h.Timeout = defaultHookTimeout
		}
		if len(h.Command) > 0 {
			err = h.run(ctx, e, body, output)
		} else {
			err = h.post(ctx, body)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%w hook %d of %s: %w", ErrHook, i+1, e.Environment, err))
		}
	}
	return errors.Join(failed...)
}

func (h Hook) run(ctx context.Context, e *HookEvent, body []byte, output io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, h.Command[0], h.Command[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(body), output, output
	cmd.Env = append(os.Environ(), "REGSNAP_ENVIRONMENT="+e.Environment, "REGSNAP_KIND="+e.Kind, "REGSNAP_OLD="+e.Old, "REGSNAP_NEW="+e.New)
	// A child of the command may keep its output open after it was killed.
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if ctx.Err() == context.DeadlineExceeded {
		err = fmt.Errorf("not done after %s", h.Timeout)
	}
	if err != nil {
		return fmt.Errorf("command %s: %w", h.Command[0], err)
	}
	return nil
}

// post calls the webhook until it answers with success, or with an error that
// calling again does not mend.
func (h Hook) post(ctx context.Context, body []byte) error {
	// Only the host is named: paths and queries of webhooks are secrets.
	u, err := url.Parse(h.Webhook)
	if err != nil {
		return errors.New("webhook: its URL cannot be parsed")
	}
	if err := hookRetries.Do(ctx, func() error { return h.attempt(ctx, body) }); err != nil {
		return fmt.Errorf("webhook at %s: %w", u.Host, err)
	}
	return nil
}

// hookClient follows no redirect: the body would be lost on the way.
var hookClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

func (h Hook) attempt(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.Webhook, bytes.NewReader(body))
	if err != nil {
		return errors.New("its URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "regsnap")
	if h.Secret != "" {
		mac := hmac.New(sha256.New, []byte(h.Secret))
		mac.Write(body)
		req.Header.Set(signatureHeader, "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	answer, err := hookClient.Do(req)
	if err != nil {
		var e *url.Error
		if errors.As(err, &e) {
			err = e.Err // without the URL
		}
		return retry.Again(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode/100 == 2 {
		return nil
	}
	err = fmt.Errorf("it answers %s", answer.Status)
	if answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode == http.StatusRequestTimeout {
		return retry.After(err, retry.Asked(answer.Header, time.Now()))
	}
	return err
}
