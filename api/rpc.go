package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"
)

type request struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"` // absent: a notification
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

type response struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result,omitempty"`
	Error   *wireError      `json:"error,omitempty"`
}

type wireError struct {
	Code    int      `json:"code"`
	Message string   `json:"message"`
	Data    wireData `json:"data"`
}

type wireData struct {
	Type Kind `json:"type"`
	Data any  `json:"data"`
}

var null = json.RawMessage("null")

func failed(id json.RawMessage, err error) *response {
	if id == nil {
		id = null
	}
	e := failure(err)
	return &response{Version: "2.0", ID: id, Error: &wireError{e.code(), e.Message, wireData{e.Kind, e.Data}}}
}

// serveRPC answers one call or a batch. The calls of a batch run one after the other, in their order.
func (s *Server) serveRPC(w http.ResponseWriter, r *http.Request) {
	deadline := http.NewResponseController(w)
	_ = deadline.SetReadDeadline(time.Now().Add(bodyTimeout))
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, s.maxBody))
	if err != nil {
		e := failure(err)
		if e.Kind != TooLarge {
			e = &Error{Kind: ParseError, Message: "the request did not come whole: " + err.Error()}
		}
		reply(w, e.status(), failed(nil, e))
		return
	}
	_ = deadline.SetReadDeadline(time.Time{})
	var answer any
	switch body = bytes.TrimSpace(body); {
	case !utf8.Valid(body) || !json.Valid(body):
		answer = failed(nil, &Error{Kind: ParseError, Message: "the request is no JSON: send a JSON-RPC 2.0 request in UTF-8"})
	case body[0] == '[':
		answer = s.batch(r.Context(), body)
	default:
		if one := s.call(r.Context(), body); one != nil {
			answer = one
		}
	}
	if answer == nil {
		w.WriteHeader(http.StatusNoContent) // notifications alone
		return
	}
	reply(w, http.StatusOK, answer)
}

// batch gives the responses, one response when it is no batch at all, or nil when nothing in it wants an answer.
func (s *Server) batch(ctx context.Context, body []byte) any {
	var calls []json.RawMessage
	if err := json.Unmarshal(body, &calls); err != nil {
		return failed(nil, &Error{Kind: ParseError, Message: err.Error()})
	}
	if len(calls) == 0 || len(calls) > s.maxBatch {
		return failed(nil, &Error{Kind: InvalidRequest, Message: fmt.Sprintf("a batch of %d calls: it has 1 to %d", len(calls), s.maxBatch), Data: len(calls)})
	}
	var out []*response
	for _, c := range calls {
		if one := s.call(ctx, c); one != nil {
			out = append(out, one)
		}
	}
	if out == nil {
		return nil
	}
	return out
}

// call gives the response to one request, or nil to a notification.
func (s *Server) call(ctx context.Context, raw json.RawMessage) *response {
	var q request
	err := json.Unmarshal(raw, &q)
	switch {
	case err != nil:
		return failed(nil, &Error{Kind: InvalidRequest, Message: "a request is an object {jsonrpc, id, method, params}: " + err.Error()})
	case q.ID != nil && (q.ID[0] == '{' || q.ID[0] == '[' || q.ID[0] == 't' || q.ID[0] == 'f'):
		return failed(nil, &Error{Kind: InvalidRequest, Message: "the id of a request is a string, a number or null"})
	case q.Version != "2.0":
		return failed(q.ID, &Error{Kind: InvalidRequest, Message: `a request says "jsonrpc": "2.0"`})
	case q.Method == "":
		return failed(q.ID, &Error{Kind: InvalidRequest, Message: "the request names no method"})
	}
	m, ok := methods[q.Method]
	if !ok {
		err = &Error{Kind: MethodNotFound, Message: fmt.Sprintf("there is no method %q: %s", q.Method, offered), Data: q.Method}
	}
	var result any
	if ok {
		result, err = m(ctx, s.state, q.Params)
	}
	switch {
	case q.ID == nil:
		return nil
	case err != nil:
		return failed(q.ID, err)
	}
	return &response{Version: "2.0", ID: q.ID, Result: result}
}
