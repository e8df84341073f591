package p2p

import (
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
)

// Scores have one thing to say: how often a peer has handed over what was rejected. With the first such publication it leaves the
// meshes of its topic, with the second it is not told what there is, and with the fourth it is not heard. Each is forgotten
// after ten minutes. Nothing else counts: neither a topic on which nobody speaks, nor how many peers share an address.
const (
	scoreInterval = 10 * time.Second
	scoreMemory   = 10 * time.Minute
	scoreKept     = time.Hour // after its last connection has gone
)

func peerScore() (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	return &pubsub.PeerScoreParams{
			SkipAtomicValidation: true,
			Topics:               map[string]*pubsub.TopicScoreParams{},
			AppSpecificScore:     func(peer.ID) float64 { return 0 },
			DecayInterval:        scoreInterval,
			DecayToZero:          0.01,
			RetainScore:          scoreKept,
		}, &pubsub.PeerScoreThresholds{
			GossipThreshold:   -3,
			PublishThreshold:  -3,
			GraylistThreshold: -12,
		}
}

// topicScore: the penalty is the square of what was rejected lately.
func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation:           true,
		TopicWeight:                    1,
		TimeInMeshQuantum:              time.Second, // by which it divides, whatever the weight
		InvalidMessageDeliveriesWeight: -1,
		InvalidMessageDeliveriesDecay:  pubsub.ScoreParameterDecayWithBase(scoreMemory, scoreInterval, 0.01),
	}
}
