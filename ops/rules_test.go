package ops_test

import (
	"testing"
	"time"

	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/ops"
)

// The window begins with the first value, whatever comes later.
func TestMeaning5_QuorumWindow(t *testing.T) {
	g := newRig(t)
	q := ops.Quorum(g.r, "votes", 3, key, func(e ev) graph.Peer { return graph.Peer(rune('0' + e.V)) }, time.Minute, 2, g.in("a"))
	out(g, "quorum", q.Out)
	out(g, "late", q.Late)
	g.start()
	g.say("a", "x", 1)
	g.pass(59 * time.Second)
	g.say("a", "x", 2)
	g.want()
	g.pass(time.Second)
	g.want("late [x1 x2]")
	g.say("a", "x", 3)
	g.want()
}
