package replicate

import (
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// The walk back over a gap: DATA 4.4.
const (
	claimTime   = 10 * time.Second
	mostClaims  = 1024 // of one peer
	mostAsks    = 8    // for one claim: what follows on a gap comes with it, and each needs the gap to be judged
	claimsOfAll = 16 << 10
)

var back = graph.Exchange[Gap, Batch]("back", graph.MaxRequest(8<<10), graph.MaxReply(MaxPage+1<<10), graph.Rate(200, 400))

// A Gap asks for deltas that somebody told of and for what they stand on, as far as those that the asker knows, and for at most
// dag.MaxBack.
type Gap struct {
	Missing []dag.ID `cbor:"missing"`
	Known   []dag.ID `cbor:"known"`
}

// A Claim is a delta that a peer says there is, and that is being asked of that peer alone.
type Claim struct {
	Peer  graph.Peer
	ID    dag.ID
	Times int // that it was asked for
}

// Key is the claim's place in its table.
func (c Claim) Key() string { return string(c.ID[:]) + string(c.Peer) }

type claims = graph.Rows[string, Claim]

// gossip records what becomes of a publication. What this node lacks of its past is asked back of who handed it over. When it is
// all held then, and synced, it is passed on; when it is not, there is a round.
func gossip(peer *graph.Role, log *graph.ComponentOf[Log], heard graph.Wire[*graph.Received[Batch]], rounds *graph.TableOf[graph.Peer, Round], owing *graph.RowOf[Owing]) {
	claims := graph.Table(peer, "claims", Claim.Key, graph.Capacity(claimsOfAll), graph.Quota(mostClaims))
	took := graph.Work(Heard(heard), log, "ingest", Log.Ingest, 10*time.Second)
	Owe(took, owing)
	short, whole := Short(took)
	gap, claimed := Asks(Claims(Lacks(short, log), heard, claims, rounds))
	ops.Ignore(claimed)
	in, answer := graph.Call(gap, Claimer(heard), peer, back, claimTime, graph.Anyone)
	graph.Reply(in, graph.Work(Back(in), log, "back", Log.Back, claimTime))
	filled := graph.Work(answer, log, "ingest", Log.Ingest, 10*time.Second)
	again := graph.Work(HeardAgain(heard, filled), log, "ingest", Log.Ingest, 10*time.Second)
	Owe(again, owing)
	Suspect(again, heard, rounds)
	graph.Relay(heard, graph.Merge(Passed(whole), PassedLate(again)))
	GiveUpGap(graph.Merge(answer.Failed(), filled.Failed(), again.Failed()), heard, rounds)
}

// Heard is a published batch, to be taken in.
var Heard = graph.Op1(Ops, "heard", 1, func(_ *graph.Tick, r *graph.Received[Batch]) (Batch, error) { return r.Value, nil })

// Short tells what names deltas that are not held here from what does not. What is false is asked no further.
var Short = graph.Branch(Ops, "short", 1, func(_ *graph.Tick, in Intake) (Intake, bool, error) {
	return in, len(in.Missing) > 0 && !in.False, nil
})

// Lacks is what a batch needs of its past.
var Lacks = graph.Op2(Ops, "lacks", 1, func(_ *graph.Tick, in Intake, l Log) (Gap, error) { return Gap{in.Missing, l.Recent()}, nil })

// Claims opens the claims of who handed over a batch, and leaves of the gap what to ask it for: nothing when a round with it goes
// on, which brings it too.
var Claims = graph.Op4(Ops, "claims", 1, func(_ *graph.Tick, g Gap, from *graph.Received[Batch], t *claims, r *rounds) (Gap, error) {
	if _, goesOn := r.Get(from.Relay); goesOn {
		return Gap{}, open(r, from.Relay, Own, maxRounds)
	}
	if _, fetches := holder(r); fetches { // what lacks is on its way; to ask back for it too would double the load when it is greatest
		return Gap{}, open(r, from.Relay, Own, maxRounds)
	}
	left := Gap{Known: g.Known}
	for _, id := range g.Missing {
		c := Claim{Peer: from.Relay, ID: id}
		if was, open := t.Get(c.Key()); open {
			c = was
		}
		if c.Times++; c.Times > mostAsks {
			continue
		}
		if err := t.Put(c, claimTime); err != nil {
			return Gap{}, err
		}
		left.Missing = append(left.Missing, id)
	}
	return left, nil
})

// Asks tells a gap that is asked back for from one that is not.
var Asks = graph.Branch(Ops, "asks", 1, func(_ *graph.Tick, g Gap) (Gap, bool, error) { return g, len(g.Missing) > 0, nil })

// Claimer is who handed a publication over.
var Claimer = graph.Op1(Ops, "claimer", 1, func(_ *graph.Tick, r *graph.Received[Batch]) (graph.Peer, error) { return r.Relay, nil })

// Back is what another node asks back for.
var Back = graph.Op1(Ops, "back", 1, func(_ *graph.Tick, r *graph.Request[Gap, Batch]) (Gap, error) {
	if n := max(len(r.Value.Missing), len(r.Value.Known)); n > dag.MaxBack {
		return Gap{}, graph.Fail(graph.TooLarge, "%d ids, the bound is %d", n, dag.MaxBack)
	}
	return r.Value, nil
})

// HeardAgain is a published batch once the gap before it was asked back for: what was forgotten of it is taken in now.
var HeardAgain = graph.Op2(Ops, "heard_again", 1, func(_ *graph.Tick, r *graph.Received[Batch], _ Intake) (Batch, error) { return r.Value, nil })

// Suspect begins a round with the neighbour that handed over deltas whose past is unknown here still.
var Suspect = graph.Op3(Ops, "suspect", 1, func(_ *graph.Tick, in Intake, from *graph.Received[Batch], t *rounds) (graph.Done, error) {
	if len(in.Missing) == 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, from.Relay, Own, maxRounds)
})

// GiveUpGap begins a round with the neighbour of whom the gap could not be had.
var GiveUpGap = graph.Op3(Ops, "give_up_gap", 1, func(_ *graph.Tick, _ graph.Failure, from *graph.Received[Batch], t *rounds) (graph.Done, error) {
	return graph.Done{}, open(t, from.Relay, Own, maxRounds)
})
