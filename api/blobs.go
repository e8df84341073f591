package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/merograph/merograph/blob"
)

// The bounds of the routes for blobs.
const (
	DefaultBlobTimeout = 30 * time.Second // that a blob may take to arrive from others
	maxBlobTimeout     = 24 * time.Hour
	defaultPage        = 100
	maxPage            = 1000
	maxOffset          = 100_000
)

// A BlobEntry is the result of adding a blob, and a row of the list of blobs.
type BlobEntry struct {
	BlobID blob.ID `json:"blobId"`
	Size   int64   `json:"size"`
}

// A BlobList is the result of listing blobs.
type BlobList struct {
	Blobs []BlobEntry `json:"blobs"`
}

// A data is how the admin routes wrap what they answer.
type data[T any] struct {
	Data T `json:"data"`
}

func (s *Server) addBlob(w http.ResponseWriter, r *http.Request) {
	body := &steadyReader{r.Body, http.NewResponseController(w), nil}
	id, size, err := s.state.AddBlob(body)
	switch {
	case body.err != nil:
		err = &Error{Kind: InvalidRequest, Message: "the blob did not come whole and was not kept: " + body.err.Error()}
	case err == nil:
		reply(w, http.StatusOK, data[BlobEntry]{BlobEntry{id, size}})
		return
	}
	// What is left of the body is not read: the connection ends with this answer.
	w.Header().Set("Connection", "close")
	refuse(w, failure(err))
}

func (s *Server) listBlobs(w http.ResponseWriter, r *http.Request) {
	offset, err := number(r, "offset", 0, maxOffset)
	if err != nil {
		refuse(w, failure(err))
		return
	}
	limit, err := number(r, "limit", defaultPage, maxPage)
	if err != nil {
		refuse(w, failure(err))
		return
	}
	held, err := s.state.Blobs().Store().List()
	if err != nil {
		refuse(w, failure(err))
		return
	}
	out := BlobList{[]BlobEntry{}}
	for i := offset; i < min(offset+limit, len(held)); i++ {
		out.Blobs = append(out.Blobs, BlobEntry{held[i].ID, held[i].Size})
	}
	reply(w, http.StatusOK, data[BlobList]{out})
}

func number(r *http.Request, name string, otherwise, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > most {
		return 0, &Error{Kind: InvalidParams, Message: fmt.Sprintf("%s=%s: it is a number from 0 to %d", name, text, most), Data: name}
	}
	return n, nil
}

func blobID(r *http.Request) (blob.ID, error) {
	text := r.PathValue("id")
	id, err := blob.ParseID(text)
	if err != nil {
		return id, &Error{Kind: InvalidParams, Message: fmt.Sprintf("%.80q is no blob id: it looks like bafkr4i…", text), Data: "id"}
	}
	return id, nil
}

// getBlob gives the bytes, fetched from others when they are not here.
func (s *Server) getBlob(w http.ResponseWriter, r *http.Request) {
	id, err := blobID(r)
	if err != nil {
		refuse(w, failure(err))
		return
	}
	within := DefaultBlobTimeout
	if text := r.URL.Query().Get("timeout"); text != "" {
		within, err = time.ParseDuration(text)
		if err != nil || within < 0 || within > maxBlobTimeout {
			refuse(w, &Error{Kind: InvalidParams, Message: fmt.Sprintf("timeout=%s: it is a duration such as 30s, at most %v", text, maxBlobTimeout), Data: "timeout"})
			return
		}
	}
	content, _, err := s.state.Blob(r.Context(), id, within)
	if err != nil {
		if r.Context().Err() != nil && !errors.Is(err, blob.ErrNotFound) {
			err = &Error{Kind: NotReady, Message: "the node is stopping"}
		}
		refuse(w, failure(err))
		return
	}
	defer content.Close()
	describeBlob(w, id)
	http.ServeContent(&steadyWriter{w, http.NewResponseController(w)}, r, "", time.Time{}, content)
}

// headBlob says whether the blob is here; it asks nobody else.
func (s *Server) headBlob(w http.ResponseWriter, r *http.Request) {
	id, err := blobID(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	size, held := s.state.Blobs().Size(id)
	if !held {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	describeBlob(w, id)
	w.Header().Set("Accept-Ranges", "bytes")
	w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
}

func describeBlob(w http.ResponseWriter, id blob.ID) {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("ETag", `"`+id.String()+`"`)
}

// A steadyReader reads a body of any length as long as bytes keep coming.
type steadyReader struct {
	from io.Reader
	conn *http.ResponseController
	err  error // of the body, which is the sender's and not the store's
}

// Read implements io.Reader.
func (s *steadyReader) Read(p []byte) (int, error) {
	_ = s.conn.SetReadDeadline(time.Now().Add(stallTimeout))
	n, err := s.from.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	if err != nil {
		_ = s.conn.SetReadDeadline(time.Time{})
	}
	return n, err
}

// A steadyWriter writes an answer of any length as long as the client keeps taking it.
type steadyWriter struct {
	http.ResponseWriter
	conn *http.ResponseController
}

// Write implements io.Writer.
func (s *steadyWriter) Write(p []byte) (int, error) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
	return s.ResponseWriter.Write(p)
}
