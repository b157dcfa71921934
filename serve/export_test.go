package serve

import "net/http"

// What the tests outside of the package see of it.

func (h *Handler) Admin() http.Handler { return h.admin() }
func (h *Handler) Unready() []string   { return h.unready() }

// Ready reports whether every environment is live.
func (h *Handler) Ready() bool { return len(h.unready()) == 0 }
