package replicate

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol records the replication of one public context: everyone may take part, and gossip is published on a topic.
func Protocol() *graph.Graph { return protocol("replicate", fewTips) }

// Private records the replication of one context that is not public: who is no member may use none of its channels, and gossip
// goes over streams (DATA 5.1). The members are a parameter, sorted, and the neighbours are members.
func Private() *graph.Graph { return protocol(private, fewTips) }

const private = "replicateprivate"

// cells are what the parts of the protocol share.
type cells struct {
	peer       *graph.Role
	may        graph.Rule // who may use a channel
	log        *graph.ComponentOf[Log]
	neighbours graph.Cell[[]graph.Peer]
	rounds     *graph.TableOf[graph.Peer, Round]
	owing      *graph.RowOf[Owing]
}

// protocol is Protocol or Private, with a number of tips that are told without looking for those that differ.
func protocol(called string, few int) *graph.Graph {
	g := graph.New(called, 1)
	peer := g.Role("peer")
	c := cells{peer: peer, may: graph.Anyone, log: graph.Component[Log](peer, "log").Recorded(recorded), neighbours: graph.Param[[]graph.Peer](peer, "neighbours")}
	if called == private {
		c.may = graph.Allow("a member", graph.Param[[]graph.Peer](peer, "members"), isMember)
	}
	c.rounds = graph.Table(peer, "rounds", Round.Key, graph.Capacity(maxRounds))
	log, neighbours, rounds, may := c.log, c.neighbours, c.rounds, c.may
	lots := graph.Table(peer, "lots", Portion.Key, graph.Capacity(maxLots))
	met := graph.Row[[]graph.Peer](peer, "met")
	agreed := graph.Table(peer, "agreed", Agreement.Key, graph.Capacity(maxAgreements), graph.EvictOldest())
	agreed.Expose()
	c.owing = graph.Row[Owing](peer, "owing")
	owing := c.owing
	outbox, deliveries := c.posts()

	// What this node has written and synced is told to all; what is heard is taken in.
	fresh := graph.Ask[Batch, graph.Done](peer, "publish")
	if called == private {
		c.pushes(fresh)
	} else {
		c.publishes(fresh)
	}

	// Rounds begin with each new neighbour, a few at a time, and with one drawn among them from time to time.
	changes := rounds.Changes()
	turn, other := Turn(changes)
	sifts, neither := Sifts(changes)
	fetches, nor := Fetches(changes)
	lapsed, still := Lapsed(changes)
	ops.Ignore(neither)
	ops.Ignore(nor)
	ops.Ignore(still)
	Lapse(lapsed, rounds, lots)
	Greet(graph.Merge(ops.Changed(peer, neighbours), Room(other)), neighbours, met, rounds)
	Tour(ops.Every(peer, 20*time.Second, 10*time.Second), neighbours, rounds)

	// A round: compare; where the two differ fetch a page, take it in, and go round again.
	said := Compare(turn, log)
	in, answer := graph.Call(said, With(turn), peer, compare, 10*time.Second, may)
	verdict := Judge(in, log)
	graph.Reply(in, verdict)
	here := MatchHere(verdict, in, neighbours)
	equal, differ := Equal(answer)
	End(equal, turn, neighbours, rounds)
	for _, both := range []graph.Wire[Match]{here, MatchThere(equal, said, turn, neighbours)} {
		Agreed(both, outbox, log, deliveries)
		Remember(both, log, agreed)
	}
	Begin(Differ(differ, turn, log, agreed), log, graph.Const(peer, few), rounds)

	// With many tips the chains that differ are found first, range by range.
	asks, narrowed := graph.Call(Sift(sifts, log), With(sifts), peer, reconcile, 10*time.Second, may)
	graph.Reply(asks, Narrow(asks, log))
	sifted := Sifted(narrowed, sifts, log, rounds)
	want := Want(fetches, log, agreed)
	wanted, page := graph.Call(want, With(fetches), peer, fetch, 20*time.Second, may)
	Learn(wanted, log, rounds) // whoever is told of something new makes a round of its own
	known, unknown := Wanted(wanted, agreed)
	graph.Reply(wanted, graph.Merge(graph.Work(known, log, "serve", Log.Serve, 10*time.Second), Forgot(unknown)))
	news := News(page, log)
	got := graph.Work(Page(news), log, "ingest", Log.Ingest, 10*time.Second)
	Owe(got, owing)
	brought := Outcome(got, news, want, fetches)
	Again(brought, fetches, neighbours, rounds)
	Follow(brought, fetches, rounds, lots)
	GiveUp(answer.Failed(), turn, neighbours, rounds)
	GiveUp(graph.Merge(narrowed.Failed(), sifted.Failed()), sifts, neighbours, rounds)
	GiveUp(graph.Merge(page.Failed(), news.Failed(), got.Failed()), fetches, neighbours, rounds)

	// What is more than a page comes in portions, each from another neighbour, and is taken in in order.
	moves := lots.Changes()
	Steer(moves, neighbours, rounds, lots)
	each, kept := HandsOut(moves)
	ops.Ignore(kept)
	named, came := graph.Call(Name(each), From(each), peer, part, 10*time.Second, may)
	graph.Reply(named, graph.Work(Named(named), log, "part", Log.Part, 10*time.Second))
	Arrive(came, each, rounds, lots)
	Miss(came.Failed(), each, rounds, lots)
	takes, left := Takes(moves)
	ops.Ignore(left)
	gained := graph.Work(Came(takes), log, "ingest", Log.Ingest, 10*time.Second)
	Owe(gained, owing)
	Taken(Weigh(gained, takes, log), neighbours, rounds, lots)
	Stop(gained.Failed(), neighbours, rounds, lots)
	return g
}

// publishes records gossip on a topic. What is news here is passed on once it is held, and synced.
func (c cells) publishes(fresh graph.Wire[*graph.Request[Batch, graph.Done]]) {
	heard, told := graph.Publish(Tell(fresh), c.peer, deltas, c.may)
	graph.Reply(fresh, told)
	hint := HeardTopic(heard)
	whole, again, brought := c.gossip(hint, hint)
	ops.Ignore(brought)
	graph.Relay(heard, graph.Merge(Passed(whole), PassedLate(again)))
}

var (
	deltas    = graph.Topic[Batch]("deltas", graph.MaxRequest(MaxBatch+1<<10), graph.Rate(2000, 4000))
	compare   = graph.Exchange[Digest, Verdict]("compare", graph.MaxRequest(128), graph.MaxReply(128), graph.Rate(200, 400))
	reconcile = graph.Exchange[Spans, Narrowed]("reconcile", graph.MaxRequest(128<<10), graph.MaxReply(384<<10), graph.Rate(20, 80))
	fetch     = graph.Exchange[Have, Pages]("fetch", graph.MaxRequest(512<<10), graph.MaxReply(MaxPage+384<<10), graph.Rate(200, 400))
	part      = graph.Exchange[Lot, Part]("part", graph.MaxRequest(384<<10), graph.MaxReply(MaxPage+1<<10), graph.Rate(200, 400))
)
