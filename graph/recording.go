package graph

import (
	"encoding/binary"
	"hash/crc32"
	"sync"
)

// A Recording holds what the hosts of instances give them, until somebody takes it to a file; docs/formats/recording.md has
// its form. It is bounded: when it would be longer than was allowed, or when more than 32 MiB wait to be taken, it ends with
// a mark that says so, and the instances go on without it. Safe for concurrent use.
type Recording struct {
	wake func()

	mu        sync.Mutex
	left      int64 // bytes that may still come
	waiting   []byte
	instances uint64
	end       string // why it has ended
}

// recordingMagic begins every recording; the last byte but one is the version.
const recordingMagic = "merograph recording 1\n"

const (
	mostWaiting   = 32 << 20
	mostFrame     = 64 << 20 // of the body of a frame
	frameOverhead = 12
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// NewRecording begins a recording of at most so many bytes, not counting its last mark. wake is called after something was
// added, from any goroutine and with no lock held; it must not block.
func NewRecording(most int64, wake func()) *Recording {
	return &Recording{wake: wake, left: most - int64(len(recordingMagic)), waiting: []byte(recordingMagic)}
}

// Record has a recording take all that the host gives an instance. The recording may be shared by all instances of a node.
// Start refuses an instance that holds what a recording cannot keep.
func Record(r *Recording) Option { return func(s *settings) { s.record = r } }

// Take gives what was recorded since the last Take, and whether there will be more. The caller owns the bytes.
func (r *Recording) Take() (b []byte, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, r.waiting = r.waiting, nil
	return b, r.end == ""
}

// End ends the recording with a mark: why is a short sentence. A recording that has ended stays as it is.
func (r *Recording) End(why string) {
	r.mu.Lock()
	r.finish(why)
	r.mu.Unlock()
	r.wake()
}

// Ended is why the recording has ended, or "" while it goes on.
func (r *Recording) Ended() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}

// finish writes the last mark; the caller holds the lock.
func (r *Recording) finish(why string) {
	if r.end != "" || why == "" {
		return
	}
	r.end = why
	r.waiting = appendRecordFrame(r.waiting, appendText([]byte{frameEnd}, why))
}

// join gives an instance its number.
func (r *Recording) join() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.instances++
	return r.instances
}

// put adds a frame; false when the recording has ended.
func (r *Recording) put(body []byte) bool {
	n := int64(len(body)) + frameOverhead
	r.mu.Lock()
	switch {
	case r.end != "":
	case n > r.left || len(body) > mostFrame:
		r.finish("its limit was reached")
	case int64(len(r.waiting))+n > mostWaiting:
		r.finish("the disk did not keep up")
	default:
		r.left -= n
		r.waiting = appendRecordFrame(r.waiting, body)
	}
	going := r.end == ""
	r.mu.Unlock()
	r.wake()
	return going
}

// appendRecordFrame writes the length of a body, its checksum, the checksum of these two, and the body. A length that is
// believed only when it fits its own checksum tells a damaged frame from one that was cut.
func appendRecordFrame(b, body []byte) []byte {
	at := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], castagnoli))
	return append(b, body...)
}
