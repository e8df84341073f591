package p2p

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"lukechampine.com/blake3"

	"github.com/merograph/merograph/graph"
)

const (
	foundTime  = time.Hour // that a found peer and its addresses are kept after it was heard
	foundDials = 4         // to found peers, at a time
	maxOffers  = 64        // of a found peer that are kept
	maxOffer   = 256       // bytes of one
)

// mdnsService is the name of a network's nodes among what a local network announces.
func mdnsService(network string) string {
	sum := blake3.Sum256([]byte(network))
	return "_merograph-" + hex.EncodeToString(sum[:8]) + "._udp"
}

// A Nearby is a peer that was found on the local network.
type Nearby struct {
	Peer   graph.Peer
	Offers []string // protocol ids of the channels that it answers to, sorted; none until it was connected
}

// Found is a feed of the peers that were found on the local network, sorted, at most Limits.Found. Their addresses are in
// the address book, and while there are fewer connections than Limits.ConnsLow they have been dialed. One that is not
// connected and was not heard for an hour makes room for those that are. Empty without Config.MDNS. What is found is not yet
// a member: anyone on the local network may announce anything, and offer it.
func (h *Host) Found() *graph.Feed[[]Nearby] { return h.found }

// openMDNS announces this host and looks for others. A failure is a problem to be told, no reason not to run.
func (h *Host) openMDNS(name string) {
	s := mdns.NewMdnsService(h.host, mdnsService(name), finder{h})
	if err := s.Start(); err != nil {
		h.problem(problemKey{channel: "mdns"}, fmt.Sprintf("nobody is found on the local network: %v: give the addresses of others, or listen at an address of this network", err))
		s.Close()
		return
	}
	h.mdns = s
}

// A finder hears of peers, on goroutines of libp2p's.
type finder struct{ h *Host }

var _ mdns.Notifee = finder{}

// HandlePeerFound takes a peer and where it says that it is, and dials it.
func (f finder) HandlePeerFound(info peer.AddrInfo) {
	h := f.h
	if info.ID == h.id || len(info.Addrs) == 0 {
		return
	}
	info.Addrs = info.Addrs[:min(len(info.Addrs), maxLearned)]
	if !h.noteFound(info.ID, h.now()) {
		return
	}
	h.host.Peerstore().AddAddrs(info.ID, info.Addrs, foundTime)
	if len(h.host.Network().Peers()) >= h.limits.ConnsLow || h.host.Network().Connectedness(info.ID) == network.Connected {
		return
	}
	select {
	case h.dials <- struct{}{}:
	default:
		return // it is known, and others are being dialed
	}
	if !h.spawn(func() {
		defer func() { <-h.dials }()
		ctx, cancel := context.WithTimeout(h.ctx, dialTime)
		defer cancel()
		if err := h.host.Connect(ctx, info); err != nil {
			h.log.Debug("dial a peer of the local network", "peer", info.ID, "error", err)
		}
	}) {
		<-h.dials
	}
}

// noteFound puts a peer into the feed, and takes out those that are gone; false when there are too many.
func (h *Host) noteFound(id peer.ID, now graph.Time) bool {
	h.foundMu.Lock()
	defer h.foundMu.Unlock()
	was := h.found.Get()
	known := h.stillFound(was, now)
	i, there := nearby(known, id)
	room := there || len(known) < h.limits.Found
	if room {
		h.heard[graph.Peer(id.String())] = now
	}
	fresh := room && !there
	if fresh || len(known) < len(was) {
		if fresh {
			known = slices.Insert(known, i, Nearby{graph.Peer(id.String()), h.offers(id)})
		}
		h.found.Set(known)
	}
	return room
}

// stillFound gives those that were heard within foundTime, or are connected, and forgets the others. The caller holds foundMu.
func (h *Host) stillFound(known []Nearby, now graph.Time) []Nearby {
	connected := h.book.connected.Get()
	return slices.DeleteFunc(slices.Clone(known), func(n Nearby) bool {
		if now.Sub(h.heard[n.Peer]) < foundTime {
			return false
		}
		if _, is := slices.BinarySearch(connected, n.Peer); is {
			return false
		}
		delete(h.heard, n.Peer)
		return true
	})
}

// noteOffers has the feed tell what a found peer offers now.
func (h *Host) noteOffers(id peer.ID) {
	h.foundMu.Lock()
	defer h.foundMu.Unlock()
	known := h.found.Get()
	i, there := nearby(known, id)
	if !there {
		return
	}
	if now := h.offers(id); !slices.Equal(now, known[i].Offers) {
		known = slices.Clone(known)
		known[i].Offers = now
		h.found.Set(known)
	}
}

func nearby(known []Nearby, id peer.ID) (i int, there bool) {
	return slices.BinarySearchFunc(known, graph.Peer(id.String()), func(n Nearby, p graph.Peer) int { return cmp.Compare(n.Peer, p) })
}

// offers are the channels that a peer has said it answers to.
func (h *Host) offers(id peer.ID) (out []string) {
	all, _ := h.host.Peerstore().GetProtocols(id) // the book in memory has no failures
	for _, p := range all {
		if isOurs(p) && len(p) <= maxOffer && len(out) < maxOffers {
			out = append(out, string(p))
		}
	}
	slices.Sort(out)
	return out
}
