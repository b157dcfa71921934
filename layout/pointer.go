package layout

import (
	"fmt"
	"slices"
	"time"
	"unicode/utf8"
)

// The versions of the pointer's format. Only the pointers of previews are of the second:
// what does not know of previews reads all others.
const (
	PointerFormat        = 1
	PreviewPointerFormat = 2
)

// MaxMoves is how many moves a pointer remembers. Edges read the pointer every
// few seconds, so it must stay small; all moves are in the audit log.
const MaxMoves = 20

// mostMoves is how many moves a pointer had before there was an audit log.
const mostMoves = 50

// The longest name and reason that a pointer keeps, in characters.
const (
	MaxBy     = 100
	MaxReason = 500
)

// Pointer says which snapshot of an environment is live. It is the only object
// of a bucket that ever changes. An edge needs Snapshot and nothing else; the
// rest is here, and not in an object of its own, so that who moved it, when and
// why changes in the same instant as what is live.
type Pointer struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Snapshot    string `json:"snapshot"`
	// Previous is what a rollback returns to: live before Snapshot was
	// published. Empty when there is none.
	Previous string `json:"previous,omitempty"`
	// Generation counts the writes of this pointer.
	Generation int64 `json:"generation,omitempty"`
	// Pinned holds the environment: publishing does not move the pointer.
	Pinned *Pin `json:"pinned,omitempty"`
	// Preview is set if the environment is one. It has PreviewPointerFormat then.
	Preview *Preview `json:"preview,omitempty"`
	// Moves are the last MaxMoves moves, newest first.
	Moves []Move `json:"moves,omitempty"`
}

