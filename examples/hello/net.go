package main

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/p2p"
)

// overLibp2p runs a desk and two guests on real hosts, and asks one of the guests who is there.
func overLibp2p(out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()

	desk, _, err := open(ctx, "desk")
	if err != nil {
		return err
	}
	defer desk.Close()

	var guests []*p2p.Running
	for _, name := range []string{"Ada", "Grace"} {
		h, guest, err := open(ctx, "guest", graph.Bind("name", name), graph.Bind("desk", desk.ID()))
		if err != nil {
			return err
		}
		defer h.Close()
		if err := h.Connect(ctx, desk.Addrs()[0]); err != nil {
			return err
		}
		guests = append(guests, guest)
	}

	// The row is exposed, so the node can watch it: here until Ada has heard of both.
	room := graph.FeedOf[uint8, Welcome](guests[0].Instance(), "room")
	if err := until(ctx, room, func(v graph.View[uint8, Welcome]) bool {
		w, _ := v.Get(0)
		return len(w.Here) == len(guests)
	}); err != nil {
		return err
	}

	// The way in is Ask: the person at Ada's node asks who is there.
	answer, err := p2p.Ask[string, []string](ctx, guests[0], "who", "")
	if err != nil {
		return err
	}
	slices.Sort(answer)
	fmt.Fprintf(out, "at the desk: %s\n", strings.Join(answer, " and "))
	return nil
}

// until waits for a value of a feed.
func until[T any](ctx context.Context, f *graph.Feed[T], ok func(T) bool) error {
	set := make(chan struct{}, 1)
	defer f.Watch(func() {
		select {
		case set <- struct{}{}:
		default:
		}
	})()
	for !ok(f.Get()) {
		select {
		case <-set:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// open runs the program of a role on a libp2p host of its own.
func open(ctx context.Context, role string, bindings ...graph.Option) (*p2p.Host, *p2p.Running, error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, nil, err
	}
	program, err := graph.Compile(Protocol(), role)
	if err != nil {
		return nil, nil, err
	}
	h, err := p2p.New(ctx, p2p.Config{Key: key, Listen: []string{"/ip4/127.0.0.1/tcp/0"}})
	if err != nil {
		return nil, nil, err
	}
	running, err := h.Run(program, bindings...)
	if err != nil {
		h.Close()
		return nil, nil, err
	}
	return h, running, nil
}
