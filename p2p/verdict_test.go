package p2p

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/merograph/merograph/graph"
)

// A judge notes what it hears, and says of it what its first word says.
type judge struct{ *ears }

func (j judge) Judge(_ context.Context, s string) (graph.Verdict, error) {
	j.hear(s)
	switch verdict, _, _ := strings.Cut(s, " "); verdict {
	case "accept":
		return graph.Accept, nil
	case "reject":
		return graph.Reject, nil
	}
	return graph.Ignore, nil
}

type judging interface {
	Judge(context.Context, string) (graph.Verdict, error)
}

const casesID = "/merograph/court/1/cases"

// court is a protocol of one topic, whose receivers judge what they hear.
func court() *graph.Graph {
	g := graph.New("court", 1)
	r := g.Role("peer")
	said := graph.Ask[parcel, string](r, "publish")
	heard, done := graph.Publish(parcelOf(said), r, graph.Topic[string]("cases", graph.MaxRequest(1<<10)), graph.Anyone)
	content := graph.Op1(ops, "content", 1, func(_ *graph.Tick, r *graph.Received[string]) (string, error) { return r.Value, nil })
	graph.Relay(heard, graph.Work(content(heard), graph.Component[judging](r, "judge"), "judge", judging.Judge, 5*time.Second))
	graph.Reply(said, sent(done))
	return g
}

// openCourt runs the protocol on hosts in a line.
func openCourt(t *testing.T, n int) (hosts []*Host, first *Running, heard []*ears) {
	for i := range n {
		hosts, heard = append(hosts, testHost(t)), append(heard, newEars())
		r := run(t, hosts[i], court(), "peer", graph.Bind("judge", judge{heard[i]}))
		if i == 0 {
			first = r
			continue
		}
		if err := hosts[i].Connect(t.Context(), hosts[i-1].Addrs()[0]); err != nil {
			t.Fatal(err)
		}
	}
	for i, h := range hosts {
		meshed(t, h, casesID, min(1, i)+min(1, n-1-i))
	}
	return hosts, first, heard
}

// Only what is accepted is passed on: what the one in the middle ignores, or rejects, the last one does not hear.
func TestRelayWhatIsAccepted(t *testing.T) {
	hosts, first, heard := openCourt(t, 3)
	publish := func(s string) {
		if _, err := Ask[parcel, string](t.Context(), first, "publish", parcel{"", s}); err != nil {
			t.Fatal(err)
		}
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	until(t, "there are meshes", func() bool {
		select {
		case <-tick.C:
			publish("accept this")
		default:
		}
		return said(heard[2], "accept this") > 0
	})
	publish("ignore 1")
	publish("reject 1")
	until(t, "the middle hears", func() bool { return said(heard[1], "ignore 1") > 0 && said(heard[1], "reject 1") > 0 })
	until(t, "the trials are over", func() bool {
		h := hosts[1]
		h.trials.mu.Lock()
		defer h.trials.mu.Unlock()
		return len(h.trials.open) == 0
	})
	if got := said(heard[2], "ignore 1") + said(heard[2], "reject 1"); got != 0 {
		t.Errorf("the last heard %d publications that were not accepted", got)
	}
}

// outsider joins a stranger to the topic of the court, who publishes what it likes.
func outsider(t *testing.T, h *Host) func(i int, payload []byte) {
	router, err := pubsub.NewGossipSub(t.Context(), stranger(t, h), pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(contentID))
	if err != nil {
		t.Fatal(err)
	}
	topic, err := router.Join(casesID)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the stranger sees the host", func() bool { return len(topic.ListPeers()) == 1 })
	f := helloOf(t, h, protocol.ID(casesID))
	return func(i int, payload []byte) {
		if err := topic.Publish(t.Context(), appendFrame(nil, &frame{kind: graph.TopicMsg, fingerprint: f.fingerprint, sequence: uint64(i), payload: payload})); err != nil {
			t.Fatal(err)
		}
	}
}

// Who hands over what is rejected again and again is not heard any more. What is ignored costs nothing, however often.
func TestRejectedAreNotHeard(t *testing.T) {
	hosts, _, heard := openCourt(t, 1)
	honest, liar := outsider(t, hosts[0]), outsider(t, hosts[0])
	for i := range 12 {
		honest(i, text(fmt.Sprint("ignore ", i)))
		until(t, "it is heard", func() bool { return said(heard[0], fmt.Sprint("ignore ", i)) > 0 })
	}
	for i := range 4 {
		liar(i, text(fmt.Sprint("reject ", i)))
		until(t, "it is heard", func() bool { return said(heard[0], fmt.Sprint("reject ", i)) > 0 })
	}
	until(t, "the penalty stands", func() bool { return count(hosts[0], "", refusedPenalty) == 4 })
	liar(4, text("accept of the liar"))
	honest(12, text("accept of the honest"))
	until(t, "the honest one is heard", func() bool { return said(heard[0], "accept of the honest") > 0 })
	if said(heard[0], "accept of the liar") > 0 {
		t.Error("the liar is heard still")
	}
}

// Bytes that do not decode are the fault of who handed them over too.
func TestUndecodableCosts(t *testing.T) {
	hosts, _, _ := openCourt(t, 1)
	liar := outsider(t, hosts[0])
	for i := range 2 {
		liar(i, []byte{0xff})
	}
	until(t, "the penalty stands", func() bool { return count(hosts[0], "", refusedPenalty) == 2 })
}

// Nothing but what is rejected counts: the parameters leave the rest at nothing.
func TestScoresCountOneThing(t *testing.T) {
	p, _ := peerScore()
	if p.IPColocationFactorWeight != 0 || p.AppSpecificWeight != 0 || p.BehaviourPenaltyWeight != 0 {
		t.Errorf("got %+v", p)
	}
	if s := topicScore(); s.MeshMessageDeliveriesWeight != 0 || s.MeshFailurePenaltyWeight != 0 || s.TimeInMeshWeight != 0 || s.InvalidMessageDeliveriesWeight >= 0 {
		t.Errorf("got %+v", s)
	}
}

// A verdict that does not come in time is ignore, and so is that of an instance that has stopped.
func TestLateVerdictIsIgnore(t *testing.T) {
	hosts, first, _ := openCourt(t, 1)
	h := hosts[0]
	_, c := h.trials.begin(first)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	m := &pubsub.Message{Message: &pb.Message{}, ValidatorData: c}
	if got := h.await(over, "x", m); got != pubsub.ValidationIgnore || count(h, "", refusedVerdict) != 1 {
		t.Errorf("got %v", got)
	}
	call, c := h.trials.begin(first)
	first.Stop()
	m.ValidatorData = c
	if got := h.await(t.Context(), "x", m); got != pubsub.ValidationIgnore {
		t.Errorf("of a stopped instance: got %v", got)
	}
	h.trials.say(call, graph.Accept) // nobody waits
	if len(h.trials.open) != 0 {
		t.Errorf("%d trials stay", len(h.trials.open))
	}
}
