package p2p

import (
	"slices"

	"github.com/merograph/merograph/graph"
)

// maxProblems is how many problems are kept; a new one takes the place of the oldest.
const maxProblems = 16

// A problem is what a person should mend. It goes when the peer is heard on the channel as it should be.
type problem struct {
	key  problemKey
	text string
}

type problemKey struct {
	peer    graph.Peer
	channel string // protocol id
	ours    bool   // found by our calls, not theirs
}

// problem keeps a sentence for status, and logs it when it is new.
func (h *Host) problem(k problemKey, sentence string) {
	if h.count.problem(k, sentence) {
		h.log.Warn(sentence)
	}
}

// problem puts a sentence in the place of what was known under its key; true when it was not known.
func (c *counters) problem(k problemKey, sentence string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Contains(c.problems, problem{k, sentence}) {
		return false
	}
	c.forget(k)
	if len(c.problems) >= maxProblems {
		c.problems = slices.Delete(c.problems, 0, 1)
	}
	c.problems = append(c.problems, problem{k, sentence})
	return true
}

// solved forgets what was known under a key.
func (c *counters) solved(k problemKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(k)
}

func (c *counters) forget(k problemKey) {
	c.problems = slices.DeleteFunc(c.problems, func(p problem) bool { return p.key == k })
}
