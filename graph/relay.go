package graph

// A Verdict is what a receiver's protocol says of a publication.
type Verdict uint8

// The verdicts.
const (
	Ignore Verdict = iota // what it says depends on what this node knows, or is no news: it is not passed on, and nobody is blamed
	Accept                // it was taken in: it is passed on
	Reject                // it is false for everyone: it is not passed on, and the neighbour that handed it over pays
)

// Relay says whether the publication that in began is passed on: one line for a topic (merge before it). Without the line a
// topic passes on whatever is admitted. Bytes that do not decode are rejected; an activation that ends before its verdict, well
// or not, ignores. The host waits for the verdict, as long as it sees fit; a later one counts as Ignore.
func Relay[T any](in Wire[*Received[T]], v In[Verdict]) Wire[Done] {
	p := portIn(v)
	s := &step{kind: kindRelay, op: "relay", ins: []source{in.port().src, p.src}, outs: typesOf[Done](), effect: true}
	if in.s != nil {
		s.role, s.chann, s.note, s.callee = in.s.role, in.s.chann, in.s.note, in.s
	}
	record(s)
	s.build = func(l *layout) planFns {
		lv := p.loader(l)
		return planFns{
			fire: func(x *Tick) (int, error) {
				x.inst.judged(x.frame, *lv.at(x))
				return 0, nil
			},
			inputs: []func(*Tick) any{lv.boxed()},
		}
	}
	return Wire[Done]{s, 0}
}

// awaited reports whether somebody waits for what becomes of a received message: its sender, or the host that would pass it on.
func (m *Message) awaited() bool {
	return m.Kind == RequestMsg || m.Kind == TopicMsg && m.Call != 0
}

// judged has the host be told the verdict when the tick commits. A copy that the host does not ask about has none.
func (in *Instance) judged(f *frame, v Verdict) {
	if f.request.Kind == TopicMsg {
		in.effects = append(in.effects, effect{kind: effReply, msg: verdictOn(f.request, v)})
	}
}

// verdictOn is how a host is told. A number that is no verdict ignores.
func verdictOn(m Message, v Verdict) Message {
	if v > Reject {
		v = Ignore
	}
	return Message{Kind: VerdictMsg, Channel: m.Channel, Peer: m.Relay, Key: m.Key, Call: m.Call, Verdict: v}
}

// verdictOf is the verdict on a publication that began no activation.
func verdictOf(f *Failure) Verdict {
	if f.Reason == Malformed { // its bytes do not decode, anywhere
		return Reject
	}
	return Ignore
}

// relay finds what is wrong with a Relay line.
func (c *checker) relay(s *step) {
	switch {
	case s.callee == nil:
	case s.callee.kind != kindReceive || s.chann.kind != TopicKind:
		c.fault(s, "its first port is not the wire of a publication", "give it the in of Publish")
	case relayOf(c.g, s.callee) != s:
		c.fault(s, "the topic has a Relay line before this one", "merge the verdicts before one Relay")
	}
}

// relayOf gives the first Relay line of a topic's receiving step, or nil.
func relayOf(g *Graph, receive *step) *step {
	for _, s := range g.steps {
		if s.kind == kindRelay && s.callee == receive {
			return s
		}
	}
	return nil
}
