package globalregistry

import (
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// A Lease is what a client knows of its registration with one server.
type Lease struct {
	Server     graph.Peer
	Registered bool
	Connected  bool       // the node has a connection to the server
	Next       graph.Time // of the next announce
	Until      graph.Time // the server's TTL ends, unless renewed
	Paid       graph.Time // the announces so far are one a heartbeat up to here
	Heartbeat  time.Duration
	Failures   int    // in a row
	Nonce      []byte // the server's, to prove the secret over
	Proving    bool   // a nonce was answered at once since the last registration
	LastError  string
	Addresses  []string // the server's own
	Context    string   // the network's default context, as the server said last
}

// Key is the lease's place in its table.
func (l Lease) Key() graph.Peer { return l.Server }

// begun is the lease of a server that was not asked yet; until it dictates, the shortest heartbeat is kept.
func begun(x *graph.Tick, server graph.Peer) Lease {
	return Lease{Server: server, Next: x.Now(), Heartbeat: minHeartbeat}
}

// announced pays for an announce, and has the next one come even if nothing is ever heard of this one.
func (l Lease) announced(x *graph.Tick) Lease {
	l.Paid = max(l.Paid, x.Now()).Add(l.Heartbeat)
	l.Next = x.Now().Add(callTimeout + l.Heartbeat)
	return l
}

// after sets the next announce: after wait, and not before the mean allows it.
func (l Lease) after(x *graph.Tick, wait time.Duration) Lease {
	l.Next = max(x.Now().Add(wait), l.Paid.Add(-(atOnce-1)*l.Heartbeat))
	return l
}

// renewed keeps to what the server dictates, within the client's own bounds.
func (l Lease) renewed(x *graph.Tick, h Handshake) Lease {
	ttl := min(max(h.TTL, MinTTL), MaxTTL)
	l.Heartbeat = min(max(h.Heartbeat, minHeartbeat), ttl/3)
	l.Paid = min(l.Paid, x.Now().Add(atOnce*l.Heartbeat)) // what was paid at a longer heartbeat silences nobody at a shorter one
	l.Registered, l.Failures, l.Proving, l.LastError, l.Addresses = true, 0, false, "", fitting(h.Addresses)
	if len(h.Context) <= maxContext {
		l.Context = h.Context
	}
	l.Until = x.Now().Add(ttl)
	return l.after(x, ops.Jitter(x, l.Heartbeat+l.Heartbeat/40, l.Heartbeat/40))
}

// challenged answers a nonce at once, one time between two registrations: the announce and its proof are one.
func (l Lease) challenged(x *graph.Tick, nonce []byte) Lease {
	usable := len(nonce) > 0 && len(nonce) <= maxNonce
	again := l.Proving || !usable || slices.Equal(nonce, l.Nonce)
	if usable {
		l.Nonce = nonce
	}
	if again {
		return l.backOff(x, 0, "the server does not register this node: it is of another network, or the network secret is missing or does not match")
	}
	l.Proving = true
	l.Next, l.Paid = x.Now(), l.Paid.Add(-l.Heartbeat)
	return l
}

// backOff waits after a failure: twice as long with each, up to half a heartbeat, and no shorter than was asked for.
func (l Lease) backOff(x *graph.Tick, asked time.Duration, why string) Lease {
	wait := min(firstWait<<min(l.Failures, 8), l.Heartbeat/2)
	l.Registered = l.Registered && x.Now() < l.Until
	l.Failures++
	l.LastError = why
	return l.after(x, max(ops.Jitter(x, wait-wait/4, wait/4), min(asked, maxHeartbeat)))
}

// linked keeps whether the server is connected. When it is again, an announce that would come later comes soon, as the mean
// allows. The first connection is that of an announce which is under way.
func (l Lease) linked(x *graph.Tick, connected bool) Lease {
	l.Connected = connected
	if connected && (l.Registered || l.Failures > 0) {
		next := l.Next
		l = l.after(x, ops.Jitter(x, linkWait, linkWait/2))
		l.Next = min(l.Next, next)
	}
	return l
}

// first is the lease whose announce comes first.
func first(v graph.View[graph.Peer, Lease]) (l Lease, ok bool) {
	for i := range v.Len() {
		if o := v.At(i); !ok || o.Next < l.Next {
			l, ok = o, true
		}
	}
	return l, ok
}

func nextAnnounce(v graph.View[graph.Peer, Lease]) (graph.Time, bool) {
	l, ok := first(v)
	return l.Next, ok
}

func nextLook(l Looking) (graph.Time, bool) { return l.Next, l.Next != 0 }
