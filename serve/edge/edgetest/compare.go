package edgetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
)

// Compare sends vectors to an edge and tells in what its answers are not as
// wanted: a text for each that is not. The error is only about asking.
func Compare(ctx context.Context, to Client, cases []Case, parallel int) ([]string, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	found := make([]string, len(cases))
	var next atomic.Int64
	var workers sync.WaitGroup
	for range parallel {
		workers.Go(func() {
			client := Client{Addr: to.Addr, Host: to.Host, Proxy: to.Proxy}
			defer client.Close()
			for i := int(next.Add(1)) - 1; i < len(cases) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				reply, err := client.Do(cases[i])
				if err != nil {
					cancel(err)
					return
				}
				if d := cases[i].Want.Differences(reply); len(d) > 0 {
					found[i] = fmt.Sprintf("%s: %s", cases[i], d)
				}
			}
		})
	}
	workers.Wait()
	var out []string
	for _, text := range found {
		if text != "" {
			out = append(out, text)
		}
	}
	return out, context.Cause(ctx)
}
