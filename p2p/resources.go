package p2p

import (
	"maps"
	"strings"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"

	"github.com/merograph/merograph/graph"
)

// What a peer may have beside the channels: identify, ping, gossip, relays; and the windows of its connections.
const (
	otherStreams = 64
	firstWindow  = 256 << 10 // of a yamux stream
	windowRoom   = 8 << 20   // into which windows grow
)

// A portion is what may be held at a time.
type portion struct {
	in, out int // streams
	memory  int64
}

func (p portion) times(n int) portion { return portion{p.in * n, p.out * n, p.memory * int64(n)} }

// portions are what the channels of this host may take for one peer, by protocol id: the sum of what each declares. A
// channel stays known when its instances have stopped, since its streams may outlive them.
type portions struct {
	limits  *Limits
	byID    atomic.Pointer[map[protocol.ID]portion]
	perPeer atomic.Pointer[portion]
}

func newPortions(l *Limits) *portions {
	p := &portions{limits: l}
	p.byID.Store(&map[protocol.ID]portion{})
	p.sum()
	return p
}

// allot notes what a channel declares. The caller holds the host's lock.
func (p *portions) allot(id protocol.ID, c *graph.ChannelInfo) {
	if c.Kind == graph.TopicKind {
		return // over gossipsub's streams
	}
	old := *p.byID.Load()
	now := old[id]
	in := int64(streamBase + accountStep + frameBound(c.MaxRequest) + queueBytes(p.limits, c.MaxReply))
	out := int64(streamBase + accountStep + frameBound(c.MaxReply))
	if c.In {
		now.in = p.limits.StreamsPerPeer
	}
	if c.Out {
		now.out = 2 // one that ends, and the one that follows it
	}
	now.memory = int64(now.in)*in + int64(now.out)*out
	all := maps.Clone(old)
	all[id] = now
	p.byID.Store(&all)
	p.sum()
}

// sum works out what one peer may have over all channels: their sum, and of the memory at most an eighth of the host's,
// but never less than one stream of any channel needs.
func (p *portions) sum() {
	total := portion{in: otherStreams, out: otherStreams}
	most := p.limits.Memory / 8
	for _, c := range *p.byID.Load() {
		total.in += c.in
		total.out += c.out
		total.memory += c.memory
		if n := c.in + c.out; n > 0 {
			most = max(most, c.memory/int64(n))
		}
	}
	total.memory = min(total.memory, most) + windowRoom + firstWindow*int64(total.in+total.out)
	p.perPeer.Store(&total)
}

func (p *portions) ofPeer() portion                  { return *p.perPeer.Load() }
func (p *portions) ofChannel(id protocol.ID) portion { return (*p.byID.Load())[id] }

// ofAll is what a channel may take over all peers.
func (p *portions) ofAll(id protocol.ID) portion {
	all := p.ofChannel(id).times(p.limits.ConnsHigh)
	all.memory = min(all.memory, p.limits.Memory)
	return all
}

// ofHost is what all peers may have together.
func (p *portions) ofHost() portion {
	all := p.ofPeer().times(p.limits.ConnsHigh)
	all.memory = p.limits.Memory
	return all
}

// A limit of libp2p's resource manager that follows the programs which run. Of connections and files it is the fixed one.
type limit struct {
	rcmgr.Limit
	now func() portion
}

func (l limit) GetMemoryLimit() int64    { return l.now().memory }
func (l limit) GetStreamTotalLimit() int { p := l.now(); return p.in + p.out }
func (l limit) GetStreamLimit(d network.Direction) int {
	if p := l.now(); d == network.DirInbound {
		return p.in
	} else {
		return p.out
	}
}

// A limiter derives from the declared bounds what a peer, a channel and the host may take; the rest is as libp2p has it.
type limiter struct {
	rcmgr.Limiter
	p *portions
}

func (l limiter) GetSystemLimits() rcmgr.Limit { return limit{l.Limiter.GetSystemLimits(), l.p.ofHost} }

func (l limiter) GetPeerLimits(id peer.ID) rcmgr.Limit {
	return limit{l.Limiter.GetPeerLimits(id), l.p.ofPeer}
}

func (l limiter) GetProtocolLimits(id protocol.ID) rcmgr.Limit {
	fixed := l.Limiter.GetProtocolLimits(id)
	if !isOurs(id) {
		return fixed
	}
	return limit{fixed, func() portion { return l.p.ofAll(id) }}
}

func (l limiter) GetProtocolPeerLimits(id protocol.ID) rcmgr.Limit {
	fixed := l.Limiter.GetProtocolPeerLimits(id)
	if !isOurs(id) {
		return fixed
	}
	return limit{fixed, func() portion { return l.p.ofChannel(id) }}
}

func isOurs(id protocol.ID) bool { return strings.HasPrefix(string(id), "/merograph/") }

// resourceManager makes the manager of this host's limits.
func (h *Host) resourceManager() (network.ResourceManager, error) {
	scaled := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&scaled)
	high := rcmgr.LimitVal(h.limits.ConnsHigh)
	fixed := rcmgr.PartialLimitConfig{
		System:    rcmgr.ResourceLimits{Conns: 4 * high, ConnsInbound: 2 * high, ConnsOutbound: 2 * high},
		Transient: rcmgr.ResourceLimits{Conns: high, ConnsInbound: high / 2, ConnsOutbound: high / 2},
	}.Build(scaled.Scale(h.limits.Memory, h.limits.Files))
	return rcmgr.NewResourceManager(limiter{rcmgr.NewFixedLimiter(fixed), h.portions}, rcmgr.WithMetrics(blocked{&h.count}))
}

// blocked counts what the resource manager refuses before we see it.
type blocked struct{ c *counters }

var _ rcmgr.MetricsReporter = blocked{}

func (b blocked) BlockStream(peer.ID, network.Direction) { b.c.refuse("", refusedStreams) }
func (b blocked) BlockProtocol(id protocol.ID)           { b.c.refuse(channelOf(id), refusedStreams) }
func (b blocked) BlockProtocolPeer(id protocol.ID, _ peer.ID) {
	b.c.refuse(channelOf(id), refusedStreams)
}
func (b blocked) BlockConn(network.Direction, bool) { b.c.refuse("", refusedConns) }
func (b blocked) BlockPeer(peer.ID)                 { b.c.refuse("", refusedConns) }

func (blocked) AllowConn(network.Direction, bool)      {}
func (blocked) AllowStream(peer.ID, network.Direction) {}
func (blocked) AllowPeer(peer.ID)                      {}
func (blocked) AllowProtocol(protocol.ID)              {}
func (blocked) AllowService(string)                    {}
func (blocked) BlockService(string)                    {}
func (blocked) BlockServicePeer(string, peer.ID)       {}
func (blocked) AllowMemory(int)                        {}
func (blocked) BlockMemory(int)                        {}

// channelOf gives the channel's name in a protocol id of ours, else "".
func channelOf(id protocol.ID) string {
	if !isOurs(id) {
		return ""
	}
	return string(id[strings.LastIndexByte(string(id), '/')+1:])
}
