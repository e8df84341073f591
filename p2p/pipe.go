package p2p

import "net"

// pipeEnd is a stream to ourselves.
type pipeEnd struct{ net.Conn }

// Reset is Close: nothing of a pipe is on its way.
func (p pipeEnd) Reset() error { return p.Close() }

// newPipe gives the two ends: the caller's and the callee's.
func newPipe() (pipeEnd, pipeEnd) {
	a, b := net.Pipe()
	return pipeEnd{a}, pipeEnd{b}
}

// CloseWrite is Close: a pipe has no half.
func (p pipeEnd) CloseWrite() error { return p.Close() }
