package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/merograph/merograph/blob"
)

var strangeID = blob.ID{1, 2, 3}

func TestBlobsGoInAndOut(t *testing.T) {
	w := start(t, nil)
	content := make([]byte, 3<<20+17)
	rand.NewChaCha8([32]byte{}).Read(content)
	for _, length := range []int64{int64(len(content)), -1} {
		added, err := w.client.AddBlob(t.Context(), bytes.NewReader(content), length)
		if err != nil || added.Size != int64(len(content)) {
			t.Fatal(added, err)
		}
		body, n, err := w.client.Blob(t.Context(), added.BlobID, time.Second)
		if err != nil || n != int64(len(content)) {
			t.Fatal(n, err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if err != nil || !bytes.Equal(got, content) {
			t.Fatalf("%d bytes came back, %v", len(got), err)
		}
	}
	empty, err := w.client.AddBlob(t.Context(), strings.NewReader(""), 0)
	if err != nil || empty.Size != 0 {
		t.Fatal(empty, err)
	}
	list, err := w.client.Blobs(t.Context(), 0, 100)
	if err != nil || len(list.Blobs) != 2 {
		t.Fatal(list, err)
	}
	if list, err = w.client.Blobs(t.Context(), 1, 100); err != nil || len(list.Blobs) != 1 {
		t.Fatal(list, err)
	}
}

func TestPartsOfABlob(t *testing.T) {
	w := start(t, nil)
	added, err := w.client.AddBlob(t.Context(), strings.NewReader("0123456789"), 10)
	if err != nil {
		t.Fatal(err)
	}
	path := "/admin-api/blobs/" + added.BlobID.String()
	status, text, _ := w.send(http.MethodGet, path, "", func(q *http.Request) { q.Header.Set("Range", "bytes=2-4") })
	if status != http.StatusPartialContent || text != "234" {
		t.Errorf("%d %q", status, text)
	}
	status, _, head := w.send(http.MethodHead, path, "")
	if status != http.StatusOK || head.Get("Content-Length") != "10" || head.Get("ETag") != `"`+added.BlobID.String()+`"` {
		t.Errorf("%d %v", status, head)
	}
	if status, _, _ = w.send(http.MethodHead, "/admin-api/blobs/"+strangeID.String(), ""); status != http.StatusNotFound {
		t.Error(status)
	}
}

func TestWrongRequestsForBlobs(t *testing.T) {
	w := start(t, nil)
	for _, c := range []struct {
		path   string
		status int
		says   string
	}{
		{"/admin-api/blobs/nonsense", 400, "no blob id"},
		{"/admin-api/blobs/" + strangeID.String() + "?timeout=soon", 400, "duration"},
		{"/admin-api/blobs/" + strangeID.String() + "?timeout=-1s", 400, "duration"},
		{"/admin-api/blobs/" + strangeID.String() + "?timeout=10ms", 404, "nobody gave"},
		{"/admin-api/blobs?limit=x", 400, "limit=x"},
		{"/admin-api/blobs?limit=1001", 400, "1000"},
		{"/admin-api/blobs?offset=-1", 400, "offset"},
	} {
		status, text, _ := w.send(http.MethodGet, c.path, "")
		if status != c.status || !strings.Contains(text, c.says) {
			t.Errorf("%s: %d %s, want %d with %q", c.path, status, text, c.status, c.says)
		}
	}
}

// A body that ends too early leaves nothing behind.
func TestABlobThatDoesNotComeWholeIsNotKept(t *testing.T) {
	w := start(t, nil)
	torn := errors.New("torn")
	body := io.MultiReader(strings.NewReader(strings.Repeat("x", 1<<20)), iotest.ErrReader(torn))
	if _, err := w.client.AddBlob(t.Context(), body, 2<<20); !errors.Is(err, torn) {
		t.Errorf("%v, want %v", err, torn)
	}
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := w.client.AddBlob(ctx, &cancelling{cancel}, -1); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want %v", err, context.Canceled)
	}
	if list, err := w.client.Blobs(t.Context(), 0, 100); err != nil || len(list.Blobs) != 0 {
		t.Error(list, err)
	}
}

type cancelling struct{ cancel context.CancelFunc }

func (c *cancelling) Read(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}
