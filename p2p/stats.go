package p2p

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// A Refusal counts what was refused on a channel, by reason: by the host before it reached an instance, or by an
// instance's admission.
type Refusal struct {
	Channel string `json:"channel,omitempty"` // "" when it belongs to none
	Reason  string `json:"reason"`
	Count   uint64 `json:"count"`
}

// Stats is what a Host did since New.
type Stats struct {
	BytesSentStreams     uint64    `json:"bytesSentStreams"` // on all streams: ours, pubsub's and libp2p's own
	BytesReceivedStreams uint64    `json:"bytesReceivedStreams"`
	StreamsOpened        uint64    `json:"streamsOpened"`   // by us, for channels
	StreamsAccepted      uint64    `json:"streamsAccepted"` // from others, for channels
	Links                int       `json:"links"`           // (peer, channel) pairs that we send to now
	QueuedBytes          int64     `json:"queuedBytes"`     // of payloads and publications that wait to be written
	Refused              []Refusal `json:"refused,omitempty"`
	Own                  []Refusal `json:"own,omitempty"`      // of Refused, what the host refused before it reached an instance
	Problems             []string  `json:"problems,omitempty"` // what a person should mend, such as two ends that differ
}

// The reasons of the host, beside those of graph.
const (
	refusedTooLarge  = "too large"
	refusedTruncated = "truncated"
	refusedMalformed = "malformed"
	refusedMismatch  = "mismatch"
	refusedStreams   = "too many streams"
	refusedConns     = "too many connections"
	refusedMemory    = "no memory"
	refusedIdle      = "idle"
	refusedSilent    = "no first frame"
	refusedSlow      = "slow reader"
	refusedKey       = "no such instance"
	refusedFull      = "queue full"
	refusedUnsent    = "not sent"
	refusedLate      = "late reply"
	refusedVerdict   = "late verdict"
	refusedPenalty   = "rejected"
)

type counters struct {
	meter
	opened, accepted atomic.Uint64
	queued           atomic.Int64

	mu       sync.Mutex
	refused  map[refusalKey]uint64 // by the host
	ended    map[refusalKey]uint64 // by instances that have ended
	problems []problem             // at most maxProblems
}

type refusalKey struct{ channel, reason string }

// refuse counts one more. Channels and reasons are of a fixed set, so the map is bounded.
func (c *counters) refuse(channel, reason string) {
	c.mu.Lock()
	c.refused[refusalKey{channel, reason}]++
	c.mu.Unlock()
}

// end keeps what the admission of an instance refused that has ended.
func (c *counters) end(in *graph.Instance) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range in.Refused() {
		c.ended[refusalKey{f.Channel, f.Reason.String()}] += f.Count
	}
}

// Stats gives the counts. Safe for concurrent use.
func (h *Host) Stats() Stats {
	s := Stats{BytesSentStreams: h.count.sent.Load(), BytesReceivedStreams: h.count.received.Load(), StreamsOpened: h.count.opened.Load(),
		StreamsAccepted: h.count.accepted.Load(), QueuedBytes: h.count.queued.Load()}
	all := map[refusalKey]uint64{}
	h.mu.Lock()
	s.Links = len(h.links)
	for r := range h.running {
		for _, f := range r.in.Refused() {
			all[refusalKey{f.Channel, f.Reason.String()}] += f.Count
		}
	}
	h.count.mu.Lock()
	for k, n := range h.count.ended {
		all[k] += n
	}
	s.Own = sorted(h.count.refused)
	for k, n := range h.count.refused {
		all[k] += n
	}
	for _, p := range h.count.problems {
		s.Problems = append(s.Problems, p.text)
	}
	h.count.mu.Unlock()
	h.mu.Unlock()
	s.Refused = sorted(all)
	return s
}

// sorted gives counts by channel and reason.
func sorted(counts map[refusalKey]uint64) (out []Refusal) {
	for k, n := range counts {
		out = append(out, Refusal{k.channel, k.reason, n})
	}
	slices.SortFunc(out, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Channel, b.Channel), cmp.Compare(a.Reason, b.Reason))
	})
	return out
}

// meter is a libp2p metrics.Reporter that keeps totals alone: exact at once, where libp2p's own counter sweeps once a second.
type meter struct{ sent, received atomic.Uint64 }

var _ metrics.Reporter = (*meter)(nil)

func (m *meter) LogSentMessage(n int64)                                { m.sent.Add(uint64(n)) }
func (m *meter) LogRecvMessage(n int64)                                { m.received.Add(uint64(n)) }
func (m *meter) LogSentMessageStream(int64, protocol.ID, peer.ID)      {}
func (m *meter) LogRecvMessageStream(int64, protocol.ID, peer.ID)      {}
func (m *meter) GetBandwidthForPeer(peer.ID) metrics.Stats             { return metrics.Stats{} }
func (m *meter) GetBandwidthForProtocol(protocol.ID) metrics.Stats     { return metrics.Stats{} }
func (m *meter) GetBandwidthByPeer() map[peer.ID]metrics.Stats         { return nil }
func (m *meter) GetBandwidthByProtocol() map[protocol.ID]metrics.Stats { return nil }
func (m *meter) Reset()                                                {}
func (m *meter) TrimIdle(time.Time)                                    {}
func (m *meter) GetBandwidthTotals() metrics.Stats {
	return metrics.Stats{TotalOut: int64(m.sent.Load()), TotalIn: int64(m.received.Load())}
}
