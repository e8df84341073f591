package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/node"
)

// A Kind names what went wrong, for programs. The names do not change.
type Kind string

// The kinds of failure.
const (
	ParseError     Kind = "ParseError"     // the body is no JSON
	InvalidRequest Kind = "InvalidRequest" // JSON, and no request
	MethodNotFound Kind = "MethodNotFound"
	InvalidParams  Kind = "InvalidParams"
	InternalError  Kind = "InternalError"
	NotFound       Kind = "NotFound"
	NotMember      Kind = "NotMember"      // this node may not write yet
	UnknownOutcome Kind = "UnknownOutcome" // the write may or may not be durable
	Unauthorized   Kind = "Unauthorized"   // no token, or a wrong one
	Forbidden      Kind = "Forbidden"      // asked under a foreign name
	TooLarge       Kind = "TooLarge"
	NotReady       Kind = "NotReady" // the node starts or stops
	NoNode         Kind = "NoNode"   // nothing answers; made by the client
)

// meanings is the one table of what a kind is at each edge.
var meanings = map[Kind]struct{ code, status, exit int }{
	ParseError:     {-32700, http.StatusBadRequest, 1},
	InvalidRequest: {-32600, http.StatusBadRequest, 1},
	MethodNotFound: {-32601, http.StatusNotFound, 1},
	InvalidParams:  {-32602, http.StatusBadRequest, 2},
	InternalError:  {-32603, http.StatusInternalServerError, 1},
	NotFound:       {-32001, http.StatusNotFound, 1},
	NotMember:      {-32002, http.StatusConflict, 1},
	UnknownOutcome: {-32003, http.StatusInternalServerError, 1},
	Unauthorized:   {-32004, http.StatusUnauthorized, 1},
	Forbidden:      {-32005, http.StatusForbidden, 1},
	TooLarge:       {-32006, http.StatusRequestEntityTooLarge, 2},
	NotReady:       {-32007, http.StatusServiceUnavailable, 1},
	NoNode:         {-32008, http.StatusServiceUnavailable, 1},
}

// An Error is a failure as the door tells it: a kind for programs, a sentence for people, and what it is about.
type Error struct {
	Kind    Kind
	Message string
	Data    any // the key, the id or the parameter; nil when there is none
}

// Error is the sentence.
func (e *Error) Error() string { return e.Message }

// Exit is the exit status of a command that fails so.
func (e *Error) Exit() int {
	if m, ok := meanings[e.Kind]; ok {
		return m.exit
	}
	return 1
}

func (e *Error) code() int   { return meanings[e.Kind].code }
func (e *Error) status() int { return meanings[e.Kind].status }

// known tells the kind of what the node's parts answer with.
var known = []struct {
	is   error
	kind Kind
}{
	{store.ErrNotFound, NotFound},
	{blob.ErrNotFound, NotFound},
	{node.ErrNotMember, NotMember},
	{dag.ErrUnknownOutcome, UnknownOutcome},
	{context.Canceled, NotReady},
}

// failure gives an error as the door tells it.
func failure(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return &Error{Kind: TooLarge, Message: "the request is too large: send less at once, and large values as blobs", Data: large.Limit}
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return &Error{Kind: k.kind, Message: err.Error()}
		}
	}
	return &Error{Kind: InternalError, Message: err.Error()}
}
