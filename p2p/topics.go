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
	topicOverhead = 64 // of the envelope of a publication
	topicWaiting  = 256
	maxTopics     = 1024 // subscriptions in one announcement of a peer
)

// A topic is a topic of pubsub that instances here take part in.
type topic struct {
	e     *endpoint // of what it means: kind, fingerprint, bounds
	t     *pubsub.Topic
	users int
	hears []*Running // who receives
	sub   *pubsub.Subscription
	stop  context.CancelFunc
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
// around the filters.
func (h *Host) openRouter() (err error) {
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
func (h *Host) joinTopic(r *Running, c graph.ChannelInfo) error {
	id := protocolOf(r, c)
	name := topicName(id, r.in.Key())
	t := h.topics[name]
	if t == nil {
		joined, err := h.router.Join(name)
		if err != nil {
			return err
		}
		t = &topic{e: &endpoint{id: id, info: c}, t: joined}
		if err := h.router.RegisterTopicValidator(name, h.validator(name, t.e), pubsub.WithValidatorInline(true)); err != nil {
			joined.Close()
			return err
		}
		h.topics[name] = t
	}
	t.users++
	if !c.In {
		return nil
	}
	t.hears = append(t.hears, r)
	if t.sub != nil {
		return nil
	}
	sub, err := t.t.Subscribe(pubsub.WithBufferSize(topicWaiting))
	if err != nil {
		t.hears = without(t.hears, r)
		h.leaveTopic(r, c)
		return err
	}
	ctx, stop := context.WithCancel(h.ctx)
	t.sub, t.stop = sub, stop
	h.tasks.Go(func() { h.listen(ctx, name, t.e, sub) })
	return nil
}

// leaveTopic takes an instance out of a topic. The caller holds the host's lock.
func (h *Host) leaveTopic(r *Running, c graph.ChannelInfo) {
	name := topicName(protocolOf(r, c), r.in.Key())
	t := h.topics[name]
	if t == nil {
		return
	}
	t.users--
	t.hears = without(t.hears, r)
	if t.sub != nil && len(t.hears) == 0 {
		t.stop()
		t.sub.Cancel()
		t.sub = nil
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

// validator judges a publication before it is delivered or passed on.
func (h *Host) validator(name string, e *endpoint) pubsub.ValidatorEx {
	return func(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if from == h.id {
			return pubsub.ValidationAccept
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
		}
		relay := graph.Peer(from.String())
		for _, r := range h.hearers(name) {
			if fl := r.in.Allowed(e.info.Name, relay); fl != nil {
				h.count.refuse(e.info.Name, fl.Reason.String())
				return pubsub.ValidationIgnore
			}
		}
		m.ValidatorData = f.payload
		return pubsub.ValidationAccept
	}
}

func (h *Host) hearers(name string) []*Running {
	h.mu.Lock()
	defer h.mu.Unlock()
	if t := h.topics[name]; t != nil {
		return append([]*Running(nil), t.hears...)
	}
	return nil
}

// listen hands what a subscription brings to the instances, until it ends.
func (h *Host) listen(ctx context.Context, name string, e *endpoint, sub *pubsub.Subscription) {
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return
		}
		payload, ok := m.ValidatorData.([]byte)
		if m.ReceivedFrom == h.id || !ok {
			continue
		}
		relay := graph.Peer(m.ReceivedFrom.String())
		for _, r := range h.hearers(name) {
			r.in.Deliver(graph.Message{Kind: graph.TopicMsg, Channel: e.info.Name, Relay: relay, Key: r.in.Key(), Payload: append([]byte(nil), payload...)})
		}
	}
}
