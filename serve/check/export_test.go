package check

import (
	"context"
	"crypto/sha256"
	"net/http"
)

// What the tests outside of the package see of it.
var ErrUnreachable = errUnreachable

// SetSlack changes slack, and gives what it was.
func SetSlack(n int64) int64 {
	was := slack
	slack = n
	return was
}

// SetAttempts changes how often a request is sent until an answer comes, and gives back
// what it was by the function that it returns.
func SetAttempts(n int) (restore func()) {
	was := retries
	retries.Attempts = n
	return func() { retries = was }
}

// Fixed is one request of a plan that does not hang on what the packages are, and the status
// of the answer that the bucket gives to it.
type Fixed struct {
	Kind, Method, Target string
	Status               int
}

// FixedOf are those requests for a snapshot, in the order of the plan.
func FixedOf(ctx context.Context, o Options, id string) (out []Fixed, err error) {
	r, err := newReference(ctx, o, id)
	if err != nil {
		return nil, err
	}
	for _, p := range fixed(r.table, o.Level) {
		got, err := r.answer(ctx, p.ask(p.method, "", identity), "")
		if err != nil {
			return nil, err
		}
		out = append(out, Fixed{p.kind, p.method, p.target, got.status})
	}
	return out, nil
}

// Explained is what a check says of an answer of 200 that the snapshot does not give.
func Explained(ctx context.Context, o Options, id, target, text string) (detail string, err error) {
	r, err := newReference(ctx, o, id)
	if err != nil {
		return "", err
	}
	c, a := &checker{o: o, answers: map[[sha256.Size]byte]string{}}, getting(http.MethodGet, target)
	t := newTaker()
	_, err = t.Write([]byte(text))
	got := &reply{status: http.StatusOK, plain: t.content()}
	for _, d := range c.explained(ctx, probe{target: target}, a, r, got, &reply{status: http.StatusOK}, nil) {
		detail += d.Detail
	}
	return detail, err
}

// AnswerOf is what the bucket's side of a check gives.
func AnswerOf(ctx context.Context, o Options, id, method, target string) (status int, err error) {
	r, err := newReference(ctx, o, id)
	if err != nil {
		return 0, err
	}
	got, err := r.answer(ctx, getting(method, target), "")
	if got != nil {
		status = got.status
	}
	return status, err
}

// Targets are the requests by which a follower tells what is live in an environment.
func (f *Follower) Targets(environment string) []string { return f.plans[environment].targets }

// Recorded is what the bucket's side of a check takes in of an answer.
func Recorded(h http.HandlerFunc) (status int, header http.Header, text string) {
	w := &recorder{reply: reply{header: http.Header{}}, body: newTaker()}
	h(w, nil)
	return w.status, w.header, string(w.body.content().kept)
}
