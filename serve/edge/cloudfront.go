package edge

import (
	"archive/zip"
	"bytes"
	"errors"
	"time"
)

// CloudFrontOptions say what the functions of a distribution answer.
type CloudFrontOptions struct {
	// Environment is the one that they answer for.
	Environment string
	// Previews are the host names of previews; empty for none. Environments are those
	// that no preview may stand for.
	Previews     string
	Environments []string
	// Origin is the bucket, which is also the distribution's origin.
	Origin Origin
	// Pointer is for how long the pointer need not be looked at again.
	Pointer time.Duration
	// Fallback is the host of a server of the same environment, for answers that
	// are larger than a function may send; empty for none.
	Fallback string
}

// functionConfig is what cloudfront/origin_request.js is given.
type functionConfig struct {
	Environment    string  `json:"environment"`
	PointerSeconds float64 `json:"pointerSeconds"`
	Origin         string  `json:"origin"`
	Region         string  `json:"region,omitempty"`
	Fallback       string  `json:"fallback,omitempty"`
	previewConfig
}

// CloudFront makes the bundles of the two functions of Lambda@Edge: an archive
// for each, with index.mjs, whose handler is "index.handler".
func CloudFront(o CloudFrontOptions) ([]File, error) {
	if o.Origin.URL == "" {
		return nil, errors.New("functions of CloudFront read a bucket behind a URL, and no URL is given")
	}
	config := functionConfig{o.Environment, o.Pointer.Seconds(), o.Origin.URL, o.Origin.Region, o.Fallback, newPreviewConfig(o.Previews, o.Environments)}
	var files []File
	for _, f := range []struct {
		name string
		code []byte
	}{
		{"origin-request", configured("cloudfront-request", config)},
		{"origin-response", bundle("cloudfront-response")},
	} {
		archive, err := zipped("index.mjs", f.code)
		if err != nil {
			return nil, err
		}
		files = append(files, File{f.name + ".zip", archive})
	}
	if o.Previews != "" {
		files = append(files, File{"viewer-request.js", []byte(viewerRequest)})
	}
	return files, nil
}

// viewerRequest is the CloudFront Function that hands on the host that a client asked: the
// Host of a request to the origin is the bucket's. What a client says in that header
// itself is overwritten.
const viewerRequest = `function handler(event) {
  var request = event.request;
  request.headers["x-regsnap-host"] = { value: request.headers.host ? request.headers.host.value : "" };
  return request;
}
`

// zipped is an archive of one file: the same for the same content, so that
// deploying twice changes nothing.
func zipped(name string, content []byte) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o644)
	w, err := z.CreateHeader(h)
	if err == nil {
		_, err = w.Write(content)
	}
	err = errors.Join(err, z.Close())
	return b.Bytes(), err
}
