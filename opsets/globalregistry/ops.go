package globalregistry

import (
	"crypto/hmac"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Ops is the registry's opset.
var Ops = graph.NewOpset("globalregistry")

func nextAnnounce(l Lease) (graph.Time, bool) { return l.Next, true }

func nextLook(l Looking) (graph.Time, bool) { return l.Next, l.Next != 0 }

// Announce says where this client is.
var Announce = graph.Op2(Ops, "announce", 1, func(_ *graph.Tick, _ graph.Time, mine []string) (Announcement, error) {
	return Announcement{Addresses: fitting(mine)}, nil
})

// fitting leaves out the addresses that are over the bounds.
func fitting(addresses []string) []string {
	out := make([]string, 0, min(len(addresses), maxAddresses))
	for _, a := range addresses {
		if len(a) > 0 && len(a) <= maxAddress && len(out) < maxAddresses {
			out = append(out, a)
		}
	}
	return out
}

// Prove adds the proof of the secret, when the server has given its nonce.
var Prove = graph.Op4(Ops, "prove", 1, func(x *graph.Tick, a Announcement, l Lease, server graph.Peer, secret []byte) (Announcement, error) {
	if len(l.Nonce) > 0 && len(secret) > 0 {
		a.Proof = prove(secret, x.Self(), server, l.Nonce)
	}
	return a, nil
})

// Register keeps the sender in the cohort for the TTL, or asks it to prove the secret.
var Register = graph.Op3(Ops, "register", 1, func(x *graph.Tick, r *graph.Request[Announcement, Handshake], cohort *graph.Rows[graph.Peer, Member], a Access) (Handshake, error) {
	if n := len(r.Value.Addresses); n > maxAddresses {
		return Handshake{}, graph.Fail(graph.Malformed, "%d addresses, the bound is %d", n, maxAddresses)
	}
	for _, s := range r.Value.Addresses {
		if len(s) == 0 || len(s) > maxAddress {
			return Handshake{}, graph.Fail(graph.Malformed, "an address of %d bytes, the bound is %d", len(s), maxAddress)
		}
	}
	if len(a.Secret) > 0 {
		nonce := a.nonce(r.From)
		if len(r.Value.Proof) == 0 {
			return Handshake{Nonce: nonce}, nil
		}
		if !hmac.Equal(r.Value.Proof, prove(a.Secret, r.From, x.Self(), nonce)) {
			return Handshake{}, graph.Fail(graph.Denied, "the network secret does not match")
		}
	}
	switch err := cohort.Put(Member{r.From, r.Value.Addresses}, TTL); graph.ReasonOf(err) {
	case graph.None:
		return Handshake{TTL: TTL, Heartbeat: Heartbeat}, nil
	case graph.Busy:
		return Handshake{}, &graph.Failure{Reason: graph.Busy, RetryAfter: Heartbeat, Detail: "the registry is full"}
	default:
		return Handshake{}, err
	}
})

// Welcome tells who has registered where the server is, and which context the network shares.
var Welcome = graph.Op3(Ops, "welcome", 1, func(_ *graph.Tick, h Handshake, mine []string, common string) (Handshake, error) {
	if h.TTL > 0 {
		h.Addresses, h.Context = fitting(mine), common
	}
	return h, nil
})

// Refresh keeps to what the server dictates, within the client's own bounds; a nonce is answered at once, one time.
var Refresh = graph.Op3(Ops, "refresh", 1, func(x *graph.Tick, h Handshake, lease *graph.One[Lease], looking *graph.One[Looking]) (graph.Done, error) {
	l, _ := lease.Get()
	if h.TTL <= 0 {
		if len(l.Nonce) > 0 || len(h.Nonce) == 0 || len(h.Nonce) > maxNonce {
			return graph.Done{}, lease.Set(l.backOff(x, 0, "the server does not register this node: it wants the network secret"))
		}
		l.Nonce, l.Next = h.Nonce, x.Now()
		return graph.Done{}, lease.Set(l)
	}
	if !l.Registered {
		if err := looking.Set(Looking{Next: x.Now()}); err != nil {
			return graph.Done{}, err
		}
	}
	l.Heartbeat = min(max(h.Heartbeat, minHeartbeat), maxHeartbeat)
	l.Registered, l.Failures, l.LastError, l.Server = true, 0, "", fitting(h.Addresses)
	if len(h.Context) <= maxContext {
		l.Context = h.Context
	}
	l.Next = x.Now().Add(ops.Jitter(x, l.Heartbeat-l.Heartbeat/20, l.Heartbeat/20))
	l.Until = x.Now().Add(min(max(h.TTL, minTTL), maxTTL))
	return graph.Done{}, lease.Set(l)
})

// BackOff waits longer after each failure.
var BackOff = graph.Op2(Ops, "backoff", 1, func(x *graph.Tick, f graph.Failure, lease *graph.One[Lease]) (graph.Done, error) {
	l, _ := lease.Get()
	return graph.Done{}, lease.Set(l.backOff(x, f.RetryAfter, f.Error()))
})

// backOff sets the next announce: twice as far with each failure, up to half a heartbeat, and no sooner than was asked for.
func (l Lease) backOff(x *graph.Tick, asked time.Duration, why string) Lease {
	wait := min(firstWait<<min(l.Failures, 8), Heartbeat/2)
	l.Registered = l.Registered && x.Now() < l.Until
	l.Nonce = nil // the server may have started anew, with another
	l.Failures++
	l.LastError = why
	l.Next = x.Now().Add(max(ops.Jitter(x, wait, wait/4), min(asked, maxHeartbeat)))
	return l
}

// Present tells who is registered from who is gone.
var Present = graph.Branch(Ops, "present", 1, func(_ *graph.Tick, c graph.Change[Member]) (Member, bool, error) {
	switch c.Kind {
	case graph.Inserted, graph.Refreshed, graph.Updated:
		return c.New, true, nil
	}
	return c.Old, false, nil
})

// Look asks for a sample.
var Look = graph.Op1(Ops, "look", 1, func(*graph.Tick, graph.Time) (Wanted, error) { return Wanted{SampleSize}, nil })

// Sampled draws from the cohort, for a registered sender alone.
var Sampled = graph.Op2(Ops, "sampled", 1, func(x *graph.Tick, r *graph.Request[Wanted, Cohort], cohort *graph.Rows[graph.Peer, Member]) (Cohort, error) {
	if _, ok := cohort.Get(r.From); !ok {
		return Cohort{}, graph.Fail(graph.Denied, "not registered")
	}
	n := min(max(r.Value.N, 0), SampleSize)
	var c Cohort
	for _, m := range ops.Sample(x, cohort.View(), n+1) {
		if m.Peer != r.From && len(c.Members) < n {
			c.Members = append(c.Members, m)
		}
	}
	return c, nil
})

// Know keeps the sampled members for a TTL. A full table refuses the rest, which is no failure: what is known suffices.
var Know = graph.Op2(Ops, "know", 1, func(x *graph.Tick, c Cohort, known *graph.Rows[graph.Peer, Member]) (graph.Done, error) {
	for _, m := range c.Members[:min(len(c.Members), SampleSize)] {
		if m.Peer == x.Self() || m.Peer == "" || len(m.Peer) > maxPeer {
			continue
		}
		m.Addresses = fitting(m.Addresses)
		switch err := known.Put(m, TTL); graph.ReasonOf(err) {
		case graph.None:
		case graph.Busy:
			return graph.Done{}, nil
		default:
			return graph.Done{}, err
		}
	}
	return graph.Done{}, nil
})

// Looked sets when to look again.
var Looked = graph.Op3(Ops, "looked", 1, func(x *graph.Tick, _ Cohort, known *graph.Rows[graph.Peer, Member], looking *graph.One[Looking]) (graph.Done, error) {
	wait := lookEvery
	if known.Len() < Enough {
		wait = lookSoon
	}
	return graph.Done{}, looking.Set(Looking{Next: x.Now().Add(ops.Jitter(x, wait, wait/4))})
})

// LookLater looks again after a failure.
var LookLater = graph.Op2(Ops, "look_later", 1, func(x *graph.Tick, f graph.Failure, looking *graph.One[Looking]) (graph.Done, error) {
	wait := max(ops.Jitter(x, lookSoon, lookSoon/4), min(f.RetryAfter, maxHeartbeat))
	return graph.Done{}, looking.Set(Looking{Next: x.Now().Add(wait)})
})
