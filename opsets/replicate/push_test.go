package replicate

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// A club is a context that is not public: its members are a, b, c and so on, each the others' neighbour, and all agree.
type club struct {
	*graphtest.World
	journals []*journal
	nodes    []*graphtest.Node
}

func newClub(t *testing.T, size int) *club {
	c := &club{World: graphtest.New(t), journals: journals(t, size, 1)}
	genesis, _, err := c.journals[0].Journal.Serve(c.journals[0].ctx, nil, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	var all []graph.Peer
	for i := range size {
		all = append(all, graph.Peer('a'+rune(i)))
	}
	for i, j := range c.journals {
		if _, err := j.Journal.Ingest(j.ctx, genesis); err != nil {
			t.Fatal(err)
		}
		near := slices.DeleteFunc(slices.Clone(all), func(p graph.Peer) bool { return p == all[i] })
		c.nodes = append(c.nodes, c.World.Start(Private(), "peer", all[i], graph.Bind("log", Log(j)), graph.Bind("outbox", Outbox(j)), graph.Bind("pace", Pace{}),
			graph.Bind("neighbours", graph.NewFeed(near)), graph.Bind("members", graph.NewFeed(append(all, "x")))))
	}
	c.Stranger("x", func(graph.Message) []graph.Message { return nil }) // a member that keeps to nothing
	c.Pass(time.Millisecond)
	c.Sent = nil
	return c
}

// publish has a node write and publish.
func (c *club) publish(t *testing.T, many int) {
	graph.Submit(c.nodes[0].Instance, "publish", Batch{c.journals[0].write(t, 0, many, 8)}, time.Minute, func(_ graph.Done, err error) {
		if err != nil {
			t.Error(err)
		}
	})
	c.Settle()
}

// say sends a one-way message from x.
func (c *club) say(t *testing.T, to int, channel string, v any) *graph.Failure {
	f := c.nodes[to].Instance.Deliver(graph.Message{Kind: graph.OneWayMsg, Channel: channel, Peer: "x", Payload: graphtest.Encode(v)})
	c.Settle()
	return f
}

func (c *club) agree() bool {
	return !slices.ContainsFunc(c.journals, func(j *journal) bool { return j.Digest() != c.journals[0].Digest() })
}

// A batch is pushed at once to at most 6 members, and the rest is told the ids (DATA 5.1).
func TestRule5_1_PushedToSixAndNamedToTheRest(t *testing.T) {
	for _, size := range []int{2, 7, 8, 20} {
		c := newClub(t, size)
		for range 5 {
			c.publish(t, 3)
		}
		if !c.agree() {
			t.Errorf("of %d some lack something", size)
		}
		wantPush, wantName := 5*min(size-1, 6), 5*max(size-7, 0)
		if p, n := c.Count("a", "push", graph.OneWayMsg), c.Count("a", "name", graph.OneWayMsg); p != wantPush || n != wantName {
			t.Errorf("of %d: %d pushed and %d named, want %d and %d", size, p, n, wantPush, wantName)
		}
		if p := c.Count("b", "push", graph.OneWayMsg); size == 2 && p != 0 {
			t.Errorf("%d go back to where they came from", p)
		}
		for i, n := range c.nodes {
			if p := c.Count(n.Self(), "push", graph.OneWayMsg); p > 5*6 {
				t.Errorf("%s pushes %d times", n.Self(), p)
			}
			if got := c.Count(n.Self(), "compare", graph.RequestMsg); got != 0 || graph.SizeOf(n.Instance, "tidings") != 0 {
				t.Errorf("node %d of %d: %d comparisons, %d tidings stay", i, size, got, graph.SizeOf(n.Instance, "tidings"))
			}
		}
		c.Pass(claimTime)
		for _, n := range c.nodes {
			if len(n.Failures) > 0 || graph.SizeOf(n.Instance, "mentions") != 0 {
				t.Errorf("%s: %v, %d mentions stay", n.Self(), n.Failures, graph.SizeOf(n.Instance, "mentions"))
			}
		}
	}
}

// Who is told an id alone asks who told it, and passes on what comes by its name (DATA 5.1).
func TestRule5_1_NamesAreAskedFor(t *testing.T) {
	c := newClub(t, 12)
	c.Lose = func(from graph.Peer, m graph.Message) bool { return from != "a" && m.Channel == "push" } // six have it, the others hear of it
	c.publish(t, 3)
	if !c.agree() {
		t.Error("some lack something")
	}
	backs := 0
	for _, m := range c.Sent {
		if m.Channel == "back" && m.Kind == graph.RequestMsg {
			backs++
		}
		if m.Channel == "compare" {
			t.Fatal("it took a round")
		}
	}
	if backs < 5 || backs > 5*mostNamers {
		t.Errorf("five lack it, %d ask", backs)
	}
	c = newClub(t, 12)
	told := 0
	c.Lose = func(from graph.Peer, m graph.Message) bool {
		if m.Channel == "name" && from == "a" {
			told++
		}
		return m.Channel == "push" || m.Channel == "name" && from == "a" && told != 1
	}
	if c.publish(t, 3); !c.agree() {
		t.Error("one is told by name, and does not pass it on by name")
	}
}

// A node names what it holds, whatever else was named to it.
func TestRule5_1_NobodyNamesWhatItLacks(t *testing.T) {
	c := newClub(t, 3)
	c.journals[0].write(t, 0, 1, 8)
	real, lie := c.journals[0].Tips()[0].ID, dag.ID{9}
	c.Stranger("x", func(m graph.Message) []graph.Message {
		got, err := c.journals[0].Back(t.Context(), Gap{Missing: []dag.ID{real}})
		if err != nil {
			t.Error(err)
		}
		return graphtest.Reply(m, got)
	})
	c.say(t, 1, "name", Names{[]dag.ID{lie, real}})
	told := 0
	for _, m := range c.Sent {
		if m.Relay == "b" && m.Channel == "name" {
			n, err := graph.Decode[Names](m.Payload)
			if told++; err != nil || len(n.IDs) != 1 || n.IDs[0] != real {
				t.Errorf("it names %v, %v", n, err)
			}
		}
	}
	if told != 2 {
		t.Errorf("it tells %d neighbours", told)
	}
}

// What x names is asked of x alone, of two peers at most, and costs nothing after ten seconds.
func TestNamesAreBounded(t *testing.T) {
	c := newClub(t, 3)
	for i := range byte(100) {
		c.say(t, 1, "name", Names{[]dag.ID{{1, i}}})
	}
	for range 3 {
		c.say(t, 1, "name", Names{[]dag.ID{{1, 7}}})
	}
	if n := c.Count("b", "back", graph.RequestMsg); n != 101 {
		t.Errorf("%d ids are named, %d asked for", 100, n)
	}
	for _, bad := range []Names{{}, {make([]dag.ID, dag.MaxBack+1)}} {
		before := c.Count("b", "back", graph.RequestMsg)
		if c.say(t, 1, "name", bad); c.Count("b", "back", graph.RequestMsg) != before {
			t.Errorf("%d names are taken", len(bad.IDs))
		}
	}
	c.Pass(time.Minute)
	for _, table := range []string{"mentions", "claims", "tidings", "rounds"} {
		if rows := graph.SizeOf(c.nodes[1].Instance, table); rows != 0 {
			t.Errorf("%d %s stay", rows, table)
		}
	}
	for _, m := range c.Sent {
		if m.Relay == "b" && m.Channel == "back" && m.Peer != "x" {
			t.Errorf("%s is asked for what x names", m.Peer)
		}
	}
}

// Only what is admitted is passed on; who hands over what is false for everyone is not listened to for a while (DATA 5.2).
func TestRule5_2_PushesPassOnWhatIsAdmitted(t *testing.T) {
	c := newClub(t, 3)
	first, second := c.journals[0].write(t, 0, 1, 8), c.journals[0].write(t, 0, 1, 8)
	forged := slices.Clone(first)
	forged[len(forged)-1] ^= 1
	told := func() int { return c.Count("b", "push", graph.OneWayMsg) + c.Count("b", "name", graph.OneWayMsg) }
	if c.say(t, 1, "push", Batch{second}); told() != 0 {
		t.Error("what lacks its past is passed on")
	}
	if c.say(t, 1, "push", Batch{forged}); told() != 0 || graph.SizeOf(c.nodes[1].Instance, "liars") != 1 {
		t.Error("a forgery is passed on, or costs nothing")
	}
	if c.say(t, 1, "push", Batch{first}); told() != 0 || !c.journals[1].Lacks(idsOf(c.journals[0].Tips())) {
		t.Error("a liar is listened to")
	}
	c.Pass(liarTTL) // a round has brought those
	third := c.journals[0].write(t, 0, 1, 8)
	c.say(t, 1, "push", Batch{third})
	if told() != 2 {
		t.Errorf("news are told %d times, there are two neighbours and it came from neither", told())
	}
	if c.say(t, 1, "push", Batch{third}); told() != 2 {
		t.Error("what is no news is passed on")
	}
}

// Who is no member may use no channel of a context that is not public, from the moment on that it is none (DATA 5.1).
func TestRule5_1_MembersOnly(t *testing.T) {
	c := newClub(t, 2)
	members := graph.NewFeed([]graph.Peer{"a", "b", "x"})
	j := openJoined(t, c.journals[0].ctx)
	n := c.World.Start(Private(), "peer", "z", graph.Bind("log", Log(j)), graph.Bind("outbox", Outbox(j)), graph.Bind("pace", Pace{}),
		graph.Bind("neighbours", graph.NewFeed([]graph.Peer(nil))), graph.Bind("members", members))
	channels := 0
	try := func(want bool) {
		for _, ch := range n.Instance.Program().Channels() {
			if !ch.In {
				continue
			}
			if ch.Kind == graph.TopicKind {
				t.Errorf("%s is a topic", ch.Name)
			}
			channels++
			kind := graph.RequestMsg
			if ch.Kind == graph.MessageKind {
				kind = graph.OneWayMsg
			}
			f := n.Instance.Deliver(graph.Message{Kind: kind, Channel: ch.Name, Peer: "x", Call: uint64(channels), Remaining: time.Second, Payload: []byte("garbage")})
			if allowed := f == nil; allowed != want || !allowed && (f.Reason != graph.Denied || !strings.Contains(f.Error(), "only a member may use "+ch.Name)) {
				t.Errorf("%s: %v, want it allowed: %v", ch.Name, f, want)
			}
		}
	}
	try(true)
	members.Set([]graph.Peer{"a", "b"})
	try(false)
	if channels < 16 {
		t.Errorf("%d channels were tried", channels)
	}
}
