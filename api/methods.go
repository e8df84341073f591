package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/merograph/merograph/components/outbox"
	"github.com/merograph/merograph/node"
)

// A method answers one call.
type method func(ctx context.Context, s *node.State, params json.RawMessage) (any, error)

var methods = map[string]method{
	"status":         plain(func(s *node.State) node.Status { return s.Status() }),
	"node_info":      plain(func(s *node.State) node.Info { return s.Info() }),
	"peers":          plain(func(s *node.State) PeerList { return PeerList{s.Peers()} }),
	"registry_list":  asking(func(ctx context.Context, s *node.State, _ struct{}) (node.Cohort, error) { return s.Cohort(ctx), nil }),
	"graph_list":     plain(func(s *node.State) GraphList { return Graphs(s.Protocols()) }),
	"graph_show":     asking(showGraph),
	"store_put":      with(put),
	"store_get":      with(get),
	"store_remove":   with(remove),
	"store_list":     with(list),
	"store_contains": with(contains),
	"outbox_status":  plain(func(s *node.State) outbox.Status { return s.Outbox() }),
	"sync_tick": asking(func(ctx context.Context, s *node.State, p TickParams) (outbox.Tick, error) {
		return s.Deliver(ctx, p.Prune)
	}),
}

// offered names the methods, for who asks for another.
var offered = "there are " + strings.Join(slices.Sorted(maps.Keys(methods)), ", ")

// with reads the parameters of a method, strictly.
func with[P, R any](fn func(*node.State, P) (R, error)) method {
	return asking(func(_ context.Context, s *node.State, p P) (R, error) { return fn(s, p) })
}

// asking is with, for a method that waits for others until ctx ends.
func asking[P, R any](fn func(context.Context, *node.State, P) (R, error)) method {
	return func(ctx context.Context, s *node.State, raw json.RawMessage) (any, error) {
		var p P
		if err := decode(raw, &p); err != nil {
			return nil, err
		}
		r, err := fn(ctx, s, p)
		if err != nil {
			return nil, err
		}
		return r, nil
	}
}

// plain is a method without parameters.
func plain[R any](fn func(*node.State) R) method {
	return with(func(s *node.State, _ struct{}) (R, error) { return fn(s), nil })
}

func decode(raw json.RawMessage, into any) error {
	if raw == nil || bytes.Equal(raw, null) {
		return nil
	}
	if raw[0] != '{' {
		return &Error{Kind: InvalidParams, Message: "params is an object, with the parameters by name"}
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	err := d.Decode(into)
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		return &Error{Kind: InvalidParams, Message: fmt.Sprintf("parameter %q is a %s: it has to be a %s", wrong.Field, wrong.Value, wrong.Type), Data: wrong.Field}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return &Error{Kind: InvalidParams, Message: "params: " + strings.TrimPrefix(err.Error(), "json: ")}
	}
	return nil
}

// TickParams are the parameters of sync_tick.
type TickParams struct {
	Prune bool `json:"prune,omitempty"` // forget the peers that are not connected, and why others refused
}

// A PeerList is the result of peers. That of registry_list is a node.Cohort.
type PeerList struct {
	Peers []node.PeerEntry `json:"peers"`
}
