package graph

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestMeaning8_Channels(t *testing.T) {
	t.Run("call and reply", func(t *testing.T) {
		w := newWorld(t)
		s := w.start(pair(time.Second, plain1), "server", "s")
		c := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", 4, time.Minute)
		w.settle()
		want(t, "answer", fmt.Sprint(a.v, a.err), "5 <nil>")
		c.quiet(t)
		s.quiet(t)
	})
	t.Run("a failure of the callee is remote", func(t *testing.T) {
		w := newWorld(t)
		s := w.start(pair(time.Second, plain1), "server", "s")
		c := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", -4, time.Minute)
		w.settle()
		want(t, "answer", a.err.Error(), "call: remote (s): t.plus: local: -4 is less than nothing")
		c.quiet(t)
		s.quiet(t)
	})
	t.Run("what the host cannot send is unreachable or lost", func(t *testing.T) {
		for _, reason := range []Reason{Unreachable, Lost} {
			c := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
			a := ask[int, int](c, "go", 1, time.Minute)
			c.run()
			c.in.Deliver(Message{Kind: ErrorMsg, Channel: "x", Peer: "s", Call: 1, Reason: reason})
			c.run()
			want(t, "reason", a.reason(), reason)
		}
	})
	t.Run("a call to nobody is unreachable", func(t *testing.T) {
		c := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("")))
		a := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		want(t, "reason", a.reason(), Unreachable)
	})
	t.Run("at most once an attempt", func(t *testing.T) {
		c := newWorld(t).start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
		a := ask[int, int](c, "go", 1, time.Minute)
		c.run()
		reply := Message{Kind: ReplyMsg, Channel: "x", Peer: "s", Call: 1, Payload: []byte{5}}
		if f := c.in.Deliver(reply); f != nil {
			t.Fatal(f)
		}
		want(t, "a second reply", c.in.Deliver(reply).Reason, Expired)
		c.run()
		want(t, "answers", a.n, 1)
		c.w.pass(time.Minute)
		want(t, "requests sent", len(c.w.sent), 0)
	})
	t.Run("send is in order and one-way", func(t *testing.T) {
		var l trace
		g := New("send", 1)
		c, s := g.Role("c"), g.Role("s")
		to := Param[Peer](c, "to")
		in, v := askOf(c, "go")
		got, done := Send(v, to, s, OneWay[int]("m", MaxRequest(9)), Anyone)
		see[int](&l, "got")(received(got))
		Reply(in, Op2(testOps, "sent", 1, func(_ *Tick, _ Done, v int) (int, error) { return v, nil })(done, v))
		w := newWorld(t)
		server := w.start(g, "s", "s")
		client := w.start(g, "c", "c", Bind("to", Peer("s")))
		for i := range 3 {
			ask[int, int](client, "go", i, time.Minute)
		}
		w.settle()
		want(t, "received", l.take(), "got=0 got=1 got=2")
		server.quiet(t)
	})
	t.Run("publish reaches all others with author and neighbour", func(t *testing.T) {
		var l trace
		g, r := one()
		in, v := askOf(r, "say")
		heard, done := Publish(v, r, Topic[int]("news", MaxRequest(9)), Anyone)
		Op1(testOps, "heard", 1, func(x *Tick, r *Received[int]) (Done, error) {
			l.add("%s:%d from %s by %s, sender %s", x.Self(), r.Value, r.From, r.Relay, x.Sender())
			return Done{}, nil
		})(heard)
		Reply(in, Op2(testOps, "sent", 1, func(_ *Tick, _ Done, v int) (int, error) { return v, nil })(done, v))
		w := newWorld(t)
		a := w.start(g, "r", "a")
		b := w.start(g, "r", "b")
		ask[int, int](a, "say", 7, time.Minute)
		w.settle()
		want(t, "heard", l.take(), "b:7 from a by a, sender a")
		// Relayed by c, signed by d; then not signed. The neighbour's share pays, the author is the sender.
		b.in.Deliver(Message{Kind: TopicMsg, Channel: "news", Peer: "d", Relay: "c", Payload: []byte{1}})
		want(t, "who pays", b.in.box.shares["c"].count, 1)
		b.in.Deliver(Message{Kind: TopicMsg, Channel: "news", Relay: "c", Payload: []byte{2}})
		b.run()
		want(t, "heard", l.take(), "b:1 from d by c, sender d b:2 from  by c, sender c")
		b.quiet(t)
	})
	t.Run("a send to oneself passes the same codec bounds and inbox", func(t *testing.T) {
		// The lesson of NR09: ten pings of which one is to oneself count ten.
		count := func(to Peer) (string, string) {
			w := newWorld(t)
			both := New("both", 1)
			r := both.Role("r")
			peer := Param[Peer](r, "to")
			in, v := askOf(r, "go")
			got, answer := Call(v, peer, r, Exchange[int, int]("x", MaxRequest(2), MaxReply(2)), time.Second, Anyone)
			Reply(got, plain1(got))
			Reply(in, answer)
			a := w.start(both, "r", "a", Bind("to", to))
			b := w.start(both, "r", "b", Bind("to", to))
			var out trace
			for _, v := range []int{1, -1, 100, 1 << 20} {
				x := ask[int, int](a, "go", v, time.Minute)
				w.settle()
				out.add("%d %v", x.v, x.reason())
			}
			served := uint64(0)
			for _, n := range []*node{a, b} {
				for _, s := range n.in.Counters().Steps {
					if s.Name == "t.plus" {
						served += s.Fired
					}
				}
				n.quiet(t)
			}
			return out.take(), fmt.Sprint(served)
		}
		self, n := count("a")
		other, m := count("b")
		want(t, "answers", self, other)
		want(t, "served", n, m)
		if !strings.Contains(self, "too large") {
			t.Error(self)
		}
	})
	t.Run("a date crosses whole", func(t *testing.T) {
		at := time.Date(2100, 2, 28, 23, 59, 59, 123_456_789, time.FixedZone("", 3600))
		b, err := Encode(at)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Decode[time.Time](b); err != nil || !got.Equal(at) {
			t.Errorf("got %v, %v", got, err)
		}
	})
	t.Run("frames name channel key and call", func(t *testing.T) {
		w := newWorld(t)
		c := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")), Key("ctx"))
		ask[int, int](c, "go", 1, time.Minute)
		c.run()
		m := w.sent[0]
		want(t, "frame", fmt.Sprintf("%v %s %s %s %d", m.Kind == RequestMsg, m.Channel, m.Peer, m.Key, m.Call), "true x s ctx 1")
	})
	t.Run("an incarnation is random", func(t *testing.T) {
		w := newWorld(t)
		for _, random := range []uint64{7, 1 << 63} {
			w.incarnation = random
			c := w.start(pair(time.Second, plain1), "client", "c", Bind("to", Peer("s")))
			want(t, "incarnation", c.in.Incarnation(), random)
			ask[int, int](c, "go", 1, time.Minute)
			c.run()
			want(t, "call", w.sent[len(w.sent)-1].Call, random+1) // an answer to another incarnation fits no call of this one
		}
	})

	t.Run("the fingerprint is over names and types of the required fields", func(t *testing.T) {
		type base struct {
			A int
			B string
		}
		print := func(v any) uint64 {
			return fingerprint(&channel{kind: MessageKind, name: "m", request: reflect.TypeOf(v)}, "a", "b")
		}
		same := []any{
			struct {
				B string
				A int
			}{},
			struct {
				A int64
				B string
				C int `cbor:"c,omitempty"`
			}{},
			struct {
				A int
				B string
				c int
			}{},
			struct {
				X int    `json:"A"`
				Y string `cbor:"B"`
			}{},
			&base{},
		}
		for i, v := range same {
			want(t, fmt.Sprint("same ", i), print(v), print(base{}))
		}
		differ := []any{
			struct{ A int }{},
			struct {
				A int
				B []byte
			}{},
			struct {
				A uint
				B string
			}{},
			struct {
				A int
				B string
				C bool
			}{},
			struct {
				A int `cbor:"a"`
				B string
			}{},
			struct {
				_ struct{} `cbor:",toarray"`
				A int
				B string
			}{},
			struct {
				A int    `cbor:"1,keyasint"`
				B string `cbor:"2,keyasint"`
			}{},
		}
		seen := map[uint64]int{print(base{}): -1}
		for i, v := range differ {
			if j, ok := seen[print(v)]; ok {
				t.Errorf("%d and %d have one fingerprint", i, j)
			}
			seen[print(v)] = i
		}
		type list struct{ Next *list }
		print(list{}) // ends
	})
	t.Run("channels are described for the host", func(t *testing.T) {
		p, err := Compile(pair(5*time.Second, plain1), "server")
		if err != nil {
			t.Fatal(err)
		}
		c := p.Channels()[0]
		c.Fingerprint = 0
		want(t, "info", fmt.Sprintf("%+v", c), "{Kind:exchange Name:x From:client To:server In:true Out:false Judged:false MaxRequest:16 MaxReply:16 "+
			"Fingerprint:0 Rule:anyone PerSecond:0 RequestType:int ReplyType:int CallDeadline:5s}")
		want(t, "id", c.ID("pair", 1), "/merograph/pair/1/x")
	})
}
