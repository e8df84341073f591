package globalregistry

import (
	"crypto/hmac"
	"slices"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Ops is the registry's opset.
var Ops = graph.NewOpset("globalregistry")

// Leases are the rows of a client's leases.
type Leases = *graph.Rows[graph.Peer, Lease]

// Enlist begins a lease with each server that is new, and drops those of servers that are listed no more.
var Enlist = graph.Op3(Ops, "enlist", 1, func(x *graph.Tick, _ graph.Time, servers []graph.Peer, leases Leases) (graph.Done, error) {
	for _, l := range leases.View().All() {
		if !slices.Contains(servers, l.Server) {
			leases.Remove(l.Server)
		}
	}
	for _, s := range servers {
		if _, ok := leases.Get(s); ok || s == "" || leases.Len() == MaxServers {
			continue
		}
		if err := leases.Put(begun(x, s), graph.Forever); err != nil {
			return graph.Done{}, err
		}
	}
	return graph.Done{}, nil
})

// Turn gives the server whose announce is due.
var Turn = graph.Branch2(Ops, "turn", 1, func(x *graph.Tick, _ graph.Time, leases Leases) (graph.Peer, bool, error) {
	l, ok := first(leases.View())
	if !ok || l.Next > x.Now() {
		return "", false, nil
	}
	return l.Server, true, leases.Put(l.announced(x), graph.Forever)
})

// Announce says where this client is. What it says is signed anew when the addresses have changed.
var Announce = graph.Op4(Ops, "announce", 1, func(x *graph.Tick, _ graph.Peer, mine []string, record *graph.One[Record], signs Records) (Announcement, error) {
	r, ok := record.Get()
	if addresses := fitting(mine); !ok || !slices.Equal(r.Addresses, addresses) {
		var err error
		if r, err = signs.Sign(addresses, max(r.Seq+1, uint64(max(0, x.Wall().UnixMilli())))); err != nil {
			return Announcement{}, err
		}
		if err := record.Set(r); err != nil {
			return Announcement{}, err
		}
	}
	return Announcement{Record: r}, nil
})

// Prove adds the proof of the secret, when the server has given its nonce.
var Prove = graph.Op4(Ops, "prove", 1, func(x *graph.Tick, a Announcement, to graph.Peer, leases graph.View[graph.Peer, Lease], secret []byte) (Announcement, error) {
	if l, _ := leases.Get(to); len(l.Nonce) > 0 && len(secret) > 0 {
		a.Proof = prove(secret, x.Self(), to, l.Nonce)
	}
	return a, nil
})

// Trust lets no lease pass of a server that does not know the secret either: a server tells this client who the others are, and
// which context they share.
var Trust = graph.Op3(Ops, "trust", 1, func(x *graph.Tick, h Handshake, to graph.Peer, secret []byte) (Handshake, error) {
	if h.TTL > 0 && len(secret) > 0 && !hmac.Equal(h.Proof, vouch(secret, x.Self(), to)) {
		return Handshake{}, graph.Fail(graph.Denied, "the server does not prove the network secret: it is of another network")
	}
	return h, nil
})

// Hasten has the next announce come soon when a server is connected again: one that has started anew knows this client no more.
var Hasten = graph.Op3(Ops, "hasten", 1, func(x *graph.Tick, _ graph.Time, connected []graph.Peer, leases Leases) (graph.Done, error) {
	for _, l := range leases.View().All() {
		if now := slices.Contains(connected, l.Server); now != l.Connected {
			if err := leases.Put(l.linked(x, now), graph.Forever); err != nil {
				return graph.Done{}, err
			}
		}
	}
	return graph.Done{}, nil
})

// Refresh keeps the lease, or the nonce. A server that was dropped meanwhile is forgotten.
var Refresh = graph.Op4(Ops, "refresh", 1, func(x *graph.Tick, h Handshake, to graph.Peer, leases Leases, looking *graph.One[Looking]) (graph.Done, error) {
	l, ok := leases.Get(to)
	switch {
	case !ok:
		return graph.Done{}, nil
	case h.TTL <= 0:
		return graph.Done{}, leases.Put(l.challenged(x, h.Nonce), graph.Forever)
	case !l.Registered:
		if err := looking.Set(Looking{Next: x.Now()}); err != nil {
			return graph.Done{}, err
		}
	}
	return graph.Done{}, leases.Put(l.renewed(x, h), graph.Forever)
})

// BackOff waits longer after each failure.
var BackOff = graph.Op3(Ops, "backoff", 1, func(x *graph.Tick, f graph.Failure, to graph.Peer, leases Leases) (graph.Done, error) {
	l, ok := leases.Get(to)
	if !ok {
		return graph.Done{}, nil
	}
	if f.Reason == graph.Unreachable { // it surely was not heard
		l.Paid = l.Paid.Add(-l.Heartbeat)
	}
	return graph.Done{}, leases.Put(l.backOff(x, f.RetryAfter, f.Error()), graph.Forever)
})

// Whom draws one of the servers that have registered this client.
var Whom = graph.Branch2(Ops, "whom", 1, func(x *graph.Tick, _ graph.Time, leases graph.View[graph.Peer, Lease]) (graph.Peer, bool, error) {
	registered := slices.DeleteFunc(leases.All(), func(l Lease) bool { return !l.Registered })
	if len(registered) == 0 {
		return "", false, nil
	}
	return registered[ops.Below(x, len(registered))].Server, true, nil
})

// Look asks for a sample.
var Look = graph.Op1(Ops, "look", 1, func(*graph.Tick, graph.Peer) (Wanted, error) { return Wanted{SampleSize}, nil })

// Know keeps the sampled members for what is left of their leases and until it looks again, when they have signed to be
// there. A full table refuses the rest, which is no failure: what is known suffices.
var Know = graph.Op3(Ops, "know", 1, func(x *graph.Tick, c Cohort, known *graph.Rows[graph.Peer, Member], records Records) (graph.Done, error) {
	for _, m := range c.Members[:min(len(c.Members), SampleSize)] {
		if m.Peer == x.Self() || m.Left <= 0 {
			continue
		}
		have, ok := known.Get(m.Peer)
		if !ok || have.Record.Seq < m.Record.Seq {
			if believe(records, m.Peer, m.Record) != nil {
				continue
			}
			have = Member{m.Peer, m.Record}
		}
		switch err := known.Put(have, min(m.Left, MaxTTL)+lingering); graph.ReasonOf(err) {
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
var Looked = graph.Op3(Ops, "looked", 1, func(x *graph.Tick, _ graph.Done, known *graph.Rows[graph.Peer, Member], looking *graph.One[Looking]) (graph.Done, error) {
	wait := lookEvery
	if known.Len() < Enough {
		wait = lookSoon
	}
	return graph.Done{}, looking.Set(Looking{Next: x.Now().Add(ops.Jitter(x, wait-wait/8, wait/8))})
})

// LookLater looks again after a failure. The next time it may be another server, so one that asks for long is not heeded for long.
var LookLater = graph.Op2(Ops, "look_later", 1, func(x *graph.Tick, f graph.Failure, looking *graph.One[Looking]) (graph.Done, error) {
	wait := max(ops.Jitter(x, lookSoon, lookSoon/4), min(f.RetryAfter, 4*lookSoon))
	return graph.Done{}, looking.Set(Looking{Next: x.Now().Add(wait)})
})

// Cookie is the request for a page, Of whose view it is.
var (
	Cookie = graph.Op1(Ops, "cookie", 1, func(_ *graph.Tick, r *graph.Request[Turning, Page]) (PageWanted, error) {
		return r.Value.PageWanted, nil
	})
	Of = graph.Op1(Ops, "of", 1, func(_ *graph.Tick, r *graph.Request[Turning, Page]) (graph.Peer, error) { return r.Value.Server, nil })
)

// Believe leaves out of a page who has not signed to be there.
var Believe = graph.Op2(Ops, "believe", 1, func(_ *graph.Tick, p Page, records Records) (Page, error) {
	if len(p.Members) > MaxPage || len(p.Next) > maxCookie {
		return Page{}, graph.Fail(graph.TooLarge, "a page of %d members, the bound is %d", len(p.Members), MaxPage)
	}
	believed := slices.DeleteFunc(slices.Clone(p.Members), func(m Shown) bool { return believe(records, m.Peer, m.Record) != nil })
	return Page{believed, p.Next}, nil
})

// Leave ends every lease, and gives the servers that are to be told.
var Leave = graph.Op2(Ops, "leave", 1, func(x *graph.Tick, _ *graph.Request[Stop, graph.Done], leases Leases) (told []graph.Peer, _ error) {
	for _, l := range leases.View().All() {
		leases.Remove(l.Server)
		maySoon := l.Failures == 0 && l.Paid != 0 // hold this client: an announce is on its way
		if maySoon || x.Now() < l.Until {
			told = append(told, l.Server)
		}
	}
	return told, nil
})

// Goodbye is what each of them is told, Left that all were: who did not answer forgets this client when its lease ends.
var (
	Goodbye = graph.Op1(Ops, "goodbye", 1, func(*graph.Tick, graph.Peer) (Parting, error) { return Parting{}, nil })
	Left    = graph.Op1(Ops, "left", 1, func(*graph.Tick, []graph.Outcome[graph.Done]) (graph.Done, error) { return graph.Done{}, nil })
)
