package graph

import (
	"encoding/binary"
	"errors"
	"time"
)

// The kinds of frame of a recording. The values are in files.
const (
	frameStart = iota + 1 // an instance has started
	frameEvent            // an instance has taken an event
	frameStop             // an instance is recorded no more
	frameEnd              // nothing is
)

// What an instance took, in a frame: the kind of an event of the inbox, or what became due. The values are in files.
const (
	tookMessage = iota + 1
	tookAnswer
	tookAsk
	tookTask
	tookFeed
	tookFollowUps
	tookTimeout
	tookExpiry
	tookTimer
)

// These say what the codes are in the engine.
var (
	tookEvents = [...]int{evMessage: tookMessage, evAnswer: tookAnswer, evAsk: tookAsk, evTask: tookTask, evFeed: tookFeed}
	tookOf     = [...]int{takeFollowUps: tookFollowUps, takeTimeout: tookTimeout, takeExpiry: tookExpiry, takeTimer: tookTimer}
)

// What the world gave while an instance started or ran an event, in order. The values are in files.
const (
	gaveNothing = iota // no more
	gaveRandom
	gaveWall
	gaveRead
	gaveFeed
	gaveResult
)

// recordedStart is what an instance was when it started. Fields are only ever added.
type recordedStart struct {
	Graph    string       `cbor:"graph"`
	Version  int          `cbor:"version"`
	Role     string       `cbor:"role"`
	Program  [8]byte      `cbor:"program"` // a hash of the drawing
	Key      string       `cbor:"key"`
	Self     Peer         `cbor:"self"`
	Wall     int64        `cbor:"wall"` // of the start, in Unix milliseconds, for people
	Bounds   Bounds       `cbor:"bounds"`
	Params   []namedValue `cbor:"params"`
	Reads    []string     `cbor:"reads"` // component.method, as frames number them from 0
	Snapshot []byte       `cbor:"snapshot,omitempty"`
}

type namedValue struct {
	Name  string `cbor:"name"`
	Value []byte `cbor:"value"`
}

// A recordedError is an error that a component gave, as a replay gives it again: with its text, and its Failure when it had
// one.
type recordedError struct {
	Text    string   `cbor:"text"`
	Failure *Failure `cbor:"failure,omitempty"`
}

// Error is the text of the error that it was.
func (e *recordedError) Error() string { return e.Text }

// Unwrap gives its Failure.
func (e *recordedError) Unwrap() error {
	if e.Failure == nil {
		return nil
	}
	return e.Failure
}

// errorOf is what a recording keeps of an error.
func errorOf(err error) *recordedError {
	if err == nil {
		return nil
	}
	e := &recordedError{Text: err.Error()}
	var f *Failure
	if errors.As(err, &f) {
		e.Failure = f
	}
	return e
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendBytes(b, s []byte) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendMessage(b []byte, m *Message) []byte {
	b = append(b, byte(m.Kind), byte(m.Reason))
	b = appendText(b, m.Channel)
	b = appendText(b, string(m.Peer))
	b = appendText(b, string(m.Relay))
	b = appendText(b, m.Key)
	b = binary.AppendUvarint(b, m.Call)
	b = binary.AppendUvarint(b, m.Once)
	b = binary.AppendVarint(b, int64(m.Remaining))
	b = appendText(b, m.Detail)
	b = binary.AppendVarint(b, int64(m.Retry))
	return appendBytes(b, m.Payload)
}

// A recordCursor reads the body of a frame. After the first thing that is not there it gives zeros, and bad is set.
type recordCursor struct {
	b   []byte
	bad bool
}

func (c *recordCursor) byte() byte {
	if len(c.b) == 0 {
		c.bad = true
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *recordCursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *recordCursor) varint() int64 {
	v, n := binary.Varint(c.b)
	if n <= 0 {
		c.bad, c.b = true, nil
		return 0
	}
	c.b = c.b[n:]
	return v
}

func (c *recordCursor) fixed() uint64 {
	if len(c.b) < 8 {
		c.bad, c.b = true, nil
		return 0
	}
	v := binary.LittleEndian.Uint64(c.b)
	c.b = c.b[8:]
	return v
}

// bytes gives a part of the frame; nil when it is empty, as a message without payload has it.
func (c *recordCursor) bytes() []byte {
	n := c.uvarint()
	if n > uint64(len(c.b)) {
		c.bad, c.b = true, nil
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	if n == 0 {
		return nil
	}
	return v
}

func (c *recordCursor) text() string { return string(c.bytes()) }

func (c *recordCursor) message() (m Message) {
	m.Kind, m.Reason = Kind(c.byte()), Reason(c.byte())
	m.Channel, m.Peer, m.Relay, m.Key = c.text(), Peer(c.text()), Peer(c.text()), c.text()
	m.Call, m.Once, m.Remaining = c.uvarint(), c.uvarint(), time.Duration(c.varint())
	m.Detail, m.Retry, m.Payload = c.text(), time.Duration(c.varint()), c.bytes()
	return m
}
