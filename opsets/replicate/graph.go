package replicate

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol records the replication of one context.
func Protocol() *graph.Graph {
	g := graph.New("replicate", 1)
	peer := g.Role("peer")
	log := graph.Component[Log](peer, "log").Recorded(recorded)
	neighbours := graph.Param[[]graph.Peer](peer, "neighbours")
	rounds := graph.Table(peer, "rounds", Round.Key, graph.Capacity(maxRounds))
	met := graph.Row[[]graph.Peer](peer, "met")
	agreed := graph.Table(peer, "agreed", Agreement.Key, graph.Capacity(maxAgreements), graph.EvictOldest())
	agreed.Expose()
	outbox, deliveries, owing := posts(peer, log, neighbours, rounds)

	// What this node has written and synced is told to all; what is heard is taken in.
	fresh := graph.Ask[Batch, graph.Done](peer, "publish")
	heard, told := graph.Publish(Tell(fresh), peer, deltas, graph.Anyone)
	graph.Reply(fresh, told)
	gossip(peer, log, heard, rounds, owing)

	// Rounds begin with each new neighbour, a few at a time, and with one drawn among them from time to time.
	turn, other := Turn(rounds.Changes())
	Greet(graph.Merge(ops.Changed(peer, neighbours), Room(other)), neighbours, met, rounds)
	Tour(ops.Every(peer, 20*time.Second, 10*time.Second), neighbours, rounds)

	// A round: compare; where the two differ fetch a page, take it in, and go round again.
	said := Compare(turn, log)
	in, answer := graph.Call(said, With(turn), peer, compare, 10*time.Second, graph.Anyone)
	verdict := Judge(in, log)
	graph.Reply(in, verdict)
	Agreed(verdict, in, outbox, deliveries)
	Remember(verdict, in, log, agreed)
	equal, differ := Equal(answer)
	End(equal, turn, neighbours, rounds)
	unchanged := Unchanged(equal, said, log)
	StillAgreed(unchanged, turn, outbox, deliveries)
	StillRemember(unchanged, turn, log, agreed)
	want := Want(differ, turn, log, agreed)
	wanted, page := graph.Call(want, With(turn), peer, fetch, 20*time.Second, graph.Anyone)
	Learn(wanted, log, rounds) // whoever is told of something new makes a round of its own
	known, unknown := Wanted(wanted, agreed)
	graph.Reply(wanted, graph.Merge(graph.Work(known, log, "serve", Log.Serve, 10*time.Second), Forgot(unknown)))
	got := graph.Work(Page(page), log, "ingest", Log.Ingest, 10*time.Second)
	Owe(got, owing)
	Again(Outcome(got, page, want), turn, neighbours, rounds)
	GiveUp(graph.Merge(answer.Failed(), page.Failed(), got.Failed()), turn, neighbours, rounds)
	return g
}

var (
	deltas  = graph.Topic[Batch]("deltas", graph.MaxRequest(MaxBatch+1<<10), graph.Rate(2000, 4000))
	compare = graph.Exchange[Digest, Verdict]("compare", graph.MaxRequest(128), graph.MaxReply(128), graph.Rate(200, 400))
	fetch   = graph.Exchange[Have, Pages]("fetch", graph.MaxRequest(512<<10), graph.MaxReply(MaxPage+1<<10), graph.Rate(200, 400))
)
