package p2p

import (
	"encoding/binary"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/merograph/merograph/graph"
)

// helloMsg is the kind of a stream's first frame; the others have the values of graph.Kind.
const helloMsg graph.Kind = 0

// formatVersion is the version of the frames, in every hello.
const formatVersion = 1

// Bounds of what a frame holds beside its payload.
const (
	maxRole     = 128
	maxDetail   = 1024
	headRoom    = 320  // of a request: array, kind, call, key, once, remaining, and the payload's head
	smallFrame  = 1100 // the greatest frame without a payload
	maxDuration = time.Duration(1<<63 - 1)
)

// A frame is what crosses a stream at once. Which fields it has depends on its kind.
type frame struct {
	kind      graph.Kind
	call      uint64        // request, reply, error, cancel: the opener's id of the call; an error with 0 is of the stream
	key       string        // request, one-way: the instance key
	once      uint64        // request: the same for all attempts of a call that is tried again, else 0
	remaining time.Duration // request: 0 for no deadline
	reason    graph.Reason  // error
	retry     time.Duration // error
	detail    string        // error
	payload   []byte        // request, reply, one-way, topic

	version     uint64 // hello
	fingerprint uint64 // hello, topic
	role        string // hello: of the caller
	incarnation uint64 // hello, topic
	sequence    uint64 // topic
}

// frameBound is the greatest length that a stream of a channel may announce.
func frameBound(maxPayload int) int { return max(maxPayload+headRoom, smallFrame) }

// appendFrame appends f as deterministic CBOR, an array that begins with the kind.
func appendFrame(b []byte, f *frame) []byte {
	switch f.kind {
	case helloMsg:
		b = append(b, 0x85, byte(f.kind))
		b = appendUint(appendUint(b, f.version), f.fingerprint)
		b = appendUint(appendText(b, f.role), f.incarnation)
	case graph.RequestMsg:
		b = append(b, 0x86, byte(f.kind))
		b = appendUint(appendText(appendUint(b, f.call), f.key), f.once)
		b = appendBytes(appendUint(b, micros(f.remaining)), f.payload)
	case graph.ReplyMsg:
		b = append(b, 0x83, byte(f.kind))
		b = appendBytes(appendUint(b, f.call), f.payload)
	case graph.ErrorMsg:
		b = append(b, 0x85, byte(f.kind))
		b = appendUint(appendUint(b, f.call), uint64(f.reason))
		b = appendText(appendUint(b, micros(f.retry)), clip(f.detail))
	case graph.OneWayMsg:
		b = append(b, 0x83, byte(f.kind))
		b = appendBytes(appendText(b, f.key), f.payload)
	case graph.TopicMsg:
		b = append(b, 0x85, byte(f.kind))
		b = appendUint(appendUint(appendUint(b, f.fingerprint), f.incarnation), f.sequence)
		b = appendBytes(b, f.payload)
	case graph.CancelMsg:
		b = append(b, 0x82, byte(f.kind))
		b = appendUint(b, f.call)
	}
	return b
}

// appendSized appends f with its length before it, as it stands on a stream.
func appendSized(b []byte, f *frame) []byte {
	// The length is known once the frame is written: leave room for the longest, and close the gap.
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0)
	b = appendFrame(b, f)
	n := len(b) - start - 5
	head := binary.PutUvarint(b[start:start+5], uint64(n))
	if head < 5 {
		copy(b[start+head:], b[start+5:])
		b = b[:len(b)-5+head]
	}
	return b
}

// micros rounds up, so that a deadline that has not passed is not 0, which means none.
func micros(d time.Duration) uint64 {
	if d <= 0 {
		return 0
	}
	return min((uint64(d)+999)/1000, uint64(maxDuration)/1000)
}

// clip makes a sentence fit, and text of it.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}

func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

func appendUint(b []byte, n uint64) []byte { return appendHead(b, 0, n) }

func appendBytes(b, v []byte) []byte { return append(appendHead(b, 2, uint64(len(v))), v...) }

func appendText(b []byte, s string) []byte { return append(appendHead(b, 3, uint64(len(s))), s...) }
