package blobexchange

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// Protocol records the exchange of blobs.
func Protocol() *graph.Graph {
	g := graph.New("blobexchange", 1)
	peer := g.Role("peer")
	blobs := graph.Component[Blobs](peer, "blobs").Recorded(recorded)
	members := graph.Param[[]graph.Peer](peer, "members") // ascending
	wants := graph.Table(peer, "wants", Want.Key, graph.Capacity(256))
	questions := graph.Table(peer, "questions", Question.Key, graph.Capacity(1024))
	fromMembers := graph.Allow("registered peers", members, isMember)

	// The node wants a blob, for a time.
	wanted := graph.Ask[Fetch, graph.Done](peer, "fetch")
	graph.Reply(wanted, Begin(wanted, blobs, wants))

	// Who has it? Each question is a row; so they are asked side by side.
	seeking, other := Seeking(wants.Changes())
	Spread(seeking, members, questions)
	SpreadAgain(ops.Every(peer, 2*time.Second, 200*time.Millisecond), wants.View(), members, questions)
	asking, asked := Asking(questions.Changes())
	ops.Ignore(asked)
	in, answer := graph.Call(Has(asking), Of(asking), peer, have, 5*time.Second, fromMembers)
	graph.Reply(in, Holds(in, blobs))
	Choose(answer, asking, wants, questions)
	Forget(answer.Failed(), asking, questions)

	// From the one that was chosen, slice after slice.
	fetching, over := Fetching(other)
	ops.Ignore(over)
	opening, slicing := Opening(fetching)
	opened := graph.Work(Offered(opening), blobs, "open", Blobs.Open, 10*time.Second)
	Advance(opened, opening, wants)
	Leave(opened.Failed(), opening, wants)
	cut, piece := graph.Call(Next(slicing), Source(slicing), peer, slice, 10*time.Second, fromMembers)
	graph.Reply(cut, graph.Work(Cut(cut), blobs, "slice", Blobs.Slice, 5*time.Second))
	kept := graph.Work(Keep(piece, slicing), blobs, "keep", Blobs.Keep, 10*time.Second)
	Advance(kept, slicing, wants)
	Leave(graph.Merge(piece.Failed(), kept.Failed()), slicing, wants)
	return g
}

var (
	have  = graph.Exchange[Which, Held]("have", graph.MaxRequest(128), graph.MaxReply(128), graph.Rate(200, 400))
	slice = graph.Exchange[Span, Slice]("slice", graph.MaxRequest(256), graph.MaxReply(512<<10), graph.Rate(5000, 5000))
)
