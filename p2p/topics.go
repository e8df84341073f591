package p2p

import (
	"context"
	"fmt"
	"regexp"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"lukechampine.com/blake3"

	"github.com/merograph/merograph/graph"
)

const (
	topicOverhead = 64   // of the envelope of a publication
	maxTopics     = 1024 // subscriptions in one announcement of a peer
)

// A topic is a topic of pubsub that instances here take part in.
type topic struct {
	e     *endpoint // of what it means: kind, fingerprint, bounds
	t     *pubsub.Topic
	users int
	ear   *Running               // who receives; nil for nobody
	mute  pubsub.RelayCancelFunc // ends that it does
}

func topicName(id protocol.ID, key string) string {
	if key == "" {
		return string(id)
	}
	return string(id) + "/" + key
}

// gossipProtocols are those that we speak. Floodsub is not among them: it goes around the filters of peers.
var gossipProtocols = []protocol.ID{pubsub.GossipSubID_v12, pubsub.GossipSubID_v11}

// openRouter starts gossipsub: unsigned, named by content, without flood publishing and without floodsub, both of which go
// around the filters. One worker inspects what comes, so that it reaches the instances in the order in which it came.
func (h *Host) openRouter() (err error) {
	score, thresholds := peerScore()
	h.router, err = pubsub.NewGossipSub(h.ctx, h.host,
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(contentID),
		pubsub.WithFloodPublish(false),
		pubsub.WithGossipSubProtocols(gossipProtocols, pubsub.GossipSubDefaultFeatures),
		pubsub.WithMaxMessageSize(h.limits.TopicMessage+1024),
		pubsub.WithPeerOutboundQueueSize(h.limits.TopicQueue), // as they are, 32, they overflow when a dozen write at once
		pubsub.WithValidateQueueSize(h.limits.TopicQueue),
		pubsub.WithSubscriptionFilter(subscriptions()),
		pubsub.WithDefaultValidator(pubsub.ValidatorEx(h.inspect), pubsub.WithValidatorInline(true)),
		pubsub.WithValidateWorkers(1),
		pubsub.WithPeerScore(score, thresholds),
		pubsub.WithRawTracer(dropTracer{h}),
	)
	if err != nil {
		return err
	}
	h.publish.open(&h.limits, &h.count.queued)
	h.tasks.Go(h.publisher)
	return nil
}

// subscriptions is the filter of what peers say they take part in.
func subscriptions() pubsub.SubscriptionFilter {
	names := pubsub.NewRegexpSubscriptionFilter(regexp.MustCompile(`^/merograph/`))
	return pubsub.WrapLimitSubscriptionFilter(names, maxTopics)
}

// contentID names a publication by its bytes.
func contentID(m *pb.Message) string {
	sum := blake3.Sum256(m.Data)
	return string(sum[:])
}

// joinTopic takes an instance into a topic. The caller holds the host's lock.
func (h *Host) joinTopic(r *Running, c graph.ChannelInfo) (err error) {
	id := protocolOf(r, c)
	name := topicName(id, r.in.Key())
	t := h.topics[name]
	if t == nil {
		if t, err = h.openTopic(name, &endpoint{id: id, info: c}); err != nil {
			return err
		}
		h.topics[name] = t
	}
	t.users++
	if !c.In {
		return nil
	}
	if t.mute, err = t.t.Relay(); err != nil {
		h.leaveTopic(r, c)
		return err
	}
	t.ear = r
	return nil
}

func (h *Host) openTopic(name string, e *endpoint) (*topic, error) {
	joined, err := h.router.Join(name)
	if err != nil {
		return nil, err
	}
	if err = joined.SetScoreParams(topicScore()); err == nil {
		err = h.router.RegisterTopicValidator(name, pubsub.ValidatorEx(h.await), pubsub.WithValidatorTimeout(verdictTime), pubsub.WithValidatorConcurrency(mostVerdicts))
	}
	if err != nil {
		joined.Close()
		return nil, err
	}
	return &topic{e: e, t: joined}, nil
}

// leaveTopic takes an instance out of a topic. The caller holds the host's lock.
func (h *Host) leaveTopic(r *Running, c graph.ChannelInfo) {
	name := topicName(protocolOf(r, c), r.in.Key())
	t := h.topics[name]
	if t == nil {
		return
	}
	t.users--
	if t.ear == r {
		t.mute()
		t.ear = nil
	}
	if t.users > 0 {
		return
	}
	delete(h.topics, name)
	h.router.UnregisterTopicValidator(name)
	if err := t.t.Close(); err != nil && h.ctx.Err() == nil {
		h.log.Debug("leave topic", "topic", name, "error", err)
	}
}

// inspect is the first half of judging a publication: whether it is one, and whether the instance takes it. The instance that
// has a verdict on it says so to await.
func (h *Host) inspect(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	if from == h.id { // our own: the caller holds the topic's lock, under which that of the host may not be taken
		return pubsub.ValidationAccept
	}
	e, r := h.hearer(m.GetTopic())
	if e == nil {
		return pubsub.ValidationIgnore
	}
	f, err := decodeFrame(m.Data)
	switch {
	case len(m.Data) > e.info.MaxRequest+topicOverhead || err == nil && len(f.payload) > e.info.MaxRequest:
		h.count.refuse(e.info.Name, refusedTooLarge)
		return pubsub.ValidationReject
	case err != nil || f.kind != graph.TopicMsg:
		h.count.refuse(e.info.Name, refusedMalformed)
		return pubsub.ValidationReject
	case f.fingerprint != e.info.Fingerprint:
		h.count.refuse(e.info.Name, refusedMismatch)
		h.problem(problemKey{graph.Peer(from.String()), string(e.id), false}, fmt.Sprintf("topic %s: what %s hands on has fingerprint %016x, this node's %016x: run the same version of %s on both",
			e.id, from, f.fingerprint, e.info.Fingerprint, e.info.Name))
		return pubsub.ValidationIgnore
	case r == nil:
		return pubsub.ValidationAccept
	}
	return h.hear(r, e, graph.Message{Kind: graph.TopicMsg, Channel: e.info.Name, Relay: graph.Peer(from.String()), Key: r.in.Key(),
		Payload: append([]byte(nil), f.payload...)}, m)
}

// hear hands a publication to the instance that receives its topic.
func (h *Host) hear(r *Running, e *endpoint, got graph.Message, m *pubsub.Message) pubsub.ValidationResult {
	if e.info.Judged {
		var c trial
		got.Call, c = h.trials.begin(r)
		m.ValidatorData = c
	}
	if f := r.in.Deliver(got); f != nil { // which the instance counts
		h.trials.say(got.Call, graph.Ignore)
		return pubsub.ValidationIgnore
	}
	return pubsub.ValidationAccept
}

// hearer gives what a topic means, nil when nobody here takes part, and who receives it.
func (h *Host) hearer(name string) (*endpoint, *Running) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[name]; t != nil {
		return t.e, t.ear
	}
	return nil, nil
}
