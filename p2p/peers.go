package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/merograph/merograph/graph"
)

// A PeerInfo is what a Host knows of a peer.
type PeerInfo struct {
	Peer      graph.Peer `json:"peerId"`
	Addresses []string   `json:"addresses"`
	State     string     `json:"state"`    // connected or known
	LastSeen  time.Time  `json:"lastSeen"` // zero when it was never connected
}

// The states of a PeerInfo.
const (
	StateConnected = "connected"
	StateKnown     = "known"
)

// maxLearned is how many addresses Learn takes at once.
const maxLearned = 32

// Connect dials the peer of an address that ends in /p2p/ID, and returns when the connection stands.
func (h *Host) Connect(ctx context.Context, addr string) error {
	info, err := peer.AddrInfoFromString(addr)
	if err != nil {
		return fmt.Errorf("connect to %q: %w: give a multiaddr that ends in /p2p/ID", addr, err)
	}
	if info.ID == h.id {
		return fmt.Errorf("connect to %q: it is this node itself: give the address of another", addr)
	}
	if err := h.host.Connect(ctx, *info); err != nil {
		return fmt.Errorf("connect to %q: %w", addr, err)
	}
	return nil
}

// Learn puts addresses of a peer into the address book for ttl; an address may end in /p2p/ID of that peer. What does not
// parse is left out and told; the rest is learned.
func (h *Host) Learn(p graph.Peer, addrs []string, ttl time.Duration) error {
	id, err := decodePeer(p)
	if err != nil {
		return fmt.Errorf("learn: %w", err)
	}
	if id == h.id {
		return nil
	}
	var good []ma.Multiaddr
	var faults []error
	if len(addrs) > maxLearned {
		faults = append(faults, fmt.Errorf("learn %s: %d addresses, only the first %d are taken", p, len(addrs), maxLearned))
		addrs = addrs[:maxLearned]
	}
	for _, s := range addrs {
		a, err := ma.NewMultiaddr(s)
		if err != nil {
			faults = append(faults, fmt.Errorf("learn %s: %q is not a multiaddr: %w", p, s, err))
			continue
		}
		rest, of := peer.SplitAddr(a)
		switch {
		case rest == nil:
			faults = append(faults, fmt.Errorf("learn %s: %q says no place to dial", p, s))
		case of != "" && of != id:
			faults = append(faults, fmt.Errorf("learn %s: %q is an address of another peer", p, s))
		default:
			good = append(good, rest)
		}
	}
	h.host.Peerstore().AddAddrs(id, good, ttl)
	return errors.Join(faults...)
}

// Connected is a feed of the peers that are connected now, sorted.
func (h *Host) Connected() *graph.Feed[[]graph.Peer] { return h.book.connected }

// Peers gives what is known of the others, sorted by peer.
func (h *Host) Peers() []PeerInfo {
	now := time.Now()
	var out []PeerInfo
	ids := append(h.host.Peerstore().PeersWithAddrs(), h.host.Network().Peers()...)
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		if id == h.id {
			continue
		}
		p := PeerInfo{Peer: graph.Peer(id.String()), State: StateKnown, Addresses: []string{}, LastSeen: h.book.lastSeen(id)}
		if h.host.Network().Connectedness(id) == network.Connected {
			p.State, p.LastSeen = StateConnected, now
		}
		for _, a := range h.host.Peerstore().Addrs(id) {
			p.Addresses = append(p.Addresses, a.String())
		}
		slices.Sort(p.Addresses)
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b PeerInfo) int {
		if a.Peer < b.Peer {
			return -1
		}
		return 1
	})
	return out
}

// book follows the connections of the libp2p network.
type book struct {
	connected *graph.Feed[[]graph.Peer]
	order     sync.Mutex // of the feed's values
	mu        sync.Mutex
	seen      map[peer.ID]time.Time
	most      int
}

func newBook(most int) *book {
	return &book{connected: graph.NewFeed([]graph.Peer{}), seen: map[peer.ID]time.Time{}, most: most}
}

func (b *book) lastSeen(id peer.ID) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.seen[id]
}

// Connected is libp2p's notification.
func (b *book) Connected(n network.Network, c network.Conn) { b.changed(n, c) }

// Disconnected is libp2p's notification.
func (b *book) Disconnected(n network.Network, c network.Conn) { b.changed(n, c) }

// Listen is libp2p's notification.
func (b *book) Listen(network.Network, ma.Multiaddr) {}

// ListenClose is libp2p's notification.
func (b *book) ListenClose(network.Network, ma.Multiaddr) {}

func (b *book) changed(n network.Network, c network.Conn) {
	b.order.Lock()
	defer b.order.Unlock()
	ids := n.Peers()
	if c != nil {
		b.see(c.RemotePeer())
	}
	now := make([]graph.Peer, len(ids))
	for i, id := range ids {
		now[i] = graph.Peer(id.String())
	}
	slices.Sort(now)
	if !slices.Equal(now, b.connected.Get()) {
		b.connected.Set(now)
	}
}

// see remembers a sight, and forgets the oldest when there are too many.
func (b *book) see(id peer.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.seen[id]; !ok && len(b.seen) >= b.most {
		var oldest peer.ID
		for k, at := range b.seen {
			if oldest == "" || at.Before(b.seen[oldest]) {
				oldest = k
			}
		}
		delete(b.seen, oldest)
	}
	b.seen[id] = time.Now()
}
