package store

import (
	"context"
	"fmt"
	"strings"

	"cloud.google.com/go/storage"
	"github.com/regsnap/regsnap/layout"
)

// settings reads what Google tells of the bucket.
func (s *gcsStore) settings(ctx context.Context, _ string) []Setting {
	var client *storage.Client
	if !s.blobs.As(&client) {
		return nil
	}
	b := client.Bucket(s.name)
	a, err := b.Attrs(ctx)
	if err != nil {
		return []Setting{untold("versioning", err), untold("lifecycle", err), untold("public access", err), untold("encryption", err)}
	}
	return []Setting{gcsVersioning(a), gcsLifecycle(a), gcsPublic(ctx, a, b), gcsEncryption(a), gcsRetention(a)}
}

func gcsVersioning(a *storage.BucketAttrs) Setting {
	soft := a.SoftDeletePolicy != nil && a.SoftDeletePolicy.RetentionDuration > 0
	switch {
	case a.VersioningEnabled:
		return Setting{"versioning", Right, "on: what is deleted or overwritten by mistake can be brought back", ""}
	case soft:
		return Setting{"versioning", Right, fmt.Sprintf("off, but what is deleted can be brought back for %s (soft delete)", a.SoftDeletePolicy.RetentionDuration), ""}
	}
	return Setting{"versioning", Note, "off: what is deleted by mistake is gone", "switch on soft delete or versioning, or keep a mirror"}
}

func gcsLifecycle(a *storage.BucketAttrs) Setting {
	noncurrent := false
	for i, r := range a.Lifecycle.Rules {
		if r.Action.Type == storage.AbortIncompleteMPUAction {
			continue
		}
		if r.Condition.Liveness == storage.Archived || r.Condition.NumNewerVersions > 0 || r.Condition.DaysSinceNoncurrentTime > 0 {
			noncurrent = true
			continue
		}
		if len(r.Condition.MatchesPrefix) > 0 && !gcsConcerns(r.Condition.MatchesPrefix) {
			continue
		}
		return Setting{"lifecycle", Wrong, fmt.Sprintf("rule %d (%s) deletes or moves objects that snapshots refer to", i+1, r.Action.Type), "remove it, or limit it to other prefixes: regsnap prune deletes what no snapshot needs"}
	}
	if a.VersioningEnabled && !noncurrent {
		return Setting{"lifecycle", Note, "no rule deletes noncurrent versions", "add one: leases and pointers are written often, and what prune deletes stays as versions"}
	}
	return Setting{"lifecycle", Right, "nothing current is deleted or moved", ""}
}

func gcsConcerns(prefixes []string) bool {
	for _, p := range prefixes {
		for _, ours := range layout.Prefixes {
			if strings.HasPrefix(ours, p) || strings.HasPrefix(p, ours) {
				return true
			}
		}
	}
	return false
}

func gcsPublic(ctx context.Context, a *storage.BucketAttrs, b *storage.BucketHandle) Setting {
	if a.PublicAccessPrevention == storage.PublicAccessPreventionEnforced {
		return Setting{"public access", Right, "prevented", ""}
	}
	p, err := b.IAM().Policy(ctx)
	if err != nil {
		return untold("public access", err)
	}
	var found publicAccess
	for _, role := range p.Roles() {
		for _, member := range p.Members(role) {
			if member != "allUsers" && member != "allAuthenticatedUsers" {
				continue
			}
			switch role {
			case "roles/storage.objectViewer", "roles/storage.legacyObjectReader":
				found.Read = true
			case "roles/storage.legacyBucketReader":
				found.List = true
			default:
				found.Write = true
			}
		}
	}
	return found.setting()
}

func gcsEncryption(a *storage.BucketAttrs) Setting {
	if a.Encryption != nil && a.Encryption.DefaultKMSKeyName != "" {
		return Setting{"encryption", Right, "at rest, with a key of your own", ""}
	}
	return Setting{"encryption", Right, "at rest, with a key of Google's", ""}
}

// gcsRetention: what holds objects holds pointers and leases, which must change.
func gcsRetention(a *storage.BucketAttrs) Setting {
	switch {
	case a.RetentionPolicy != nil && a.RetentionPolicy.RetentionPeriod > 0:
		return Setting{"retention", Wrong, fmt.Sprintf("a retention policy of %s keeps pointers and leases from changing", a.RetentionPolicy.RetentionPeriod), "remove it: write-once comes from a creator without the right to delete"}
	case a.DefaultEventBasedHold:
		return Setting{"retention", Wrong, "new objects are held, pointers and leases too, so that they cannot change", "switch the default event-based hold off"}
	}
	return Setting{"retention", Right, "no policy and no hold", ""}
}
