package p2p

import (
	"fmt"
	"slices"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/merograph/merograph/graph"
)

// Addresses is a feed of Addrs, which change while relays take this host in and others tell it how they see it.
func (h *Host) Addresses() *graph.Feed[[]string] { return h.addresses }

// Reachable is a feed of whether others can dial this host: ReachPublic, ReachPrivate, or "" while it is not known.
func (h *Host) Reachable() *graph.Feed[string] { return h.reachable }

// watchLibp2p has keepWhere hear what libp2p finds out about this host and about others.
func (h *Host) watchLibp2p() error {
	sub, err := h.host.EventBus().Subscribe([]any{new(event.EvtLocalAddressesUpdated), new(event.EvtLocalReachabilityChanged),
		new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerProtocolsUpdated)}, eventbus.Name("merograph"), eventbus.BufSize(64))
	if err != nil {
		return fmt.Errorf("hear the events of libp2p: %w", err)
	}
	h.tasks.Go(func() { h.keepWhere(sub) })
	return nil
}

// keepWhere keeps the feeds until the host closes.
func (h *Host) keepWhere(sub event.Subscription) {
	defer sub.Close()
	for {
		if now := h.Addrs(); !slices.Equal(now, h.addresses.Get()) {
			h.addresses.Set(now)
		}
		select {
		case <-h.ctx.Done():
			return
		case e := <-sub.Out():
			switch e := e.(type) {
			case event.EvtLocalReachabilityChanged:
				h.reached(e.Reachability)
			case event.EvtPeerIdentificationCompleted:
				h.noteOffers(e.Peer)
			case event.EvtPeerProtocolsUpdated:
				h.noteOffers(e.Peer)
			}
		}
	}
}

func (h *Host) reached(r network.Reachability) {
	now := ""
	switch r {
	case network.ReachabilityPublic:
		now = ReachPublic
	case network.ReachabilityPrivate:
		now = ReachPrivate
	}
	if h.reachable.Get() != now {
		h.reachable.Set(now)
	}
}
