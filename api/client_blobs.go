package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/merograph/merograph/blob"
)

// AddBlob sends a blob to the node. size is the length of what r gives, or -1 when nobody knows.
func (c *Client) AddBlob(ctx context.Context, r io.Reader, size int64) (BlobEntry, error) {
	res, err := c.do(ctx, http.MethodPut, "/admin-api/blobs", r, size)
	if err != nil {
		return BlobEntry{}, err
	}
	defer res.Body.Close()
	var answer data[BlobEntry]
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return BlobEntry{}, fmt.Errorf("%s answers what is no blob id (%w): is it a node?", c.url, err)
	}
	return answer.Data, nil
}

// Blob asks the node for a blob, which it may fetch from others for as long as within. The caller closes it; a body that ends
// before size bytes gives an error.
func (c *Client) Blob(ctx context.Context, id blob.ID, within time.Duration) (content io.ReadCloser, size int64, err error) {
	q := url.Values{"timeout": {within.String()}}
	res, err := c.do(ctx, http.MethodGet, "/admin-api/blobs/"+id.String()+"?"+q.Encode(), nil, 0)
	if err != nil {
		return nil, 0, err
	}
	return res.Body, res.ContentLength, nil
}

// Blobs lists what the node holds, one page.
func (c *Client) Blobs(ctx context.Context, offset, limit int) (BlobList, error) {
	res, err := c.do(ctx, http.MethodGet, fmt.Sprintf("/admin-api/blobs?offset=%d&limit=%d", offset, limit), nil, 0)
	if err != nil {
		return BlobList{}, err
	}
	defer res.Body.Close()
	var answer data[BlobList]
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer.Data, err
}
