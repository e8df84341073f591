package globalregistry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/sim"
)

// What a hostile node keeps of one run.
type villain struct {
	oracle
	secret []byte // nil for one that is no member of the network
	call   uint64
	seq    uint64
	heard  []Shown // members of a cohort that others have told of, with what they have signed
	nonces map[graph.Peer][]byte
}

// hostile gives hostile nodes their programs. Half of the clients among them know the secret.
func hostile(n *sim.Node) sim.Program {
	v := villain{oracle: oracle{n.ID(), n.World().Seed()}, nonces: map[graph.Peer][]byte{}}
	switch {
	case n.Role() == "server" && n.Index() == 2:
		return &falseServer{villain: v}
	case n.Role() == "client" && len(n.World().Nodes()) >= crowded && n.Index() < 64 && n.Index()%8 == 5:
		if n.Index()/8%2 == 0 {
			v.secret = secret
		}
		return &falseClient{v}
	}
	return nil
}

// insider says that a hostile node knows the secret.
func insider(n *sim.Node) bool { return n.Index()/8%2 == 0 }

// send sends v, or what does not encode as garbage.
func send[T any](n *sim.Node, m graph.Message, v T) {
	var err error
	if m.Payload, err = graph.Encode(v); err != nil {
		m.Payload = []byte("garbage")
	}
	n.Send(m)
}

// falseClient keeps to nothing: every few seconds it does one of its acts to one of the servers.
type falseClient struct{ villain }

// Start implements sim.Program.
func (c *falseClient) Start(n *sim.Node) {
	n.After(time.Duration(1+n.RandN("idle", int(8*time.Second))), func(n *sim.Node) {
		all := n.World().Nodes()
		c.act(n, all[n.RandN("victim", min(servers, len(all)))].ID())
		c.Start(n)
	})
}

// acts are what a hostile client does; some are allowed.
const acts = 14

func (c *falseClient) act(n *sim.Node, to graph.Peer) {
	ask := func(channel string) graph.Message {
		c.call++
		return graph.Message{Kind: graph.RequestMsg, Channel: channel, Peer: to, Call: c.call, Remaining: callTimeout}
	}
	switch n.Fault("act", acts) {
	case 1: // the addresses of others, under no signature
		c.announce(n, ask("announce"), Record{[]string{"/ip4/51.0.0.1/tcp/2428"}, c.seq, []byte("truly signed by the one whose it is")})
	case 2: // what another has signed
		if k := len(c.heard); k > 0 {
			c.announce(n, ask("announce"), c.heard[n.RandN("whose", k)].Record)
		}
	case 3: // more and longer addresses than there may be, well signed
		c.announce(n, ask("announce"), c.signed(slices.Repeat([]string{"/ip4/51.0.0.9/tcp/1"}, maxAddresses+1)...))
	case 4:
		c.announce(n, ask("announce"), c.signed(strings.Repeat("x", 4000)))
	case 5, 6: // is somewhere else each time, well signed, which is allowed
		c.announce(n, ask("announce"), c.signed(fmt.Sprintf("/ip4/51.0.%d.1/tcp/1", n.RandN("where", 4))))
	case 7: // shouts
		for range 40 {
			c.announce(n, ask("announce"), c.signed("/ip4/9.9.9.9/tcp/1"))
		}
	case 8: // garbage, everywhere
		for _, channel := range []string{"announce", "sample", "view", "leave", "nowhere"} {
			m := ask(channel)
			m.Payload = binaryOf(n.Rand("garbage"), 1+n.RandN("length", 40))
			n.Send(m)
		}
	case 9: // leaves for somebody else
		send(n, ask("leave"), map[string]any{"peer": n.World().Nodes()[3].ID(), "from": "n000003"})
	case 10:
		send(n, ask("leave"), Parting{})
	case 11:
		send(n, ask("sample"), Wanted{N: 1 << 40})
	case 12:
		send(n, ask("view"), PageWanted{Cookie: binaryOf(n.Rand("cookie"), 1+n.RandN("length", 300)), N: -1})
	case 13: // more than the channel carries
		m := ask("announce")
		m.Payload = make([]byte, 9<<10)
		n.Send(m)
	case 14: // answers what nobody asked, ends what it never began
		n.Send(graph.Message{Kind: graph.ReplyMsg, Channel: "announce", Peer: to, Call: c.call})
		n.Send(graph.Message{Kind: graph.ErrorMsg, Channel: "view", Peer: to, Call: c.call + 1, Reason: graph.Busy, Retry: time.Hour})
		n.Send(graph.Message{Kind: graph.CancelMsg, Channel: "announce", Peer: to, Call: c.call})
		n.Send(graph.Message{Kind: graph.OneWayMsg, Channel: "sample", Peer: to})
	}
}

// announce announces with the proof of the secret, by whoever knows it; who does not sends one that is none.
func (c *falseClient) announce(n *sim.Node, m graph.Message, r Record) {
	a := Announcement{Record: r, Proof: []byte("proof")}
	if nonce := c.nonces[m.Peer]; len(nonce) > 0 && c.secret != nil {
		a.Proof = prove(c.secret, n.ID(), m.Peer, nonce)
	}
	send(n, m, a)
}

