package p2p

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
)

// streamBase is what a stream takes whatever it carries: the buffers for reading and for writing.
const streamBase = readBuffer + writeBatch

// accountStep is how much an account asks the resource manager for at once.
const accountStep = 64 << 10

// An account is what a stream makes us hold for its peer, in the books of libp2p's resource manager: those of the
// stream, the channel, the peer and the host. What is small is paid once, when the stream begins. A nil account, of a
// pipe to ourselves, takes everything. The stream's end closes it.
type account struct {
	scope network.ResourceScope
	mu    sync.Mutex
	held  int // reserved
	used  int
}

// newAccount opens the account of a stream; false when there is no room for even an idle one.
func newAccount(s stream) (*account, bool) {
	of, ok := s.(interface{ Scope() network.StreamScope })
	if !ok {
		return nil, true
	}
	a := &account{scope: of.Scope()}
	return a, a.scope.ReserveMemory(streamBase, network.ReservationPriorityAlways) == nil
}

// take reserves n bytes, or nothing.
func (a *account) take(n int) bool {
	if a == nil {
		return true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if over := a.used + n - a.held; over > 0 {
		step := (over + accountStep - 1) / accountStep * accountStep
		if a.scope.ReserveMemory(step, network.ReservationPriorityAlways) != nil {
			return false
		}
		a.held += step
	}
	a.used += n
	return true
}

// give gives back n bytes that were taken. A step stays, so that small traffic does not ask again and again.
func (a *account) give(n int) {
	if a == nil || n == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.used -= n
	if spare := (a.held-a.used)/accountStep - 1; spare > 0 {
		a.scope.ReleaseMemory(spare * accountStep)
		a.held -= spare * accountStep
	}
}
