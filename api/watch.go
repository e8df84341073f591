package api

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/merograph/merograph/components/store"
)

// Present is the status of an entry that the store held when a watch began.
const Present store.Status = "present"

// watchPulse is the time between the empty lines that show a watcher that the node is there.
const watchPulse = 15 * time.Second

// A Change is a line of a watch: the entry, without a value when it was deleted.
type Change struct {
	Entry
	Status store.Status `json:"status"` // present, created, updated, deleted
}

// watchLine is a Change, or why there are no more.
type watchLine struct {
	Change
	Error *wireError `json:"error,omitempty"`
}

// watchStore streams the changes under a prefix as lines of JSON until the watcher goes away. An empty line says that the
// watch has begun, and then that the node is still there; a line with an error is the last.
func (s *Server) watchStore(w http.ResponseWriter, r *http.Request) {
	prefix, present, err := watchQuery(r.URL.Query())
	if err != nil {
		refuse(w, failure(err))
		return
	}
	kv, err := s.state.Store()
	if err != nil {
		refuse(w, failure(err))
		return
	}
	watcher, err := kv.Watch(prefix, present)
	if err != nil {
		refuse(w, failure(err))
		return
	}
	defer watcher.Close()
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := &lines{w: w, control: http.NewResponseController(w)}
	out.all(r.Context(), watcher)
}

// A watched is a store.Watcher.
type watched interface {
	Present() iter.Seq2[store.Entry, error]
	Next(ctx context.Context) ([]store.Event, error)
}

var _ watched = (*store.Watcher)(nil)

// all writes a watch from its first line to its last, which says why it ends unless the watcher itself went away.
func (l *lines) all(ctx context.Context, w watched) {
	err := l.flush(true)
	if err == nil {
		err = l.watch(ctx, w)
	}
	switch {
	case errors.Is(context.Cause(ctx), errStops), errors.Is(err, store.ErrClosed):
		err = errStops
	case ctx.Err() != nil:
		return
	}
	e := failure(err)
	_ = l.control.SetWriteDeadline(time.Now().Add(stallTimeout))
	_ = json.NewEncoder(l.w).Encode(map[string]any{"error": wireError{e.code(), e.Message, wireData{e.Kind, e.Data}}})
	_ = l.flush(false)
}

func watchQuery(q url.Values) (prefix string, present bool, err error) {
	for name := range q { //lint:unordered any wrong one is told
		if name != "prefix" && name != "prefixBase64" && name != "present" {
			return "", false, &Error{Kind: InvalidParams, Message: fmt.Sprintf("there is no parameter %q: there are prefix, prefixBase64 and present", name), Data: name}
		}
	}
	raw, err := base64.StdEncoding.DecodeString(q.Get("prefixBase64"))
	if err != nil {
		return "", false, &Error{Kind: InvalidParams, Message: "prefixBase64 is no base64: " + err.Error(), Data: "prefixBase64"}
	}
	if v := q.Get("present"); v != "" {
		if present, err = strconv.ParseBool(v); err != nil {
			return "", false, &Error{Kind: InvalidParams, Message: fmt.Sprintf("present is %q: it is true or false", v), Data: "present"}
		}
	}
	return q.Get("prefix") + string(raw), present, nil
}

// lines writes a stream, of which each piece has to be taken within stallTimeout.
type lines struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (l *lines) flush(pulse bool) error {
	if pulse {
		if _, err := io.WriteString(l.w, "\n"); err != nil {
			return err
		}
	}
	return l.control.Flush()
}

func (l *lines) write(e store.Entry, status store.Status) error {
	_ = l.control.SetWriteDeadline(time.Now().Add(stallTimeout))
	c := Change{Entry: shown(e), Status: status}
	if status == store.Deleted {
		c.Value, c.ValueBase64 = nil, nil
	}
	enc := json.NewEncoder(l.w)
	enc.SetEscapeHTML(false)
	return enc.Encode(c)
}

// watch writes what is there and what changes, until it cannot.
func (l *lines) watch(ctx context.Context, w watched) error {
	for e, err := range w.Present() {
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = l.write(e, Present)
		}
		if err != nil {
			return err
		}
	}
	for {
		if err := l.flush(false); err != nil {
			return err
		}
		until, done := context.WithTimeout(ctx, watchPulse)
		events, err := w.Next(until)
		done()
		for _, e := range events {
			if err := l.write(e.Entry, e.Status); err != nil {
				return err
			}
		}
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, context.DeadlineExceeded):
			_ = l.control.SetWriteDeadline(time.Now().Add(stallTimeout))
			if err := l.flush(true); err != nil {
				return err
			}
		case err != nil:
			return err
		}
	}
}

// Watch calls fn with each change of the store under a prefix, until ctx ends or fn returns an error. With present it begins
// with the entries that are there. The changes come in the order of the node's log, those of present in the order of the keys.
// The error says that the node stopped, or that fn was so slow that changes were dropped.
func (c *Client) Watch(ctx context.Context, prefix string, present bool, fn func(Change) error) error {
	q := url.Values{"present": {strconv.FormatBool(present)}}
	if utf8.ValidString(prefix) {
		q.Set("prefix", prefix)
	} else {
		q.Set("prefixBase64", base64.StdEncoding.EncodeToString([]byte(prefix)))
	}
	res, err := c.do(ctx, http.MethodGet, "/admin-api/store/watch?"+q.Encode(), nil, 0)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	d := json.NewDecoder(res.Body)
	for {
		var line watchLine
		if err := d.Decode(&line); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("the connection to the node broke: %w; is it running? watch again, beginning with the present", err)
		}
		if line.Error != nil {
			return line.Error.back()
		}
		if err := fn(line.Change); err != nil {
			return err
		}
	}
}
