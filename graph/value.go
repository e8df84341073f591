package graph

import (
	"math"
	"time"
)

// A Peer is the identity of a node, as the transport authenticated it, in the text form that people see. The zero value
// is nobody.
type Peer string

// A Time is a point of the host's steady clock, in nanoseconds. It orders and measures; it dates nothing, and it never
// crosses the network: a message that holds one is a compile error. The zero value means never or none.
type Time int64

// Forever is the greatest Time, and as a duration the TTL of a row that does not expire.
const Forever = math.MaxInt64

// Add gives the time d later, held at Forever.
func (t Time) Add(d time.Duration) Time {
	if d > 0 && t > Forever-Time(d) {
		return Forever
	}
	return t + Time(d)
}

// Sub gives the distance from u to t.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t - u) }

// Done is the value of a step that has an effect and nothing to say.
type Done struct{}
