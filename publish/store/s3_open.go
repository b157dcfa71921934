package store

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"
)

// s3Opener opens s3:// URLs as gocloud does, and then replaces the client by one
// with the same settings that keeps more connections and makes one attempt:
// retrying makes the others, and the attempts of both would multiply. The SDK's
// AWS_MAX_ATTEMPTS, AWS_RETRY_MODE and rate_limiter_capacity have no effect.
type s3Opener struct{}

func (s3Opener) OpenBucketURL(ctx context.Context, u *url.URL) (*blob.Bucket, error) {
	opened, err := new(s3blob.URLOpener).OpenBucketURL(ctx, u)
	if err != nil {
		return nil, err
	}
	var before *s3.Client
	opened.As(&before)
	if err := opened.Close(); err != nil {
		return nil, err
	}
	client := s3.New(before.Options(), func(o *s3.Options) {
		o.Retryer = aws.NopRetryer{}
		// The SDK warns on standard error of what retrying deals with.
		o.Logger = logging.Nop{}
		if c, ok := o.HTTPClient.(*awshttp.BuildableClient); ok {
			// Not a client of our own: this one has the roots of AWS_CA_BUNDLE.
			o.HTTPClient = c.WithTransportOptions(func(t *http.Transport) { tuneTransport(t) })
		}
	})
	q := u.Query()
	return s3blob.OpenBucket(ctx, client, u.Host, &s3blob.Options{
		EncryptionType: encryptionType(q.Get("ssetype")), KMSEncryptionID: q.Get("kmskeyid"),
		RequestChecksumCalculation: client.Options().RequestChecksumCalculation,
	})
}

// encryptionType finds a value that gocloud has checked, in any case of letters.
func encryptionType(value string) types.ServerSideEncryption {
	for _, t := range types.ServerSideEncryptionAes256.Values() {
		if strings.EqualFold(string(t), value) {
			return t
		}
	}
	return ""
}

// wantsChecksums reports whether requests carry checksums. A URL can ask for none
// (request_checksum_calculation=when_required): not every server knows them.
func wantsChecksums(client *s3.Client) bool {
	return client.Options().RequestChecksumCalculation != aws.RequestChecksumCalculationWhenRequired
}