// Pin says who holds an environment.
type Pin struct {
	By     string    `json:"by,omitempty"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
}

// MoveKind is what was done to a pointer.
type MoveKind string

const (
	MovePublish  MoveKind = "publish"
	MoveRollback MoveKind = "rollback"
	MovePin      MoveKind = "pin"
	MoveUnpin    MoveKind = "unpin"
)

// Move is one change of a pointer. At is by the clock of whoever made it.
type Move struct {
	// Snapshot is live after the move.
	Snapshot string    `json:"snapshot"`
	Kind     MoveKind  `json:"kind"`
	At       time.Time `json:"at"`
	By       string    `json:"by,omitempty"`
	Reason   string    `json:"reason,omitempty"`
	// Pin tells that a rollback pinned the environment too.
	Pin bool `json:"pin,omitempty"`
}

// After is the pointer of an environment once a move is made. The zero Pointer
// stands for an environment that never had one.
func (p Pointer) After(env string, m Move) Pointer {
	next := Pointer{
		Format: PointerFormat, Environment: env, Snapshot: m.Snapshot, Previous: p.Previous,
		Generation: p.Generation + 1, Pinned: p.Pinned,
	}
	next = next.As(p.Preview)
	next.Moves = append([]Move{m}, p.Moves[:min(len(p.Moves), MaxMoves-1)]...)
	switch m.Kind {
	case MovePin:
		next.Pinned = &Pin{By: m.By, Reason: m.Reason, At: m.At}
	case MoveUnpin:
		next.Pinned = nil
	case MovePublish:
		if m.Snapshot != p.Snapshot {
			next.Previous = p.Snapshot
		}
	case MoveRollback:
		next.Previous = p.below(m.Snapshot)
		if m.Pin {
			next.Pinned = &Pin{By: m.By, Reason: m.Reason, At: m.At}
		}
	}
	return next
}

// As is the pointer of a preview, or of none if it is nil.
func (p Pointer) As(preview *Preview) Pointer {
	p.Format, p.Preview = PointerFormat, preview
	if preview != nil {
		p.Format = PreviewPointerFormat
	}
	return p
}

// below is what was live before a snapshot was published: rolling back twice
// goes back two snapshots, not to and fro between a good and a broken one.
func (p Pointer) below(snapshot string) string {
	for i, m := range p.Moves {
		if m.Kind != MovePublish || m.Snapshot != snapshot {
			continue
		}
		if i+1 < len(p.Moves) && p.Moves[i+1].Snapshot != snapshot {
			return p.Moves[i+1].Snapshot
		}
		return ""
	}
	return ""
}

// Published lists the snapshots that were published, the last one first, as far
// as Moves remember. Rolling back to one, or pinning it, does not make it newer.
func (p Pointer) Published() []string {
	var out []string
	for _, m := range p.Moves {
		if m.Kind == MovePublish && !slices.Contains(out, m.Snapshot) {
			out = append(out, m.Snapshot)
		}
	}
	return out
}

// Lived lists the snapshots that were live at some time after t, the live one
// first.
func (p Pointer) Lived(t time.Time) []string {
	out := []string{p.Snapshot}
	for i, m := range p.Moves {
		// A move's snapshot was live until the move above it.
		if i > 0 && !p.Moves[i-1].At.After(t) {
			break
		}
		if !slices.Contains(out, m.Snapshot) {
			out = append(out, m.Snapshot)
		}
	}
	return out
}

// Encode is the pointer as it is stored.
func (p Pointer) Encode() []byte { return Encode(p, " ") }

// DecodePointer reads what Encode wrote and checks every field; env is the
// environment that it must be of.
func DecodePointer(data []byte, env string) (Pointer, error) {
	var p Pointer
	if err := pointerFormat.read(data, &p); err != nil {
		return Pointer{}, err
	}
	err := p.validate()
	if err == nil && p.Environment != env {
		err = fmt.Errorf("it is of environment %s", p.Environment)
	}
	if err != nil {
		return Pointer{}, pointerFormat.damaged(err)
	}
	return p, pointerFormat.exact(data, p.Encode())
}

func (p Pointer) validate() error {
	switch {
	case !ValidEnvironment(p.Environment):
		return fmt.Errorf("environment %q is not a name", p.Environment)
	case !ValidSnapshot(p.Snapshot):
		return fmt.Errorf("snapshot %q is not an id", p.Snapshot)
	case p.Previous != "" && !ValidSnapshot(p.Previous):
		return fmt.Errorf("previous %q is not an id", p.Previous)
	case (p.Format == PreviewPointerFormat) != (p.Preview != nil):
		return fmt.Errorf("format %d is that of a preview, and only of one", PreviewPointerFormat)
	case len(p.Moves) > mostMoves || int64(len(p.Moves)) > p.Generation:
		return fmt.Errorf("%d moves in generation %d", len(p.Moves), p.Generation)
	case len(p.Moves) > 0 && p.Moves[0].Snapshot != p.Snapshot:
		return fmt.Errorf("snapshot is %s, but the last move was to %s", p.Snapshot, p.Moves[0].Snapshot)
	}
	if err := p.Preview.validate(); err != nil {
		return err
	}
	if p.Pinned != nil {
		if err := ValidNote(p.Pinned.By, p.Pinned.Reason); err != nil {
			return fmt.Errorf("pinned: %w", err)
		}
	}
	for i, m := range p.Moves {
		switch m.Kind {
		case MovePublish, MoveRollback, MovePin, MoveUnpin:
		default:
			return fmt.Errorf("move %d: %q is not a kind of move", i, m.Kind)
		}
		if m.Pin && m.Kind != MoveRollback {
			return fmt.Errorf("move %d: a %s does not pin as well", i, m.Kind)
		}
		if !ValidSnapshot(m.Snapshot) {
			return fmt.Errorf("move %d: snapshot %q is not an id", i, m.Snapshot)
		}
		if err := ValidNote(m.By, m.Reason); err != nil {
			return fmt.Errorf("move %d: %w", i, err)
		}
	}
	return nil
}

// ValidNote checks the name and the reason that are kept with a move.
func ValidNote(by, reason string) error {
	if utf8.RuneCountInString(by) > MaxBy {
		return fmt.Errorf("the name is longer than %d characters", MaxBy)
	}
	if utf8.RuneCountInString(reason) > MaxReason {
		return fmt.Errorf("the reason is longer than %d characters", MaxReason)
	}
	return nil
}
