package globalregistry

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

// gaps gives the times of the announces of a peer, seen by a stranger in the place of the server.
func gaps(t *testing.T, answer func(m graph.Message) []graph.Message) (w *graphtest.World, at *[]graph.Time) {
	w, at = graphtest.New(t), new([]graph.Time)
	w.Stranger("s", func(m graph.Message) []graph.Message {
		if m.Kind != graph.RequestMsg || m.Channel != "announce" {
			return nil
		}
		*at = append(*at, w.Now())
		return answer(m)
	})
	return w, at
}

// While the server is away the client waits half a heartbeat at the most, but for the mean, which is one a heartbeat.
func TestBackOff(t *testing.T) {
	away := false
	w, at := gaps(t, func(m graph.Message) []graph.Message {
		if away {
			return nil
		}
		return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat})
	})
	c := startClient(w, "c", "")
	w.Pass(10 * time.Minute)
	if n := len(*at); n < 20 || n > 21 {
		t.Fatalf("%d announces in ten minutes", n)
	}
	early, late := TTL, time.Duration(0)
	for i, a := range (*at)[1:] {
		early, late = min(early, a.Sub((*at)[i])), max(late, a.Sub((*at)[i]))
	}
	if early < Heartbeat || late > Heartbeat*21/20 || late-early < Heartbeat/40 {
		t.Errorf("the announces are between %v and %v apart", early, late)
	}
	*at, away = nil, true
	w.Pass(30 * time.Minute)
	if n := len(*at); n < 60-2 || n > 60+atOnce {
		t.Errorf("%d announces in thirty minutes without an answer", n)
	}
	for i, a := range (*at)[1:] {
		gap := a.Sub((*at)[i])
		if gap > Heartbeat+callTimeout || i < atOnce-2 && gap > Heartbeat/2+callTimeout {
			t.Errorf("announce %d came after %v", i, gap)
		}
	}
	if lease(c).Registered {
		t.Error("it believes that it is registered")
	}
	away, *at = false, nil
	w.Pass(Heartbeat + callTimeout)
	if !lease(c).Registered {
		t.Errorf("a heartbeat after the server is back: %+v", lease(c))
	}
	// Where every other answer is lost, the mean stays what it is.
	lose := false
	w.Lose = func(from graph.Peer, m graph.Message) bool {
		if from == "s" && m.Channel == "announce" {
			lose = !lose
		}
		return lose && from == "s" && m.Channel == "announce"
	}
	*at = nil
	w.Pass(time.Hour)
	if n := len(*at); n > 120+atOnce {
		t.Errorf("%d announces in an hour of loss", n)
	}
}

// A client of many servers keeps to each, and one that is away keeps it from none.
func TestSeveralServers(t *testing.T) {
	w := graphtest.New(t)
	a, b := startServer(w, Access{}, &admitted{}, setting{name: "a"}), startServer(w, Access{}, &admitted{}, setting{name: "b", ttl: MinTTL})
	servers := graph.NewFeed([]graph.Peer{"a", "away", "b", "a", ""})
	c := w.Start(Protocol(), "client", "c", graph.Bind("servers", servers), graph.Bind("connected", []graph.Peer(nil)), graph.Bind("addresses", []string{"/c"}), graph.Bind("secret", []byte(nil)),
		graph.Bind("records", Records(oracle{self: "c"})))
	w.Pass(5 * time.Minute)
	leases := graph.FeedOf[graph.Peer, Lease](c.Instance, "leases")
	for p, n := range map[graph.Peer]int{"a": 10, "b": 30} {
		sent := 0
		for _, m := range w.Sent {
			if m.Relay == "c" && m.Peer == p && m.Channel == "announce" && m.Kind == graph.RequestMsg {
				sent++
			}
		}
		if l, _ := leases.Get().Get(p); !l.Registered || sent < n-1 || sent > n+1 {
			t.Errorf("%s: %d announces, %+v", p, sent, l)
		}
	}
	if l, ok := leases.Get().Get("away"); !ok || l.Registered || l.Failures < 20 || leases.Get().Len() != 3 {
		t.Errorf("the one that is away: %+v", leases.Get().All())
	}
	servers.Set([]graph.Peer{"b"})
	w.Pass(TTL + callTimeout)
	if cohort(a).Len() != 0 || cohort(b).Len() != 1 || leases.Get().Len() != 1 {
		t.Errorf("a server that is listed no more: %d, %d, %v", cohort(a).Len(), cohort(b).Len(), leases.Get().All())
	}
	for i := range 40 {
		servers.Set(append(servers.Get(), graph.Peer(fmt.Sprint("more", i))))
	}
	w.Pass(time.Minute)
	if leases.Get().Len() != MaxServers || len(c.Failures) > 0 {
		t.Errorf("%d leases, failures %v", leases.Get().Len(), c.Failures)
	}
}

