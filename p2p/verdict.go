package p2p

import (
	"context"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/merograph/merograph/graph"
)

const (
	verdictTime  = 10 * time.Second // that a publication waits for the verdict of its instance
	mostVerdicts = 1024             // that a topic waits for at a time; their bytes are in the share of the neighbour
)

// A trial is a publication that waits for the verdict of an instance.
type trial struct {
	r    *Running
	done chan graph.Verdict // holds one
}

// trials are those of a host, by the Call that the instance was given.
type trials struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]trial
}

func (t *trials) begin(r *Running) (call uint64, c trial) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[uint64]trial{}
	}
	t.last++
	c = trial{r, make(chan graph.Verdict, 1)}
	t.open[t.last] = c
	return t.last, c
}

// say ends a trial; one that has ended already stays as it is.
func (t *trials) say(call uint64, v graph.Verdict) {
	t.mu.Lock()
	c, ok := t.open[call]
	delete(t.open, call)
	t.mu.Unlock()
	if ok {
		c.done <- v
	}
}

// end ends the trials of an instance that says nothing any more.
func (t *trials) end(r *Running) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for call, c := range t.open {
		if c.r == r {
			delete(t.open, call)
			c.done <- graph.Ignore
		}
	}
}

// results are what pubsub is told of a verdict.
var results = map[graph.Verdict]pubsub.ValidationResult{graph.Accept: pubsub.ValidationAccept, graph.Reject: pubsub.ValidationReject,
	graph.Ignore: pubsub.ValidationIgnore}

// await is the second half of judging a publication: it waits for the verdict, where inspect has begun a trial. Pubsub calls it
// on a goroutine of its own.
func (h *Host) await(ctx context.Context, _ peer.ID, m *pubsub.Message) pubsub.ValidationResult {
	c, ok := m.ValidatorData.(trial)
	if !ok {
		return pubsub.ValidationAccept // inspect has said all
	}
	select {
	case v := <-c.done:
		return results[v]
	case <-ctx.Done():
		h.count.refuse("", refusedVerdict)
		return pubsub.ValidationIgnore
	}
}
