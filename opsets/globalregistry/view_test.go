package globalregistry

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/graph/graphtest"
)

func TestQuota(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{}, setting{quota: Quota{Most: 2, Elsewhere: 3}})
	join := func(p graph.Peer, address string) *graph.Failure {
		return w.Ask(p, "s", "announce", says(p, "/ip4/127.0.0.1/tcp/1", address), &Handshake{})
	}
	for i, c := range []struct {
		peer    graph.Peer
		address string
		busy    bool
	}{
		{"a", "/ip4/8.8.8.1/tcp/1", false}, {"b", "/ip4/8.8.8.2/tcp/1", false}, {"c", "/ip4/8.8.8.3/tcp/1", true}, {"c", "/ip4/8.8.9.3/tcp/1", false},
		{"a", "/ip4/8.8.8.9/tcp/1", false},
		{"a", "/ip4/8.8.9.9/tcp/1", false}, {"d", "/ip4/8.8.8.3/tcp/1", false}, {"e", "/ip4/8.8.8.3/tcp/1", true}, {"e", "/ip4/8.8.9.3/tcp/1", true},
		{"e", "/ip4/10.0.0.1/tcp/1", false}, {"f", "/dns4/f/tcp/1", false}, {"g", "/nonsense", false}, {"h", "/ip6/::1/tcp/1", true},
		{"h", "/ip6/2001:db8:1::1/tcp/1", false}, {"i", "/ip6/2001:db8:1:ffff::1/tcp/1", false}, {"j", "/ip6/2001:db8:1:5::/tcp/1", true},
		{"j", "/ip6/2001:db8:2::1/tcp/1", false},
	} {
		f := join(c.peer, c.address)
		if busy := f != nil && f.Reason == graph.Busy && f.RetryAfter > 0; busy != c.busy || f != nil && !busy {
			t.Errorf("%d: %s at %s: %v", i, c.peer, c.address, f)
		}
		counted(t, s)
	}
	if f := w.Ask("b", "s", "leave", Parting{}, &graph.Done{}); f != nil {
		t.Fatal(f)
	}
	if f := join("e", "/ip4/8.8.8.3/tcp/1"); f != nil {
		t.Errorf("in the place of one that left: %v", f)
	}
	counted(t, s)
	w.Pass(TTL)
	if n := networksOf(s).Len(); n != 0 {
		t.Errorf("%d networks are left", n)
	}
}

func networksOf(s *graphtest.Node) graph.View[string, Network] {
	return graph.FeedOf[string, Network](s.Instance, "networks").Get()
}

// counted compares the books of the networks with the cohort.
func counted(t *testing.T, s *graphtest.Node) {
	t.Helper()
	want := map[string]int{}
	for _, r := range cohort(s).All() {
		want[r.Network]++
	}
	got := map[string]int{}
	for _, n := range networksOf(s).All() {
		got[n.Prefix] = n.Clients
	}
	if !maps.Equal(got, want) {
		t.Errorf("the networks are %v, the cohort has %v", got, want)
	}
}

func TestNetworkOf(t *testing.T) {
	for address, want := range map[string]string{
		"/ip4/8.8.8.8/tcp/1":                   "8.8.8.0/24",
		"/ip4/8.8.8.8":                         "8.8.8.0/24",
		"/ip6/2001:4860:4860::8888/udp/1/quic": "2001:4860:4860::/48",
		"/ip6/::ffff:8.8.8.8/tcp/1":            "8.8.8.0/24",
		"/ip4/127.0.0.1/tcp/1":                 elsewhere,
		"/ip4/192.168.1.1/tcp/1":               elsewhere,
		"/ip4/100.64.0.1/tcp/1":                elsewhere,
		"/ip4/0.0.0.0/tcp/1":                   elsewhere,
		"/ip4/::1/tcp/1":                       elsewhere,
		"/ip4/2001:db8::1/tcp/1":               elsewhere,
		"/ip6/fe80::1%eth0/tcp/1":              elsewhere,
		"/ip6/fd00::1/tcp/1":                   elsewhere,
		"/dns4/example.org/tcp/1":              elsewhere,
		"/ip4/":                                elsewhere,
		"":                                     elsewhere,
	} {
		if got := (Quota{}).networkOf([]string{address}); got != want {
			t.Errorf("%q is in %q, not in %q", address, got, want)
		}
	}
	if got := (Quota{IPv4: 99, IPv6: 999}).networkOf([]string{"/ip4/10.0.0.1/tcp/1", "/ip4/8.8.8.8/tcp/1"}); got != "8.8.8.8/32" {
		t.Errorf("bits over those of an address: %q", got)
	}
}