// Leave takes effect at once, at every server that answers, and on one's own row alone.
func TestLeave(t *testing.T) {
	w := graphtest.New(t)
	a, b := startServer(w, Access{}, &admitted{}, setting{name: "a"}), startServer(w, Access{}, &admitted{}, setting{name: "b"})
	c := startOf(w, "c", "", []graph.Peer{"a", "away", "b"}, nil)
	w.Pass(time.Minute)
	if f := w.Ask("d", "a", "announce", says("d"), &Handshake{}); f != nil {
		t.Fatal(f)
	}
	for range 2 { // of a peer that is not there, it is no failure
		if f := w.Ask("stranger", "a", "leave", map[string]any{"peer": "c"}, &graph.Done{}); f != nil {
			t.Fatal(f)
		}
	}
	if cohort(a).Len() != 2 {
		t.Fatal("a stranger took another out")
	}
	done := 0
	graph.Submit(c.Instance, "leave", Stop{}, 5*time.Second, func(_ graph.Done, err error) {
		if done++; err != nil {
			t.Error(err)
		}
	})
	w.Settle()
	if cohort(a).Len() != 1 || cohort(b).Len() != 0 {
		t.Errorf("after it has left: %v, %v", cohort(a).All(), cohort(b).All())
	}
	w.Pass(leaveTimeout)
	n := w.Count("c", "announce", graph.RequestMsg)
	w.Pass(time.Hour)
	if done != 1 || w.Count("c", "announce", graph.RequestMsg) != n || len(c.Failures) > 0 {
		t.Errorf("told %d times, %d announces after leaving, failures %v", done, w.Count("c", "announce", graph.RequestMsg)-n, c.Failures)
	}
}

// The TTL is the server's, within the bounds of both sides, and the heartbeat is a third of it.
func TestTTL(t *testing.T) {
	for give, want := range map[time.Duration]time.Duration{0: TTL, 1: MinTTL, -time.Hour: MinTTL, time.Minute: time.Minute, time.Hour: MaxTTL} {
		w := graphtest.New(t)
		s := startServer(w, Access{}, &admitted{}, setting{ttl: give})
		c := startClient(w, "c", "")
		w.Settle()
		if l := lease(c); l.Heartbeat != want/3 || l.Until.Sub(w.Now()) != want {
			t.Errorf("a ttl of %v: %+v", give, l)
		}
		w.Crash(c)
		w.Pass(want - 1)
		if cohort(s).Len() != 1 {
			t.Errorf("a ttl of %v ended early", give)
		}
		w.Pass(1)
		if cohort(s).Len() != 0 {
			t.Errorf("a ttl of %v did not end", give)
		}
	}
}

