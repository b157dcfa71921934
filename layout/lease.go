package layout

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// LeasesPrefix is where the writers of a bucket say that they are at work.
// Nothing there is part of a snapshot.
const LeasesPrefix = "leases/"

// PruneLockKey is the lease of the one writer that deletes.
const PruneLockKey = LeasesPrefix + "prune.json"

// LeaseFormat is the version of the format of a lease.
const LeaseFormat = 1

// Lease says that a writer is at work. While it is fresh nothing is pruned.
type Lease struct {
	Format int `json:"format"`
	// Purpose is what is being done: "build", "publish", "rollback" or "prune".
	Purpose string `json:"purpose"`
	// By is who does it, shown to those who wait.
	By    string    `json:"by,omitempty"`
	Since time.Time `json:"since"`
	// Beat counts the renewals, so that each one writes other bytes.
	Beat int64 `json:"beat"`
}

var leaseID = regexp.MustCompile(`^[0-9a-f]{16}$`)

// LeaseKey is where the lease with an id of 16 hexadecimal digits lies.
func LeaseKey(id string) string { return LeasesPrefix + id + ".json" }

// ParseLeaseKey is the inverse of LeaseKey.
func ParseLeaseKey(key string) (id string, err error) {
	rest, ok := strings.CutPrefix(key, LeasesPrefix)
	id, json := strings.CutSuffix(rest, ".json")
	if !ok || !json || !leaseID.MatchString(id) {
		return "", fmt.Errorf("%q is not the key of a lease", key)
	}
	return id, nil
}

// Encode is the lease as it is stored.
func (l Lease) Encode() []byte { return Encode(l, " ") }

// DecodeLease reads what Encode wrote.
func DecodeLease(data []byte) (Lease, error) {
	var l Lease
	if err := leaseFormat.read(data, &l); err != nil {
		return Lease{}, err
	}
	return l, leaseFormat.exact(data, l.Encode())
}
