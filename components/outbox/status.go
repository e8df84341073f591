package outbox

import (
	"cmp"
	"slices"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/replicate"
)

// A Status tells of the outbox. It counts a delta that was written here once for each peer, or once while no peer is known.
// OutboxSize is what is not acknowledged: Queued, InFlight and Failed together.
type Status struct {
	OutboxSize   int    `json:"outboxSize"`
	Queued       int    `json:"queued"`
	InFlight     int    `json:"inFlight"`
	Acknowledged int    `json:"acknowledged"`
	Failed       int    `json:"failed"`
	TotalRetries int    `json:"totalRetries"`
	Peers        []Peer `json:"peers"`
}

// A Peer tells of the outbox of one peer. InFlight counts what it was told and has still time to acknowledge; only a connected
// peer has any. Failed counts what it refuses, and Reason says why.
type Peer struct {
	PeerID       graph.Peer `json:"peerId"`
	Connected    bool       `json:"connected"`
	Queued       int        `json:"queued"`
	InFlight     int        `json:"inFlight"`
	Acknowledged int        `json:"acknowledged"`
	Failed       int        `json:"failed"`
	Retries      int        `json:"retries"`
	Reason       string     `json:"reason,omitempty"`
}

// A Tick tells what one step by hand began: to how many peers it delivered again, the greatest batch, the deltas sent to
// all of them, and how many peers were forgotten.
type Tick struct {
	Retried   int `json:"retried"`
	BatchSize int `json:"batchSize"`
	Sent      int `json:"sent"`
	Pruned    int `json:"pruned"`
}

// Status sums up what the table of deliveries says, and who is connected; near is sorted. Neighbours of whom the table does not
// tell yet have acknowledged nothing.
func (o *Outbox) Status(view graph.View[graph.Peer, replicate.Delivery], near []graph.Peer) Status {
	return sum(o.Mine(), view, near)
}

func sum(mine []dag.Tip, view graph.View[graph.Peer, replicate.Delivery], near []graph.Peer) Status {
	all := replicate.Count(mine)
	rows := slices.Clone(view.All())
	for _, p := range near {
		if _, ok := view.Get(p); !ok {
			rows = append(rows, replicate.Delivery{Peer: p})
		}
	}
	slices.SortFunc(rows, func(a, b replicate.Delivery) int { return cmp.Compare(a.Peer, b.Peer) }) //lint:total-key a peer has one row
	st := Status{Peers: []Peer{}}
	for _, d := range rows {
		_, connected := slices.BinarySearch(near, d.Peer)
		p := peer(mine, all, d, connected)
		st.Peers = append(st.Peers, p)
		st.Queued += p.Queued
		st.InFlight += p.InFlight
		st.Acknowledged += p.Acknowledged
		st.Failed += p.Failed
		st.TotalRetries += p.Retries
	}
	if len(rows) == 0 {
		st.Queued = all
	}
	st.OutboxSize = st.Queued + st.InFlight + st.Failed
	return st
}

func peer(mine []dag.Tip, all int, d replicate.Delivery, connected bool) Peer {
	p := Peer{PeerID: d.Peer, Connected: connected, Retries: d.Retries, Reason: d.Refused}
	lacks := replicate.Behind(d.Acknowledged, mine)
	p.Acknowledged = all - lacks
	switch {
	case d.Refused != "":
		p.Failed = lacks
	case connected:
		p.InFlight = min(lacks, d.Open+replicate.Behind(d.Seen, mine))
	}
	p.Queued = lacks - p.InFlight - p.Failed
	return p
}