// A client that knows enough looks rarely; what it knows it forgets, and an older record does not replace a newer one.
func TestKnowing(t *testing.T) {
	w := graphtest.New(t)
	members, looks := []Shown{}, 0
	for i := range SampleSize {
		p := graph.Peer(fmt.Sprint("p", i))
		members = append(members, Shown{p, says(p, "/new").Record, TTL})
	}
	w.Stranger("s", func(m graph.Message) []graph.Message {
		switch {
		case m.Kind != graph.RequestMsg:
			return nil
		case m.Channel == "announce":
			return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat})
		}
		looks++
		return graphtest.Reply(m, Cohort{members})
	})
	c := startClient(w, "c", "")
	known := graph.FeedOf[graph.Peer, Member](c.Instance, "known")
	w.Pass(20 * time.Minute)
	if looks < 10 || looks > 14 || known.Get().Len() != SampleSize {
		t.Errorf("%d looks in twenty minutes, it knows %d", looks, known.Get().Len())
	}
	older, _ := oracle{self: "p0"}.Sign([]string{"/old"}, 0)
	members = []Shown{{"p0", older, TTL}}
	w.Pass(lookEvery)
	if m, ok := known.Get().Get("p0"); !ok || m.Record.Addresses[0] != "/new" {
		t.Errorf("after an older record it knows %v", m)
	}
	members = nil
	w.Pass(MaxTTL)
	if known.Get().Len() != 0 {
		t.Errorf("it still knows %v", known.Get().All())
	}
}

// A server that does not prove the network secret is none: nothing that it says of the network is taken.
func TestServerProvesTheSecret(t *testing.T) {
	for name, proof := range map[string][]byte{"none": nil, "of another": vouch([]byte("ours"), "d", "s"), "with another secret": vouch([]byte("theirs"), "c", "s")} {
		t.Run(name, func(t *testing.T) {
			w, at := gaps(t, func(m graph.Message) []graph.Message {
				return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat, Context: "theirs", Addresses: []string{"/theirs"}, Proof: proof})
			})
			c := startClient(w, "c", "ours")
			w.Pass(10 * time.Minute)
			if l := lease(c); l.Registered || l.Context != "" || len(l.Addresses) > 0 || !strings.Contains(l.LastError, "does not prove the network secret") {
				t.Errorf("%+v", l)
			}
			if n := len(*at); n > 10*6+atOnce || w.Count("c", "sample", graph.RequestMsg) > 0 {
				t.Errorf("%d announces, %d samples", n, w.Count("c", "sample", graph.RequestMsg))
			}
		})
	}
	w := graphtest.New(t)
	startServer(w, Access{Secret: []byte("ours"), NonceKey: []byte("n")}, &admitted{})
	c := startClient(w, "c", "ours")
	w.Pass(time.Second)
	if !lease(c).Registered {
		t.Errorf("with the secret: %+v", lease(c))
	}
}

// A client whose server is connected again announces soon, since that one may have started anew; and on average still once
// a heartbeat, however often the connection goes.
func TestAnnounceWhenConnectedAgain(t *testing.T) {
	w, at := gaps(t, func(m graph.Message) []graph.Message {
		return graphtest.Reply(m, Handshake{TTL: TTL, Heartbeat: Heartbeat})
	})
	connected := graph.NewFeed[[]graph.Peer](nil)
	w.Start(Protocol(), "client", "c", graph.Bind("servers", []graph.Peer{"s"}), graph.Bind("connected", connected), graph.Bind("addresses", []string{"/c"}),
		graph.Bind("secret", []byte(nil)), graph.Bind("records", Records(oracle{self: "c"})))
	w.Settle()
	connected.Set([]graph.Peer{"s", "x"})
	w.Pass(5 * linkWait)
	first := len(*at)
	connected.Set([]graph.Peer{"x"})
	w.Pass(5 * linkWait)
	if lost := len(*at); lost != first {
		t.Errorf("%d announces when the connection is lost", lost-first)
	}
	connected.Set([]graph.Peer{"s"})
	w.Pass(2 * linkWait)
	if n := len(*at); n != first+1 {
		t.Errorf("%d announces when the connection is back", n-first)
	}
	*at = nil
	for range 360 {
		connected.Set(nil)
		w.Pass(5 * time.Second)
		connected.Set([]graph.Peer{"s"})
		w.Pass(5 * time.Second)
	}
	if n := len(*at); n < 110 || n > 120+atOnce {
		t.Errorf("%d announces in an hour in which the connection goes all the time", n)
	}
}