func (c *falseClient) signed(addresses ...string) Record {
	c.seq++
	r, _ := c.Sign(addresses, c.seq)
	return r
}

// Receive implements sim.Program: it keeps nonces, and what others have signed.
func (c *falseClient) Receive(n *sim.Node, m graph.Message) {
	if m.Kind != graph.ReplyMsg {
		return
	}
	if h, err := graph.Decode[Handshake](m.Payload); err == nil && len(h.Nonce) > 0 && c.nonces[m.Peer] == nil {
		c.nonces[m.Peer] = h.Nonce
		c.call++
		c.announce(n, graph.Message{Kind: graph.RequestMsg, Channel: "announce", Peer: m.Peer, Call: c.call}, c.signed("/ip4/51.0.0.7/tcp/1"))
	}
	if l, err := graph.Decode[Cohort](m.Payload); err == nil && len(l.Members) > 0 {
		c.heard = l.Members
	}
}

// falseServer answers as it likes: in one way for a while, or each time in another.
type falseServer struct {
	villain
	mood int // a form, or moody
}

// Start implements sim.Program.
func (s *falseServer) Start(n *sim.Node) {
	s.mood = n.Fault("mood", moody)
	n.After(5*time.Second+time.Duration(n.RandN("for", int(time.Minute))), s.Start)
}

// Receive implements sim.Program.
func (s *falseServer) Receive(n *sim.Node, m graph.Message) {
	if m.Kind != graph.RequestMsg {
		return
	}
	answer := graph.Message{Kind: graph.ReplyMsg, Channel: m.Channel, Peer: m.Peer, Call: m.Call}
	if a, err := graph.Decode[Announcement](m.Payload); err == nil && len(a.Record.Signature) > 0 {
		s.heard = append(s.heard, Shown{m.Peer, a.Record, time.Hour})
		s.heard = s.heard[max(0, len(s.heard)-20):]
	}
	form := s.mood
	if form == moody {
		form = n.Fault("answer", forms)
	}
	switch {
	case form == 1:
		return
	case form == 2:
		answer.Payload = binaryOf(n.Rand("garbage"), 1+n.RandN("length", 60))
		n.Send(answer)
	case form == 3:
		answer.Payload = make([]byte, 200<<10)
		n.Send(answer)
	case form == 4:
		answer.Kind, answer.Reason, answer.Retry = graph.ErrorMsg, graph.Busy, 1000*time.Hour
		n.Send(answer)
	case form == 5:
		answer.Kind, answer.Reason, answer.Detail = graph.ErrorMsg, graph.Reason(n.RandN("reason", 256)), strings.Repeat("because ", 1000)
		n.Send(answer)
	case m.Channel == "announce":
		send(n, answer, s.handshake(n, m.Peer, form))
	default:
		send(n, answer, s.lies(n, form))
		if form == 6 {
			send(n, answer, s.lies(n, form)) // twice
		}
	}
}

// forms are the answers of a hostile server; of some channels not all make sense. A moody one draws each.
const (
	forms = 15
	moody = forms + 1
)

// handshake knows the secret, but for one form.
func (s *falseServer) handshake(n *sim.Node, client graph.Peer, form int) Handshake {
	h := Handshake{TTL: TTL, Heartbeat: Heartbeat, Context: "ctx", Proof: vouch(secret, client, n.ID())}
	switch form {
	case 6:
		h.TTL, h.Heartbeat = 1000*time.Hour, 1000*time.Hour
	case 7:
		h.TTL, h.Heartbeat = 1, 1
	case 8:
		h.TTL = -1 << 62
	case 9:
		h = Handshake{Nonce: binaryOf(n.Rand("nonce"), 16)}
	case 10:
		h = Handshake{Nonce: []byte("the same again")}
	case 11:
		h = Handshake{Nonce: make([]byte, 4000)}
	case 12:
		h.Addresses = slices.Repeat([]string{strings.Repeat("y", 300)}, 20)
	case 13:
		h.Context = strings.Repeat("z", 2000)
	case 14:
		h.Heartbeat = -1 << 60
	case 15:
		h.Proof, h.Context = []byte("proof"), "another network's"
	}
	return h
}

// lies is a cohort, and a page, of members that are none, and of some that are, for longer than they are.
func (s *falseServer) lies(n *sim.Node, form int) map[string]any {
	members := slices.Clone(s.heard)
	if form >= 8 {
		for i := range 1 + n.RandN("many", 300) {
			members = append(members, Shown{graph.Peer(fmt.Sprintf("n%06d", i)), Record{[]string{"/ip4/6.6.6.6/tcp/6"}, 1 << 60, []byte("signed")}, time.Hour})
		}
	}
	return map[string]any{"members": members, "next": encodeCookie("n000001")}
}

// binaryOf gives so many bytes from a choice.
func binaryOf(v uint64, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		v = v*6364136223846793005 + 1442695040888963407
		b[i] = byte(v >> 56)
	}
	return b
}
