// Package v2test follows an index of package storage v2 as registries do.
package v2test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/regsnap/regsnap/index/searchindex"
)

// Reader follows an index in a bucket of Google Cloud Storage, with the requests that
// registries make.
type Reader struct {
	// Addr is the host and port of the store, Bucket the bucket's name, and Prefix
	// what comes before v2/, "" or with a slash at its end.
	Addr, Bucket, Prefix string
	// Incremental readers go through every folder from their cursor on.
	Incremental bool

	// Cursor is where the reader is, Packages what it has, Loaded how many
	// indexes it read.
	Cursor   string
	Packages map[string]json.RawMessage
	Loaded   int
}

// Follow is what a registry does at its start and at every interval.
func (r *Reader) Follow(ctx context.Context) error {
	body, err := r.get(ctx, "v2/metadata/cursor.json")
	if err != nil {
		return err
	}
	now, err := searchindex.ParseCursor(body)
	if err != nil || now == r.Cursor {
		return err
	}
	folders := []string{now}
	if r.Incremental && r.Cursor != "" {
		if now < r.Cursor {
			return fmt.Errorf("%w: the cursor went back from %s to %s: an incremental reader stays where it is", searchindex.ErrIndex, r.Cursor, now)
		}
		if folders, err = r.between(ctx, r.Cursor, now); err != nil {
			return err
		}
		if !slices.Contains(folders, now) {
			return fmt.Errorf("%w: the cursor names %s, and there is no such folder", searchindex.ErrIndex, now)
		}
	}
	for _, folder := range folders {
		if err := r.load(ctx, folder); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	r.Cursor = now
	return nil
}

func (r *Reader) load(ctx context.Context, folder string) error {
	body, err := r.get(ctx, "v2/metadata/"+folder+"/search-index-all.json")
	if err != nil {
		return err
	}
	packages := map[string]json.RawMessage{}
	err = searchindex.Read(bytes.NewReader(body), func(e searchindex.Entry) error {
		packages[e.ID()] = e.Document
		return nil
	})
	if err != nil {
		return err
	}
	r.Loaded++
	r.Packages = packages
	return nil
}

// between lists the folders after one cursor, up to another, in order.
func (r *Reader) between(ctx context.Context, after, last string) ([]string, error) {
	prefix := r.Prefix + "v2/metadata/"
	query := url.Values{"alt": {"json"}, "delimiter": {"/"}, "prefix": {prefix}, "prettyPrint": {"false"}, "projection": {"full"}}
	body, err := fetch(ctx, "http://"+r.Addr+"/storage/v1/b/"+r.Bucket+"/o?"+query.Encode())
	if err != nil {
		return nil, err
	}
	var list struct{ Prefixes []string }
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, err
	}
	var out []string
	for _, p := range list.Prefixes {
		if folder := strings.TrimSuffix(strings.TrimPrefix(p, prefix), "/"); folder > after && folder <= last {
			out = append(out, folder)
		}
	}
	slices.Sort(out)
	return out, nil
}

// get reads an object. Transport inflates what the store says is gzip-encoded.
func (r *Reader) get(ctx context.Context, name string) ([]byte, error) {
	return fetch(ctx, "http://"+r.Addr+"/storage/v1/b/"+r.Bucket+"/o/"+url.PathEscape(r.Prefix+name)+"?alt=media&prettyPrint=false&projection=full")
}

func fetch(ctx context.Context, target string) (_ []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", target, resp.Status)
	}
	return body, err
}
