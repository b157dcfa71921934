package serve

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/regsnap/regsnap/layout"
)

// told is what a pointer said, for people who look at the environment's page.
type told struct {
	snapshot string
	// body reads the audit log when it is first asked for, and not again until the
	// pointer is read again.
	body func() []byte
}

func (h *Handler) newTold(p layout.Pointer) *told {
	return &told{p.Snapshot, sync.OnceValue(func() []byte {
		return layout.Encode(layout.NewLive(p, h.auditEntries(p)), "")
	})}
}

// tell says what the pointer does, as far as that is of a snapshot.
func (e *environment) tell(s *snapshot) []byte {
	if t := e.told.Load(); t != nil && t.snapshot == s.id {
		return t.body()
	}
	return layout.Encode(layout.Live{Format: layout.LiveFormat, Environment: s.env, Snapshot: s.id}, "")
}

// auditEntries reads the newest entries of a pointer's log. Those that are not there
// or cannot be read are left out: an edge need not be allowed to read the log.
func (h *Handler) auditEntries(p layout.Pointer) []layout.Audit {
	ctx, cancel := context.WithTimeout(context.Background(), h.o.StoreTimeout)
	defer cancel()
	found := make([]*layout.Audit, min(layout.LiveEntries, p.Generation))
	var g errgroup.Group
	for i := range found {
		g.Go(func() error {
			generation := p.Generation - int64(i)
			body, err := h.store.bucket.Read(ctx, layout.AuditKey(p.Environment, generation))
			if err != nil {
				return nil
			}
			if a, err := layout.DecodeAudit(body, p.Environment, generation); err == nil {
				found[i] = &a
			}
			return nil
		})
	}
	_ = g.Wait() // none of them fails
	var out []layout.Audit
	for _, a := range found {
		if a != nil {
			out = append(out, *a)
		}
	}
	return out
}
