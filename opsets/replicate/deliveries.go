package replicate

import (
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

var (
	ack     = graph.OneWay[Ack]("ack", graph.MaxRequest(64<<10), graph.Rate(20, 100))
	deliver = graph.Exchange[Batch, Ack]("deliver", graph.MaxRequest(MaxPage+1<<10), graph.MaxReply(64<<10), graph.Rate(20, 100))
)

// posts records the outbox: what a neighbour does not acknowledge in time is delivered to it alone.
func (c cells) posts() (*graph.ComponentOf[Outbox], *graph.TableOf[graph.Peer, Delivery]) {
	peer, log, neighbours := c.peer, c.log, c.neighbours
	outbox := graph.Component[Outbox](peer, "outbox").Recorded(recordedOutbox)
	pace := graph.Param[Pace](peer, "pace")
	deliveries := graph.Table(peer, "deliveries", Delivery.Key, graph.Capacity(maxDeliveries), graph.EvictOldest())
	deliveries.Expose()
	receipts := graph.Table(peer, "receipts", Receipt.Key, graph.Capacity(maxDeliveries), graph.EvictOldest())

	// What is not acknowledged in time is delivered, by the clock or by hand.
	looks := graph.Timer(peer, "look", pace, true, func(x *graph.Tick, p Pace) (graph.Time, bool) {
		return x.Now().Add(ops.Jitter(x, p.Whole().Timeout/2, p.Whole().Timeout/8)), true
	})
	Look(AtTimes(looks, neighbours, outbox), pace, deliveries)
	step := graph.Ask[Step, Stepped](peer, "step")
	graph.Reply(step, Look(ByHand(step, neighbours, outbox), pace, deliveries))
	due, other := Delivers(deliveries.Changes())
	ops.Ignore(other)
	page := graph.Work(Unacknowledged(due, pace), outbox, "batch", Outbox.Batch, 10*time.Second)
	in, answer := graph.Call(page, To(due), peer, deliver, 10*time.Second, c.may)
	taken := graph.Work(Delivered(in), log, "ingest", Log.Ingest, 10*time.Second)
	graph.Reply(in, Acknowledge(taken, in, outbox))
	Doubt(taken, in, c.rounds)
	Settle(answer, due, deliveries)
	Unsettled(graph.Merge(page.Failed(), answer.Failed()), due, deliveries)

	// What others wrote and is synced here is acknowledged to those who wrote it, some at once.
	at := Due(ops.Due(peer, c.owing.Cell(), func(o Owing) (graph.Time, bool) { return o.At, o.At != 0 }), c.owing)
	each := graph.ForEach(Collect(at, neighbours, receipts, outbox), maxDeliveries)
	heard, _ := graph.Send(AckOf(each), AckTo(each), peer, ack, c.may)
	Acknowledged(heard, neighbours, deliveries)
	return outbox, deliveries
}
