package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/regsnap/regsnap/layout"
)

// settings reads what S3 tells of the bucket. there is the key of an object that
// exists, for finding out what anyone can do with it.
func (s *s3Store) settings(ctx context.Context, there string) []Setting {
	versioned, versioning := s.versioning(ctx)
	return []Setting{versioning, s.lifecycle(ctx, versioned), s.public(ctx, there).setting(), s.encrypted(ctx)}
}

func (s *s3Store) versioning(ctx context.Context) (bool, Setting) {
	out, err := s.client.GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: &s.name})
	switch {
	case err != nil:
		return false, untold("versioning", err)
	case out.Status == types.BucketVersioningStatusEnabled:
		return true, Setting{"versioning", Right, "on: what is deleted or overwritten by mistake can be brought back", ""}
	}
	return false, Setting{"versioning", Note, "off: what is deleted by mistake is gone", "switch it on, with a rule that expires noncurrent versions, or keep a mirror"}
}

func (s *s3Store) lifecycle(ctx context.Context, versioned bool) Setting {
	out, err := s.client.GetBucketLifecycleConfiguration(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: &s.name})
	var rules []types.LifecycleRule
	switch {
	case err == nil:
		rules = out.Rules
	case apiCode(err) != "NoSuchLifecycleConfiguration":
		return untold("lifecycle", err)
	}
	var harmful []string
	aborts, noncurrent := false, false
	for _, r := range rules {
		if r.Status != types.ExpirationStatusEnabled {
			continue
		}
		aborts = aborts || r.AbortIncompleteMultipartUpload != nil
		noncurrent = noncurrent || r.NoncurrentVersionExpiration != nil
		expires := r.Expiration != nil && (r.Expiration.Days != nil || r.Expiration.Date != nil)
		if (expires || len(r.Transitions) > 0) && s.concerns(rulePrefix(r)) {
			harmful = append(harmful, fmt.Sprintf("%q", aws.ToString(r.ID)))
		}
	}
	switch {
	case len(harmful) > 0:
		return Setting{"lifecycle", Wrong, "rule " + strings.Join(harmful, ", ") + " expires or moves objects that snapshots refer to", "remove it, or limit it to other prefixes: regsnap prune deletes what no snapshot needs"}
	case !aborts:
		return Setting{"lifecycle", Note, "no rule aborts incomplete multipart uploads", "add one, after a day: parts of uploads that were cut off cost as much as objects"}
	case versioned && !noncurrent:
		return Setting{"lifecycle", Note, "no rule expires noncurrent versions", "add one: leases and pointers are written often, and what prune deletes stays as versions"}
	}
	return Setting{"lifecycle", Right, "incomplete uploads are aborted, and nothing current expires", ""}
}

func rulePrefix(r types.LifecycleRule) string {
	if r.Filter == nil {
		//lint:ignore SA1019 older rules have it here
		return aws.ToString(r.Prefix)
	}
	if r.Filter.And != nil {
		return aws.ToString(r.Filter.And.Prefix)
	}
	return aws.ToString(r.Filter.Prefix)
}

// concerns reports whether a rule for a prefix is about objects of regsnap.
func (s *s3Store) concerns(prefix string) bool {
	for _, ours := range layout.Prefixes {
		ours = s.prefix + ours
		if strings.HasPrefix(ours, prefix) || strings.HasPrefix(prefix, ours) {
			return true
		}
	}
	return false
}

func (s *s3Store) encrypted(ctx context.Context) Setting {
	out, err := s.client.GetBucketEncryption(ctx, &s3.GetBucketEncryptionInput{Bucket: &s.name})
	switch {
	case err == nil && out.ServerSideEncryptionConfiguration != nil:
		for _, r := range out.ServerSideEncryptionConfiguration.Rules {
			if d := r.ApplyServerSideEncryptionByDefault; d != nil {
				return Setting{"encryption", Right, "at rest, " + string(d.SSEAlgorithm), ""}
			}
		}
	case err != nil && apiCode(err) != "ServerSideEncryptionConfigurationNotFoundError":
		return untold("encryption", err)
	}
	return Setting{"encryption", Note, "none by default", "set a default encryption of the bucket, if its disks are not encrypted otherwise"}
}

// public tries what anyone can do. The write has a condition that does not hold, so
// that nothing is written where anyone could.
func (s *s3Store) public(ctx context.Context, there string) publicAccess {
	anyone := s3.New(s.client.Options(), func(o *s3.Options) { o.Credentials = aws.AnonymousCredentials{} })
	key := aws.String(s.prefix + there)
	var p publicAccess
	if out, err := anyone.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.name, Key: key}); err == nil {
		p.Read = out.Body.Close() == nil
	}
	_, err := anyone.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &s.name, MaxKeys: aws.Int32(1)})
	p.List = err == nil
	_, err = anyone.PutObject(ctx, &s3.PutObjectInput{Bucket: &s.name, Key: key, Body: bytes.NewReader([]byte("{}")), IfNoneMatch: aws.String("*")})
	p.Write = err == nil || errors.Is(s.named(there, err), errRefused)
	return p
}
