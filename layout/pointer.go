package layout

import "fmt"

// PointerFormat is the version of the pointer's format.
const PointerFormat = 1

// Pointer says which snapshot of an environment is live. It is the only object
// of a bucket that ever changes.
type Pointer struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	Snapshot    string `json:"snapshot"`
	// Previous was live before; empty in the first pointer.
	Previous string `json:"previous,omitempty"`
}

// Encode is the pointer as it is stored.
func (p Pointer) Encode() []byte { return encode(p, " ") }

// DecodePointer reads what Encode wrote and checks every field.
func DecodePointer(data []byte) (Pointer, error) {
	var p Pointer
	if err := decode(data, &p); err != nil {
		return Pointer{}, fmt.Errorf("pointer: %w", err)
	}
	switch {
	case p.Format != PointerFormat:
		return Pointer{}, fmt.Errorf("pointer: format %d is not known to this version of regsnap (want %d)", p.Format, PointerFormat)
	case !ValidEnvironment(p.Environment):
		return Pointer{}, fmt.Errorf("pointer: environment %q is not a name", p.Environment)
	case !ValidSnapshot(p.Snapshot):
		return Pointer{}, fmt.Errorf("pointer: snapshot %q is not an id", p.Snapshot)
	case p.Previous != "" && !ValidSnapshot(p.Previous):
		return Pointer{}, fmt.Errorf("pointer: previous %q is not an id", p.Previous)
	}
	return p, nil
}