// Whoever stays registered while the pages are read is on one of them, once, whoever comes and goes.
func TestPages(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{})
	name := func(i int) graph.Peer { return graph.Peer(fmt.Sprintf("p%04d", i)) }
	join := func(i int) {
		if f := w.Ask(name(i), "s", "announce", says(name(i), "/a"), &Handshake{}); f != nil {
			t.Fatal(f)
		}
	}
	for i := 0; i < 600; i += 2 {
		join(i)
	}
	if f := w.Ask("stranger", "s", "view", PageWanted{}, &Page{}); f == nil || f.Reason != graph.Denied {
		t.Errorf("a stranger: %v", f)
	}
	seen := map[graph.Peer]int{}
	var cookie []byte
	for pages := 0; ; pages++ {
		var p Page
		if f := w.Ask("p0000", "s", "view", PageWanted{cookie, pages % 20}, &p); f != nil || len(p.Members) > MaxPage {
			t.Fatalf("%v, %d members", f, len(p.Members))
		}
		for _, m := range p.Members {
			seen[m.Peer]++
			if m.Left <= 0 || believe(oracle{}, m.Peer, m.Record) != nil {
				t.Errorf("%+v", m)
			}
		}
		if cookie = p.Next; cookie == nil {
			break
		}
		join(2*(pages*37%300) + 1)
		gone := name(2 * (pages * 53 % 300))
		if last := graph.Peer(cookie[1:]); gone != "p0000" && int(gone[4]-'0')%4 == 2 {
			if w.Ask(gone, "s", "leave", Parting{}, &graph.Done{}); gone == last {
				t.Log("the last one of a page left")
			}
		}
	}
	for i := 0; i < 600; i += 2 {
		if _, there := cohort(s).Get(name(i)); there && seen[name(i)] != 1 {
			t.Errorf("%s was shown %d times", name(i), seen[name(i)])
		}
	}
	for p, n := range seen {
		if n > 1 {
			t.Errorf("%s was shown %d times", p, n)
		}
	}
	for _, bad := range [][]byte{{0}, {cookieVersion}, {2, 'p'}, make([]byte, 200)} {
		if f := w.Ask("p0000", "s", "view", PageWanted{Cookie: bad}, &Page{}); f == nil || f.Reason != graph.Malformed {
			t.Errorf("cookie %v: %v", bad, f)
		}
	}
}

// Pages and samples of the largest records fit.
func TestLargePages(t *testing.T) {
	w := graphtest.New(t)
	startServer(w, Access{}, &admitted{})
	for i := range 100 {
		p := graph.Peer(fmt.Sprintf("%03d%s", i, strings.Repeat("p", maxPeer-3)))
		a := says(p, many(maxAddresses, maxAddress)...)
		if f := w.Ask(p, "s", "announce", a, &Handshake{}); f != nil {
			t.Fatal(f)
		}
	}
	me := graph.Peer("000" + strings.Repeat("p", maxPeer-3))
	var c Cohort
	if f := w.Ask(me, "s", "sample", Wanted{SampleSize}, &c); f != nil || len(c.Members) != SampleSize {
		t.Errorf("%v, %d members", f, len(c.Members))
	}
	total := 0
	for cookie := []byte(nil); total == 0 || cookie != nil; {
		var p Page
		if f := w.Ask(me, "s", "view", PageWanted{Cookie: cookie}, &p); f != nil || len(p.Members) == 0 {
			t.Fatalf("%v, %d members", f, len(p.Members))
		}
		total, cookie = total+len(p.Members), p.Next
	}
	if total != 100 {
		t.Errorf("%d members", total)
	}
}

// A node reads the view of a server from afar, and believes what is signed; a server's node reads its own.
func TestReading(t *testing.T) {
	w := graphtest.New(t)
	s := startServer(w, Access{}, &admitted{})
	c := startClient(w, "c", "", "/c")
	for _, p := range []graph.Peer{"a", "b"} {
		if f := w.Ask(p, "s", "announce", says(p, "/"+string(p)), &Handshake{}); f != nil {
			t.Fatal(f)
		}
	}
	w.Settle()
	var pages []Page
	keep := func(p Page, err error) {
		if err != nil {
			t.Error(err)
		}
		pages = append(pages, p)
	}
	graph.Submit(c.Instance, "view", Turning{"s", PageWanted{N: 2}}, time.Second, keep)
	w.Settle()
	graph.Submit(c.Instance, "view", Turning{"s", PageWanted{pages[0].Next, 2}}, time.Second, keep)
	graph.Submit(s.Instance, "view", PageWanted{}, time.Second, keep)
	graph.Submit(s.Instance, "sample", Wanted{5}, time.Second, func(c Cohort, err error) { keep(Page{Members: c.Members}, err) })
	w.Settle()
	var got []int
	for _, p := range pages {
		got = append(got, len(p.Members))
	}
	slices.Sort(got)
	if !slices.Equal(got, []int{1, 2, 3, 3}) {
		t.Errorf("pages of %v", got)
	}
	lies := func(m graph.Message) []graph.Message {
		forged := Shown{"a", says("b", "/b").Record, TTL}
		return graphtest.Reply(m, Page{Members: []Shown{forged, {"b", says("b").Record, TTL}}, Next: []byte{1, 'b'}})
	}
	w.Stranger("liar", func(m graph.Message) []graph.Message {
		if m.Kind == graph.RequestMsg && m.Channel == "view" {
			return lies(m)
		}
		return nil
	})
	graph.Submit(c.Instance, "view", Turning{Server: "liar"}, time.Second, func(p Page, err error) {
		if err != nil || len(p.Members) != 1 || p.Members[0].Peer != "b" {
			t.Errorf("of a liar it believes %v, %v", p, err)
		}
	})
	w.Settle()
	lies = func(m graph.Message) []graph.Message {
		return graphtest.Reply(m, Page{Members: make([]Shown, MaxPage+1)})
	}
	failed := false
	graph.Submit(c.Instance, "view", Turning{Server: "liar"}, time.Second, func(_ Page, err error) { failed = err != nil })
	w.Settle()
	if !failed {
		t.Error("a page over the bound was taken")
	}
}
