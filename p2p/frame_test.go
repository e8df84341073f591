package p2p

import (
	"bytes"
	"encoding/hex"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/merograph/merograph/graph"
)

func samples() []frame {
	return []frame{
		{kind: helloMsg, version: 1, fingerprint: 0x0123456789abcdef, role: "client", incarnation: 7},
		{kind: graph.RequestMsg, call: 1, key: "", remaining: 5 * time.Second, payload: []byte("\x65hello")},
		{kind: graph.RequestMsg, call: 1000, key: "ctx", once: 1<<63 + 9, payload: []byte{}},
		{kind: graph.ReplyMsg, call: 1, payload: []byte("\x65HELLO")},
		{kind: graph.ErrorMsg, call: 2, reason: graph.Busy, retry: time.Second, detail: "the inbox is full"},
		{kind: graph.OneWayMsg, key: "ctx", payload: []byte("\x62hi")},
		{kind: graph.TopicMsg, fingerprint: math.MaxUint64, incarnation: 1 << 40, sequence: 256, payload: []byte("\x62hi")},
		{kind: graph.CancelMsg, call: 3},
	}
}

func TestFramesRoundTrip(t *testing.T) {
	for _, f := range samples() {
		b := appendFrame(nil, &f)
		got, err := decodeFrame(b)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("got %+v, %v, want %+v", got, err, f)
		}
		for cut := range b {
			if _, err := decodeFrame(b[:cut]); err == nil {
				t.Errorf("%x decodes, cut to %d bytes", b, cut)
			}
		}
		if _, err := decodeFrame(append(b, 0)); err == nil {
			t.Errorf("%x decodes with a byte more", b)
		}
	}
}

// The hand-written codec writes what the library writes in its deterministic mode.
func TestFramesAgainstLibrary(t *testing.T) {
	mode, err := cbor.CoreDetEncOptions().EncMode()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range samples() {
		var v []any
		switch f.kind {
		case helloMsg:
			v = []any{0, f.version, f.fingerprint, f.role, f.incarnation}
		case graph.RequestMsg:
			v = []any{1, f.call, f.key, f.once, f.remaining.Microseconds(), f.payload}
		case graph.ReplyMsg:
			v = []any{2, f.call, f.payload}
		case graph.ErrorMsg:
			v = []any{3, f.call, f.reason, f.retry.Microseconds(), f.detail}
		case graph.OneWayMsg:
			v = []any{4, f.key, f.payload}
		case graph.TopicMsg:
			v = []any{5, f.fingerprint, f.incarnation, f.sequence, f.payload}
		case graph.CancelMsg:
			v = []any{6, f.call}
		}
		want, err := mode.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendFrame(nil, &f); !bytes.Equal(got, want) {
			t.Errorf("kind %d: got %x, want %x", f.kind, got, want)
		}
	}
}

func TestFrameBounds(t *testing.T) {
	long := frame{kind: graph.ErrorMsg, call: math.MaxUint64, reason: 255, retry: maxDuration, detail: strings.Repeat("é", maxDetail)}
	b := appendFrame(nil, &long)
	if len(b) > smallFrame {
		t.Errorf("an error of %d bytes, smallFrame is %d", len(b), smallFrame)
	}
	if _, err := decodeFrame(b); err != nil {
		t.Error(err)
	}
	for _, n := range []int{0, 1, 1 << 10, 1 << 16, 1 << 20} {
		req := frame{kind: graph.RequestMsg, call: math.MaxUint64, key: strings.Repeat("k", maxKey), once: math.MaxUint64, remaining: maxDuration, payload: make([]byte, n)}
		if got := len(appendFrame(nil, &req)); got > n+headRoom {
			t.Errorf("a request of %d bytes is a frame of %d", n, got)
		}
		top := frame{kind: graph.TopicMsg, fingerprint: math.MaxUint64, incarnation: math.MaxUint64, sequence: math.MaxUint64, payload: make([]byte, n)}
		if got := len(appendFrame(nil, &top)); got > n+topicOverhead {
			t.Errorf("a publication of %d bytes is an envelope of %d", n, got)
		}
	}
	if got := micros(1); got != 1 {
		t.Errorf("a nanosecond is %d µs: a deadline became none", got)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, s := range []string{"", "80", "8406", "820700", "8206", "820618", "82061801", "9f0601ff", "a10601", "820661", "8206c101",
		"83021b000000000000000140", "8302015b00", "85030100001b0000000000000001", "8503011901ff0060", "840401626b", "830461ff40"} {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := decodeFrame(b); err == nil {
			t.Errorf("%s is %+v", s, f)
		}
	}
}

func FuzzDecodeFrame(f *testing.F) {
	for _, s := range samples() {
		f.Add(appendFrame(nil, &s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := decodeFrame(b)
		if err != nil {
			return
		}
		if back := appendFrame(nil, &got); !bytes.Equal(back, b) {
			t.Errorf("%x decodes to %+v, which is %x", b, got, back)
		}
	})
}

// A stream of any bytes is read to its end without a panic, and never gives more than its bound.
func FuzzReader(f *testing.F) {
	var all []byte
	for _, s := range samples() {
		all = appendSized(all, &s)
	}
	f.Add(all, 1<<10)
	f.Fuzz(func(t *testing.T, b []byte, bound int) {
		bound = min(max(bound, 1), 1<<16)
		r := newReader(still{bytes.NewReader(b)}, bound, nil)
		for {
			f, err := r.next()
			if err != nil {
				return
			}
			if len(f.payload) > bound {
				t.Errorf("a payload of %d bytes, the bound is %d", len(f.payload), bound)
			}
		}
	})
}

// still is a stream that only reads.
type still struct{ io.Reader }

func (still) Write(b []byte) (int, error)      { return len(b), nil }
func (still) SetReadDeadline(time.Time) error  { return nil }
func (still) SetWriteDeadline(time.Time) error { return nil }
func (still) CloseWrite() error                { return nil }
func (still) Reset() error                     { return nil }
