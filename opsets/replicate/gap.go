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

// gossip records what becomes of a batch that was handed over: what this node lacks of its past is asked back of who handed it
// over, and then it is taken in again; when not all is held then, there is a round. What lacks of what was only named goes the
// same way. It gives what was held at once, what was held after asking back, and what came of names.
func (c cells) gossip(hint, handed graph.Wire[Hint], unheard ...graph.Wire[Gap]) (whole, again, brought graph.Wire[Intake]) {
	claims := graph.Table(c.peer, "claims", Claim.Key, graph.Capacity(claimsOfAll), graph.Quota(mostClaims))
	took := graph.Work(Heard(handed), c.log, "ingest", Log.Ingest, 10*time.Second)
	Owe(took, c.owing)
	short, whole := Short(took)
	lacks := graph.Merge(append(unheard, Lacks(short, c.log))...)
	gap, claimed := Asks(Claims(lacks, hint, claims, c.rounds))
	ops.Ignore(claimed)
	in, answer := graph.Call(gap, Claimer(hint), c.peer, back, claimTime, c.may)
	graph.Reply(in, graph.Work(Back(in), c.log, "back", Log.Back, claimTime))
	filled := graph.Work(answer, c.log, "ingest", Log.Ingest, 10*time.Second)
	Owe(filled, c.owing)
	brought, waited := ByName(filled, hint)
	again = graph.Work(HeardAgain(hint, waited), c.log, "ingest", Log.Ingest, 10*time.Second)
	Owe(again, c.owing)
	Suspect(graph.Merge(again, brought), hint, c.rounds)
	GiveUpGap(graph.Merge(answer.Failed(), filled.Failed(), again.Failed()), hint, c.rounds)
	return whole, again, brought
}

// A Hint is what a neighbour hands over: a batch, or the names of deltas that it holds.
type Hint struct {
	From  graph.Peer
	Batch Batch
	Names []dag.ID
}

// HeardTopic is a batch that was published.
var HeardTopic = graph.Op1(Ops, "heard_topic", 1, func(_ *graph.Tick, r *graph.Received[Batch]) (Hint, error) {
	return Hint{From: r.Relay, Batch: r.Value}, nil
})

// Heard is a batch that was handed over, to be taken in.
var Heard = graph.Op1(Ops, "heard", 1, func(_ *graph.Tick, h Hint) (Batch, error) { return h.Batch, nil })

// Short tells what names deltas that are not held here from what does not. What is false is asked no further.
var Short = graph.Branch(Ops, "short", 1, func(_ *graph.Tick, in Intake) (Intake, bool, error) {
	return in, len(in.Missing) > 0 && !in.False, nil
})

// ByName tells what came of names from what fills the gap before a batch.
var ByName = graph.Branch2(Ops, "by_name", 1, func(_ *graph.Tick, in Intake, h Hint) (Intake, bool, error) { return in, len(h.Names) > 0, nil })

// Lacks is what a batch needs of its past.
var Lacks = graph.Op2(Ops, "lacks", 1, func(_ *graph.Tick, in Intake, l Log) (Gap, error) { return Gap{in.Missing, l.Recent()}, nil })

// Claims opens the claims of who handed over a batch, and leaves of the gap what to ask it for: nothing when a round with it goes
// on, which brings it too.
var Claims = graph.Op4(Ops, "claims", 1, func(_ *graph.Tick, g Gap, from Hint, t *claims, r *rounds) (Gap, error) {
	if _, goesOn := r.Get(from.From); goesOn {
		return Gap{}, open(r, from.From, Own, maxRounds)
	}
	if _, fetches := holder(r); fetches { // what lacks is on its way; to ask back for it too would double the load when it is greatest
		return Gap{}, open(r, from.From, Own, maxRounds)
	}
	left := Gap{Known: g.Known}
	for _, id := range g.Missing {
		c := Claim{Peer: from.From, ID: id}
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

// Claimer is who handed something over.
var Claimer = graph.Op1(Ops, "claimer", 1, func(_ *graph.Tick, h Hint) (graph.Peer, error) { return h.From, nil })

// Back is what another node asks back for.
var Back = graph.Op1(Ops, "back", 1, func(_ *graph.Tick, r *graph.Request[Gap, Batch]) (Gap, error) {
	if n := max(len(r.Value.Missing), len(r.Value.Known)); n > dag.MaxBack {
		return Gap{}, graph.Fail(graph.TooLarge, "%d ids, the bound is %d", n, dag.MaxBack)
	}
	return r.Value, nil
})

// HeardAgain is a batch once the gap before it was asked back for: what was forgotten of it is taken in now.
var HeardAgain = graph.Op2(Ops, "heard_again", 1, func(_ *graph.Tick, h Hint, _ Intake) (Batch, error) { return h.Batch, nil })

// Suspect begins a round with the neighbour that handed over deltas whose past is unknown here still.
var Suspect = graph.Op3(Ops, "suspect", 1, func(_ *graph.Tick, in Intake, from Hint, t *rounds) (graph.Done, error) {
	if len(in.Missing) == 0 {
		return graph.Done{}, nil
	}
	return graph.Done{}, open(t, from.From, Own, maxRounds)
})

// GiveUpGap begins a round with the neighbour of whom the gap could not be had.
var GiveUpGap = graph.Op3(Ops, "give_up_gap", 1, func(_ *graph.Tick, _ graph.Failure, from Hint, t *rounds) (graph.Done, error) {
	return graph.Done{}, open(t, from.From, Own, maxRounds)
})
