package layout

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// AuditPrefix is where every move of a pointer is recorded, for ever: an object a
// move, which is only ever added.
const AuditPrefix = "audit/"

// AuditFormat is the version of the format of an audit entry.
const AuditFormat = 1

// MaxAudited is how many package versions an entry names at most.
const MaxAudited = 100

// The kinds of moves that only audit entries have. What they did to the pointer
// is recorded there as one of its own kinds.
const (
	// MoveRecover made a pointer again that was lost or damaged.
	MoveRecover MoveKind = "recover"
	// MoveRetire ended the environment: it has no pointer any more.
	MoveRetire MoveKind = "retire"
)

// Audit is what is recorded of one move.
type Audit struct {
	Format      int    `json:"format"`
	Environment string `json:"environment"`
	// Generation is that of the pointer which the move has written.
	Generation int64 `json:"generation"`
	Move
	// Before was live until then; empty when nothing was, or it is not known.
	Before string `json:"before,omitempty"`
	// Late: the entry was made up later, of what the pointer remembered.
	Late bool `json:"late,omitempty"`
	// Branches are the commits that the snapshot was built from.
	Branches []AuditBranch `json:"branches,omitempty"`
	// Packages is how many package versions the snapshot has.
	Packages int `json:"packages,omitempty"`
	// Added, Removed and Changed name the package versions that differ from
	// Before, MaxAudited in all; More is how many more do.
	Added   []string `json:"added,omitempty"`
	Removed []string `json:"removed,omitempty"`
	Changed []string `json:"changed,omitempty"`
	More    int      `json:"more,omitempty"`
}

// AuditBranch is a branch and its commit.
type AuditBranch struct {
	Name   string `json:"name"`
	Commit string `json:"commit,omitempty"`
}

// auditName is a generation with leading zeros, so that listings are in order.
var auditName = regexp.MustCompile(`^[0-9]{12}$`)

// AuditKey is where the entry of the move that wrote a generation lies.
func AuditKey(env string, generation int64) string {
	return fmt.Sprintf("%s%s/%012d.json", AuditPrefix, env, generation)
}

// ParseAuditKey is the inverse of AuditKey.
func ParseAuditKey(key string) (env string, generation int64, err error) {
	rest, ok := strings.CutPrefix(key, AuditPrefix)
	env, name, _ := strings.Cut(rest, "/")
	name, json := strings.CutSuffix(name, ".json")
	if !ok || !json || !ValidEnvironment(env) || !auditName.MatchString(name) {
		return "", 0, fmt.Errorf("%q is not the key of an audit entry", key)
	}
	generation, err = strconv.ParseInt(name, 10, 64)
	return env, generation, err
}

// AuditObject is the entry as an object.
func AuditObject(a Audit) Object {
	return lasting(AuditKey(a.Environment, a.Generation)).With(Encode(a, ""))
}

// DecodeAudit reads what AuditObject holds and checks it; env and generation are
// those that it must be of.
func DecodeAudit(data []byte, env string, generation int64) (Audit, error) {
	var a Audit
	if err := auditFormat.read(data, &a); err != nil {
		return Audit{}, err
	}
	if err := a.validate(env, generation); err != nil {
		return Audit{}, auditFormat.damaged(err)
	}
	return a, auditFormat.exact(data, Encode(a, ""))
}

func (a Audit) validate(env string, generation int64) error {
	switch {
	case a.Environment != env || a.Generation != generation:
		return fmt.Errorf("it is of generation %d of environment %s", a.Generation, a.Environment)
	case !ValidSnapshot(a.Snapshot):
		return fmt.Errorf("snapshot %q is not an id", a.Snapshot)
	case a.Before != "" && !ValidSnapshot(a.Before):
		return fmt.Errorf("before: %q is not an id", a.Before)
	case len(a.Added)+len(a.Removed)+len(a.Changed) > MaxAudited || a.Packages < 0 || a.More < 0:
		return fmt.Errorf("it names %d package versions", len(a.Added)+len(a.Removed)+len(a.Changed))
	}
	switch a.Kind {
	case MovePublish, MoveRollback, MovePin, MoveUnpin, MoveRecover, MoveRetire:
	default:
		return fmt.Errorf("%q is not a kind of move", a.Kind)
	}
	if a.Pin && a.Kind != MoveRollback && a.Kind != MoveRecover {
		return fmt.Errorf("a %s does not pin as well", a.Kind)
	}
	return ValidNote(a.By, a.Reason)
}
