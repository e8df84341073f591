package graph

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestMeaning9_FromOutside(t *testing.T) {
	friends := func(t *testing.T) (*node, *Feed[[]Peer]) {
		g := New("friends", 1)
		c, s := g.Role("c"), g.Role("s")
		to, known := Param[Peer](c, "to"), Param[[]Peer](s, "friends")
		in, v := askOf(c, "go")
		friend := Allow("friends", known, func(from Peer, known []Peer) bool {
			return slices.Contains(known, from)
		})
		got, answer := Call(v, to, s, Exchange[int, int]("x", MaxRequest(4), MaxReply(4)), time.Second, friend)
		Reply(got, plain1(got))
		Reply(in, answer)
		f := NewFeed([]Peer{"a"})
		return newWorld(t).start(g, "s", "s", Bind("friends", f)), f
	}
	request := func(from Peer) Message {
		return Message{Kind: RequestMsg, Channel: "x", Peer: from, Call: 1, Payload: []byte{1}}
	}
	reason := func(f *Failure) Reason {
		if f == nil {
			return None
		}
		return f.Reason
	}

	t.Run("only declared channels can be reached", func(t *testing.T) {
		n, _ := friends(t)
		m := request("a")
		m.Channel = "cohort"
		want(t, "reason", reason(n.in.Deliver(m)), Mismatch)
	})
	t.Run("each in its own way", func(t *testing.T) {
		n, _ := friends(t)
		for _, k := range []Kind{OneWayMsg, TopicMsg} {
			m := request("a")
			m.Kind, m.Relay = k, "a"
			want(t, fmt.Sprint("kind ", k), reason(n.in.Deliver(m)), Mismatch)
		}
		m := request("a")
		m.Kind = 99
		want(t, "unknown kind", reason(n.in.Deliver(m)), Malformed)
		n.run()
		want(t, "ticks", len(n.log), 0)
	})
	t.Run("a sender that nobody names is denied", func(t *testing.T) {
		n, f := friends(t)
		f.Set([]Peer{""})
		want(t, "reason", reason(n.in.Deliver(request(""))), Denied)
	})
	t.Run("every received value says who sent it", func(t *testing.T) {
		var from, sender Peer
		s := newWorld(t).start(pair(time.Second, func(in Wire[*Request[int, int]]) In[int] {
			return Op1(testOps, "who", 1, func(x *Tick, r *Request[int, int]) (int, error) {
				from, sender = r.From, x.Sender()
				return 0, nil
			})(in)
		}), "server", "s")
		s.in.Deliver(request("a"))
		s.run()
		want(t, "who", fmt.Sprint(from, sender), "aa")
	})
	t.Run("the rule is judged before anything is queued", func(t *testing.T) {
		n, f := friends(t)
		want(t, "friend", reason(n.in.Deliver(request("a"))), None)
		want(t, "stranger", reason(n.in.Deliver(request("b"))), Denied)
		want(t, "queued", n.in.box.queue.len(), 1)
		f.Set([]Peer{"b"}) // the rule reads the newest value, without a tick
		want(t, "stranger no more", reason(n.in.Deliver(request("b"))), None)
		want(t, "friend no more", reason(n.in.Deliver(request("a"))), Denied)
	})
	t.Run("sizes are checked before anything is queued", func(t *testing.T) {
		n, _ := friends(t)
		m := request("a")
		m.Payload = make([]byte, 5)
		want(t, "reason", reason(n.in.Deliver(m)), TooLarge)
		c := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		c.in.Deliver(Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 1, Payload: make([]byte, 17)})
		want(t, "kept of it", len(c.in.box.ours.peek().msg.Payload), 0)
		c.run()
		want(t, "a reply", a.reason(), TooLarge)
	})
	t.Run("bytes that are no value are malformed", func(t *testing.T) {
		n, _ := friends(t)
		for _, payload := range [][]byte{nil, {0xff}, {0x61, 'x'}, {0xc1, 1}, {1, 2}} {
			m := request("a")
			m.Payload = payload
			want(t, "Deliver", reason(n.in.Deliver(m)), None)
			n.run()
			want(t, fmt.Sprintf("% x", payload), n.w.sent[len(n.w.sent)-1].Reason, Malformed)
		}
		want(t, "ticks", len(n.log), 0)
		n.quiet(t)
	})
	t.Run("names that a stranger makes up take no memory", func(t *testing.T) {
		n, _ := friends(t)
		for i := range 100 {
			m := request("a")
			m.Channel = fmt.Sprint("no", i)
			n.in.Deliver(m)
			n.in.Deliver(Message{Kind: ReplyMsg, Channel: m.Channel, Peer: "a", Call: 7})
		}
		want(t, "refused", fmt.Sprint(n.in.Refused()), "[{ expired 100} { mismatch 100}]")
	})
}
