package p2p

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/merograph/merograph/graph"
)

const (
	readBuffer = 8 << 10
	readChunk  = 64 << 10 // memory is taken as the bytes come, not as they are announced
	maxSizeLen = 4        // bytes of a length: 256 MiB

	helloTime = 10 * time.Second // for the first frame
	frameTime = 30 * time.Second // for the rest of a frame that has begun
)

// A stream is what frames cross on: a libp2p stream, or one end of a pipe to ourselves.
type stream interface {
	io.Reader
	io.Writer
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
	CloseWrite() error // the other side reads the end after what was written
	Reset() error
}

// A badStream says why a stream is not read any further.
type badStream struct {
	reason string // for the count
	detail string
}

// Error is the fault as a sentence.
func (e *badStream) Error() string { return e.reason + ": " + e.detail }

// A reader reads the frames of a stream, each of at most bound bytes.
type reader struct {
	s     stream
	br    *bufio.Reader
	bound int
	pays  *account // for frames that do not fit the buffer
	owes  int      // for the latest, until the next one is asked for
}

func newReader(s stream, bound int, pays *account) *reader {
	return &reader{s: s, br: bufio.NewReaderSize(s, readBuffer), bound: bound, pays: pays}
}

// next gives the next frame, whose payload is its own. The error is io.EOF at the end of a stream that ended between two
// frames, a *badStream for one that is at fault, or that of the stream.
func (r *reader) next() (frame, error) {
	r.pays.give(r.owes)
	r.owes = 0
	n, err := r.size()
	if err != nil {
		return frame{}, err
	}
	if r.br.Buffered() < n {
		r.s.SetReadDeadline(time.Now().Add(frameTime))
		defer r.s.SetReadDeadline(time.Time{})
	}
	if n > r.br.Size() {
		return r.large(n)
	}
	b, err := r.br.Peek(n)
	if err != nil {
		return frame{}, truncated(len(b), n, err)
	}
	f, err := decodeFrame(b)
	if err != nil {
		return frame{}, &badStream{refusedMalformed, err.Error()}
	}
	f.payload = slices.Clone(f.payload)
	r.br.Discard(n)
	return f, nil
}

// size reads the length of the next frame, and refuses it before any memory is taken.
func (r *reader) size() (int, error) {
	n := 0
	for i := range maxSizeLen {
		c, err := r.br.ReadByte()
		if err != nil {
			if i == 0 {
				return 0, err
			}
			return 0, truncated(i, maxSizeLen, err)
		}
		n |= int(c&0x7f) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 || n == 0 {
				return 0, &badStream{refusedMalformed, "a length that is 0 or not in its shortest form"}
			}
			if n > r.bound {
				return 0, &badStream{refusedTooLarge, fmt.Sprintf("a frame of %d bytes, the bound is %d", n, r.bound)}
			}
			return n, nil
		}
	}
	return 0, &badStream{refusedTooLarge, fmt.Sprintf("a frame of 256 MiB or more, the bound is %d", r.bound)}
}

func (r *reader) large(n int) (frame, error) {
	if !r.pays.take(n) {
		return frame{}, &badStream{refusedMemory, fmt.Sprintf("no memory for a frame of %d bytes: others wait for you or for this node", n)}
	}
	r.owes = n
	var b []byte
	for len(b) < n {
		have := len(b)
		b = slices.Grow(b, min(n-have, max(readChunk, have)))
		b = b[:min(n, cap(b))]
		m, err := io.ReadFull(r.br, b[have:])
		if err != nil {
			return frame{}, truncated(have+m, n, err)
		}
	}
	f, err := decodeFrame(b)
	if err != nil {
		return frame{}, &badStream{refusedMalformed, err.Error()}
	}
	return f, nil
}

// truncated is the fault of a stream that ended within a frame.
func truncated(have, want int, err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return &badStream{refusedTruncated, fmt.Sprintf("the stream ended after %d of %d bytes of a frame (%v)", have, want, err)}
}

// hello reads the first frame, which must come soon.
func (r *reader) hello() (frame, error) {
	r.s.SetReadDeadline(time.Now().Add(helloTime))
	defer r.s.SetReadDeadline(time.Time{})
	n, err := r.size()
	if err != nil {
		var bad *badStream
		if !errors.As(err, &bad) {
			err = &badStream{refusedSilent, err.Error()}
		}
		return frame{}, err
	}
	if n > smallFrame {
		return frame{}, &badStream{refusedTooLarge, fmt.Sprintf("a first frame of %d bytes, the bound is %d", n, smallFrame)}
	}
	b, err := r.br.Peek(n)
	if err != nil {
		return frame{}, truncated(len(b), n, err)
	}
	f, err := decodeFrame(b)
	if err != nil {
		return frame{}, &badStream{refusedMalformed, err.Error()}
	}
	if f.kind != helloMsg {
		return frame{}, &badStream{refusedMalformed, fmt.Sprintf("the first frame is of kind %d, not a hello", f.kind)}
	}
	r.br.Discard(n)
	return f, nil
}

// refusedAs gives the count's name of a fault, "" for the plain end of a stream.
func refusedAs(err error) (string, graph.Reason) {
	var bad *badStream
	if !errors.As(err, &bad) {
		return "", graph.Lost
	}
	switch bad.reason {
	case refusedTooLarge:
		return bad.reason, graph.TooLarge
	case refusedMalformed:
		return bad.reason, graph.Malformed
	case refusedMismatch:
		return bad.reason, graph.Mismatch
	case refusedMemory:
		return bad.reason, graph.Busy
	}
	return bad.reason, graph.Lost
}
