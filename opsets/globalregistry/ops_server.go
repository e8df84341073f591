package globalregistry

import (
	"crypto/hmac"
	"sort"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Rows are the rows of a server's cohort.
type Rows = *graph.Rows[graph.Peer, Row]

// Proven tells who has proved the secret, or needs not, from who has not.
var Proven = graph.Branch2(Ops, "proven", 1, func(x *graph.Tick, r *graph.Request[Announcement, Handshake], a Access) (*graph.Request[Announcement, Handshake], bool, error) {
	ok := len(a.Secret) == 0 || hmac.Equal(r.Value.Proof, prove(a.Secret, r.From, x.Self(), a.nonce(r.From)))
	return r, ok, nil
})

// Challenge gives the nonce to prove the secret over.
var Challenge = graph.Op2(Ops, "challenge", 1, func(_ *graph.Tick, r *graph.Request[Announcement, Handshake], a Access) (Handshake, error) {
	return Handshake{Nonce: a.nonce(r.From)}, nil
})

// Claim takes the record of the sender, which must have signed it. One that is held already was verified before.
var Claim = graph.Op3(Ops, "claim", 1, func(_ *graph.Tick, r *graph.Request[Announcement, Handshake], records Records, cohort Rows) (Member, error) {
	if held, ok := cohort.Get(r.From); ok && held.Member.Record.equal(r.Value.Record) {
		return held.Member, nil
	}
	return Member{r.From, r.Value.Record}, believe(records, r.From, r.Value.Record)
})

// Place counts the member in its network, within the quota.
var Place = graph.Op4(Ops, "place", 1, func(_ *graph.Tick, m Member, cohort Rows, networks *graph.Rows[string, Network], q Quota) (Row, error) {
	prefix := q.networkOf(m.Record.Addresses)
	held, there := cohort.Get(m.Peer)
	if there && held.Network == prefix {
		return Row{m, prefix}, nil
	}
	n, _ := networks.Get(prefix)
	if n.Clients >= q.most(prefix) {
		return Row{}, &graph.Failure{Reason: graph.Busy, RetryAfter: Heartbeat, Detail: "the registry holds as many of that network as it may"}
	}
	if err := networks.Put(Network{prefix, n.Clients + 1}, graph.Forever); err != nil {
		return Row{}, err
	}
	if there {
		return Row{m, prefix}, vacate(networks, held.Network)
	}
	return Row{m, prefix}, nil
})

// Register keeps the member in the cohort for the TTL that the server assigns, and proves the secret in its turn.
var Register = graph.Op4(Ops, "register", 1, func(x *graph.Tick, r Row, cohort Rows, ttl time.Duration, a Access) (Handshake, error) {
	if ttl == 0 {
		ttl = TTL
	}
	ttl = min(max(ttl, MinTTL), MaxTTL)
	switch err := cohort.Put(r, ttl); graph.ReasonOf(err) {
	case graph.None:
		h := Handshake{TTL: ttl, Heartbeat: ttl / 3}
		if len(a.Secret) > 0 {
			h.Proof = vouch(a.Secret, r.Member.Peer, x.Self())
		}
		return h, nil
	case graph.Busy:
		return Handshake{}, &graph.Failure{Reason: graph.Busy, RetryAfter: ttl / 3, Detail: "the registry is full"}
	default:
		return Handshake{}, err
	}
})

// Welcome tells who has registered where the server is, and which context the network shares.
var Welcome = graph.Op3(Ops, "welcome", 1, func(_ *graph.Tick, h Handshake, mine []string, common string) (Handshake, error) {
	h.Addresses, h.Context = fitting(mine), common
	return h, nil
})

// Present tells who is registered from who is gone.
var Present = graph.Branch(Ops, "present", 1, func(_ *graph.Tick, c graph.Change[Row]) (Row, bool, error) {
	switch c.Kind {
	case graph.Inserted, graph.Refreshed, graph.Updated:
		return c.New, true, nil
	}
	return c.Old, false, nil
})

// Admitted is the member of a row.
var Admitted = graph.Op1(Ops, "admitted", 1, func(_ *graph.Tick, r Row) (Member, error) { return r.Member, nil })

// Vacate gives back the place of who is gone.
var Vacate = graph.Op2(Ops, "vacate", 1, func(_ *graph.Tick, r Row, networks *graph.Rows[string, Network]) (graph.Done, error) {
	return graph.Done{}, vacate(networks, r.Network)
})

// shown is what may be told of a row: nothing when its lease has ended, taken or not.
func shown(x *graph.Tick, cohort Rows, r Row) (Shown, bool) {
	until, ok := cohort.Expires(r.Member.Peer)
	left := until.Sub(x.Now())
	return Shown{r.Member.Peer, r.Member.Record, left}, ok && left > 0
}

// mayRead says that who reads the cohort is registered, or is the server itself.
func mayRead(x *graph.Tick, from graph.Peer, cohort Rows) error {
	if until, ok := cohort.Expires(from); from != x.Self() && (!ok || until <= x.Now()) {
		return graph.Fail(graph.Denied, "not registered")
	}
	return nil
}

// Sampled draws from the cohort, evenly, for a registered sender alone.
var Sampled = graph.Op2(Ops, "sampled", 1, func(x *graph.Tick, r *graph.Request[Wanted, Cohort], cohort Rows) (Cohort, error) {
	if err := mayRead(x, r.From, cohort); err != nil {
		return Cohort{}, err
	}
	all, n := cohort.View(), min(max(r.Value.N, 0), SampleSize)
	draw := func(of int) (c Cohort) {
		for _, row := range ops.Sample(x, all, of) {
			if m, ok := shown(x, cohort, row); ok && m.Peer != r.From && len(c.Members) < n {
				c.Members = append(c.Members, m)
			}
		}
		return c
	}
	c := draw(n + 1)
	if len(c.Members) < n && all.Len() > n+1 { // some leases have just ended, so that it takes more
		c = draw(all.Len())
	}
	return c, nil
})

// Viewed is a page of the cohort, for a registered sender alone: those after the cookie's, in the order of their peers.
var Viewed = graph.Op2(Ops, "viewed", 1, func(x *graph.Tick, r *graph.Request[PageWanted, Page], cohort Rows) (Page, error) {
	if err := mayRead(x, r.From, cohort); err != nil {
		return Page{}, err
	}
	after, err := decodeCookie(r.Value.Cookie)
	if err != nil {
		return Page{}, err
	}
	all, n := cohort.View(), r.Value.N
	if n <= 0 || n > MaxPage {
		n = MaxPage
	}
	var p Page
	size := 0
	for i := sort.Search(all.Len(), func(i int) bool { return all.Key(i) > after }); i < all.Len(); i++ {
		m, ok := shown(x, cohort, all.At(i))
		if !ok {
			continue
		}
		if size += len(m.Peer) + m.Record.size(); len(p.Members) == n || size > maxPages {
			p.Next = encodeCookie(p.Members[len(p.Members)-1].Peer)
			break
		}
		p.Members = append(p.Members, m)
	}
	return p, nil
})

// A cookie is the version of its form, and the last peer of the page before.
const (
	cookieVersion = 1
	maxCookie     = 1 + maxPeer
)

func encodeCookie(last graph.Peer) []byte { return append([]byte{cookieVersion}, last...) }

func decodeCookie(b []byte) (graph.Peer, error) {
	if len(b) == 0 {
		return "", nil
	}
	if len(b) > maxCookie || len(b) < 2 || b[0] != cookieVersion {
		return "", graph.Fail(graph.Malformed, "not a cookie of this server: begin again without one")
	}
	return graph.Peer(b[1:]), nil
}

// Strike takes the sender, and nobody else, out of the cohort.
var Strike = graph.Op2(Ops, "strike", 1, func(_ *graph.Tick, r *graph.Request[Parting, graph.Done], cohort Rows) (graph.Done, error) {
	cohort.Remove(r.From)
	return graph.Done{}, nil
})
