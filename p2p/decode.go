package p2p

import (
	"encoding/binary"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/merograph/merograph/graph"
)

// decodeFrame reads one whole frame. It takes only what appendFrame writes, byte for byte: the shortest heads, nothing
// unknown, nothing left over. The payload is part of b.
func decodeFrame(b []byte) (f frame, err error) {
	d := decoder{rest: b}
	n := d.head(4, 1<<5)
	f.kind = graph.Kind(d.head(0, 1<<8-1))
	want := uint64(5)
	switch {
	case d.err != nil:
	case f.kind == helloMsg:
		f.version, f.fingerprint, f.role, f.incarnation = d.uint(), d.uint(), d.text(maxRole), d.uint()
	case f.kind == graph.RequestMsg:
		want = 6
		f.call, f.key, f.once, f.remaining, f.payload = d.uint(), d.text(maxKey), d.uint(), d.duration(), d.bytes()
	case f.kind == graph.ReplyMsg:
		want = 3
		f.call, f.payload = d.uint(), d.bytes()
	case f.kind == graph.ErrorMsg:
		f.call, f.reason, f.retry, f.detail = d.uint(), graph.Reason(d.head(0, 1<<8-1)), d.duration(), d.text(maxDetail)
	case f.kind == graph.OneWayMsg:
		want = 3
		f.key, f.payload = d.text(maxKey), d.bytes()
	case f.kind == graph.TopicMsg:
		f.fingerprint, f.incarnation, f.sequence, f.payload = d.uint(), d.uint(), d.uint(), d.bytes()
	case f.kind == graph.CancelMsg:
		want = 2
		f.call = d.uint()
	default:
		d.fail("kind %d is not known", f.kind)
	}
	if n != want {
		d.fail("a frame of kind %d with %d elements", f.kind, n)
	}
	if len(d.rest) > 0 {
		d.fail("%d bytes are left over", len(d.rest))
	}
	if d.err != nil {
		return frame{}, d.err
	}
	return f, nil
}

// A decoder reads CBOR items from the front of rest. After the first fault it gives zero values.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf(format, args...)
	}
}

// head reads the head of an item of a major type, whose number is at most most.
func (d *decoder) head(major byte, most uint64) uint64 {
	if d.err != nil {
		return 0
	}
	if len(d.rest) == 0 {
		d.fail("it ends too early")
		return 0
	}
	first := d.rest[0]
	if first>>5 != major {
		d.fail("an item of major type %d, where one of type %d belongs", first>>5, major)
		return 0
	}
	size, least := 0, uint64(0)
	switch info := first & 31; {
	case info < 24:
		d.rest = d.rest[1:]
		return d.atMost(uint64(info), most)
	case info == 24:
		size, least = 1, 24
	case info == 25:
		size, least = 2, 1<<8
	case info == 26:
		size, least = 4, 1<<16
	case info == 27:
		size, least = 8, 1<<32
	default:
		d.fail("an item of no definite length")
		return 0
	}
	if len(d.rest) <= size {
		d.fail("it ends too early")
		return 0
	}
	var wide [8]byte
	copy(wide[8-size:], d.rest[1:1+size])
	n := binary.BigEndian.Uint64(wide[:])
	if n < least {
		d.fail("a number that is not in its shortest form")
		return 0
	}
	d.rest = d.rest[1+size:]
	return d.atMost(n, most)
}

func (d *decoder) atMost(n, most uint64) uint64 {
	if n > most {
		d.fail("%d, where the bound is %d", n, most)
		return 0
	}
	return n
}

func (d *decoder) uint() uint64 { return d.head(0, 1<<64-1) }

func (d *decoder) duration() time.Duration {
	return time.Duration(d.head(0, uint64(maxDuration)/1000)) * time.Microsecond
}

func (d *decoder) bytes() []byte {
	n := d.head(2, uint64(len(d.rest)))
	return d.take(n)
}

func (d *decoder) text(most uint64) string {
	s := d.take(d.head(3, most))
	if !utf8.Valid(s) {
		d.fail("a text that is not UTF-8")
		return ""
	}
	return string(s)
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.rest)) {
		d.fail("it ends too early")
	}
	if d.err != nil {
		return nil
	}
	b := d.rest[:n:n]
	d.rest = d.rest[n:]
	return b
}
