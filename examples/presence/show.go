package main

import (
	"context"
	"fmt"
	"io"
	"slices"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/node"
)

// show is a part of the node that prints who comes and who goes.
type show struct {
	out     io.Writer
	changed chan struct{} // holds one
	unwatch func()
	cancel  context.CancelFunc
	ended   chan struct{}
}

var _ node.Part = (*show)(nil)

// Start implements node.Part.
func (w *show) Start(_ context.Context, s *node.State) error {
	r, err := s.Program("presence", "peer")
	if err != nil {
		return err
	}
	// Without an address, since its port is taken, the node runs all the same.
	if at := s.Host().Addrs(); s.Config().NodeType == node.Coordinator && len(at) > 0 {
		fmt.Fprintln(w.out, "others join with MEROD_BOOTSTRAP="+at[0])
	}
	people := graph.FeedOf[graph.Peer, Person](r.Instance(), "people")
	w.changed, w.ended = make(chan struct{}, 1), make(chan struct{})
	w.unwatch = people.Watch(w.look)
	w.look()
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	go func() {
		defer close(w.ended)
		w.follow(ctx, people)
	}()
	return nil
}

// Stop implements node.Part.
func (w *show) Stop(context.Context) error {
	w.unwatch()
	w.cancel()
	<-w.ended
	return nil
}

// look has follow look again; it does not block.
func (w *show) look() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *show) follow(ctx context.Context, people *graph.Feed[graph.View[graph.Peer, Person]]) {
	var was []Person
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.changed:
		}
		now := people.Get().All()
		w.tell(now, was, "is here")
		w.tell(was, now, "is gone")
		was = now
	}
}

// tell prints those who are in one list and not in the other.
func (w *show) tell(in, notIn []Person, what string) {
	for _, p := range in {
		if !slices.Contains(notIn, p) {
			fmt.Fprintf(w.out, "%q %s (%s)\n", p.Name, what, p.Peer)
		}
	}
}
