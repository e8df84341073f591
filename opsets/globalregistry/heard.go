package globalregistry

import (
	"fmt"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// What is said between the nodes of the scenario, as the properties hear it.

// A pace is what a client may still announce to a server: a bucket that fills at the rate of its heartbeat.
type pace struct {
	left     float64
	at       graph.Time
	restarts int // of the server: each asks for the proof again
}

const (
	paceFirst = 8   // announces at once, with those that prove the secret
	paceSlack = 1.3 // over the rate of the heartbeat
)

// sent hears what leaves a node.
func sent(from, to *sim.Node, m *graph.Message) {
	k := keptOf(from)
	switch {
	case k == nil || m.Kind != graph.RequestMsg && m.Kind != graph.ReplyMsg:
	case m.Kind == graph.RequestMsg && m.Channel == "announce":
		k.announces(to)
	case m.Kind == graph.ReplyMsg:
		k.replies(to, m)
	}
}

// announces takes an announce out of the pace.
func (k *kept) announces(to *sim.Node) {
	now, id := k.node.World().Now(), to.ID()
	p := k.pace[id]
	if p == nil {
		p = &pace{left: paceFirst, at: now, restarts: to.Restarts()}
		k.pace[id] = p
	}
	l, _ := leasesOf(k.node).Get(id)
	rate := paceSlack
	if to.Hostile() {
		rate *= 2 // it may ask for a proof after each registration
	}
	p.left = min(paceFirst, p.left+rate*float64(now.Sub(p.at))/float64(max(l.Heartbeat, minHeartbeat))) + float64(to.Restarts()-p.restarts) - 1
	p.at, p.restarts = now, to.Restarts()
	if p.left < 0 {
		k.fault(noShouting, fmt.Errorf("%s announces too often to %s: its lease is %+v", k.node.ID(), id, l))
	}
}

// replies looks at one in eight answers of a server, and notes whom it has let go.
func (k *kept) replies(to *sim.Node, m *graph.Message) {
	if m.Channel == "leave" && !to.Hostile() {
		k.gone = append(k.gone, to)
	}
	if k.answers++; k.answers%8 != 1 {
		return
	}
	switch m.Channel {
	case "announce":
		if h, err := graph.Decode[Handshake](m.Payload); err != nil || len(h.Nonce) == 0 && (h.TTL < MinTTL || h.TTL > MaxTTL || h.Heartbeat != h.TTL/3) {
			k.fault(dictates, fmt.Errorf("%s dictates %+v: %v", k.node.ID(), h, err))
		}
	case "sample":
		c, err := graph.Decode[Cohort](m.Payload)
		k.shows(to, c.Members, SampleSize, true, err)
	case "view":
		p, err := graph.Decode[Page](m.Payload)
		k.shows(to, p.Members, MaxPage, false, err)
	}
}

// shows checks who is shown to whom.
func (k *kept) shows(to *sim.Node, members []Shown, most int, others bool, err error) {
	cohort := cohortOf(k.node)
	_, registered := cohort.Get(to.ID())
	switch {
	case err != nil || len(members) > most:
		k.fault(shows, fmt.Errorf("%s shows %d members to %s: %v", k.node.ID(), len(members), to.ID(), err))
	case !registered:
		k.fault(shows, fmt.Errorf("%s shows its cohort to %s, which is not registered", k.node.ID(), to.ID()))
	}
	for _, m := range members {
		if _, ok := cohort.Get(m.Peer); !ok || m.Left <= 0 || m.Left > MaxTTL || others && m.Peer == to.ID() {
			k.fault(shows, fmt.Errorf("%s shows %s to %s, for %v; registered: %v", k.node.ID(), m.Peer, to.ID(), m.Left, ok))
		}
	}
}

// received hears what reaches a node.
func received(n *sim.Node, m *graph.Message) {
	k := keptOf(n)
	switch {
	case k == nil:
	case m.Kind == graph.RequestMsg && m.Channel == "leave":
		k.parted[m.Peer] = n.World().Now()
		if _, there := cohortOf(n).Get(m.Peer); there && !n.World().Node(m.Peer).Hostile() {
			n.World().Reached(left)
		}
	case m.Kind == graph.ErrorMsg && m.Channel == "announce" && m.Reason == graph.Busy && m.Retry > 0:
		l, _ := leasesOf(n).Get(m.Peer)
		k.asks[m.Peer] = asking{m.Retry, l.Failures}
	}
}

// An asking is a time to wait that reached a client, and the failures that its lease had then.
type asking struct {
	wait     time.Duration
	failures int
}

// waits says that a client waits for a while after its fourth failure in a row, and as long as a busy server has asked it to, once its
// lease shows that it was heard.
func (k *kept) waits(l Lease, wait time.Duration) bool {
	if before := k.failures[l.Server]; l.Failures > max(3, before) && wait < min(2*time.Second, l.Heartbeat/4) {
		return false
	}
	k.failures[l.Server] = l.Failures
	a, ok := k.asks[l.Server]
	if !ok || l.Failures <= a.failures {
		return true
	}
	delete(k.asks, l.Server)
	return !strings.Contains(l.LastError, graph.Busy.String()) || wait >= min(a.wait, maxHeartbeat)-time.Second
}
