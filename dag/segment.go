package dag

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// logID names one log for ever: 16 random bytes, in every checksum.
type logID [16]byte

// A segment is one file of a log: its head in the first 4 KiB, twice, then groups. All numbers are little endian: magic
// 8 bytes, version u32, zero u32, log id 16 bytes, number u64, length u64, first record u64, end of the segment before u64,
// crc u32.
const (
	segmentMagic   = "MEROLOG1"
	segmentVersion = 1
	segmentHead    = 4096 // where groups begin
	segmentCopy    = 2048 // where the head's second copy stands
	segmentFields  = 68
)

type segmentHeader struct {
	log     logID
	number  int64
	length  int64
	first   uint64 // number of the first record
	prevEnd int64  // position where the groups of the segment before end, all synced
}

func segmentName(n int64) string { return fmt.Sprintf("%08d.seg", n) }

// segmentNumber reads a name that segmentName gave.
func segmentNumber(name string) (int64, bool) {
	var n int64
	if _, err := fmt.Sscanf(name, "%d.seg", &n); err != nil || segmentName(n) != name {
		return 0, false
	}
	return n, true
}

func (h segmentHeader) encode() []byte {
	le := binary.LittleEndian
	b := make([]byte, segmentHead)
	f := append(b[:0], segmentMagic...)
	f = le.AppendUint32(f, segmentVersion)
	f = le.AppendUint32(f, 0)
	f = append(f, h.log[:]...)
	f = le.AppendUint64(f, uint64(h.number))
	f = le.AppendUint64(f, uint64(h.length))
	f = le.AppendUint64(f, h.first)
	f = le.AppendUint64(f, uint64(h.prevEnd))
	f = le.AppendUint32(f, sum(logID{}, 0, f))
	copy(b[segmentCopy:], f)
	return b
}

var errNoHeader = errors.New("both copies of the segment's head are damaged")

// decodeSegmentHeader reads whichever copy is good.
func decodeSegmentHeader(b []byte) (segmentHeader, error) {
	for _, off := range []int{0, segmentCopy} {
		if len(b) < off+segmentFields {
			continue
		}
		h, version, ok := decodeHeaderCopy(b[off : off+segmentFields])
		if !ok {
			continue
		}
		if version != segmentVersion {
			return h, fmt.Errorf("the log is of version %d, this program knows version %d: upgrade it", version, segmentVersion)
		}
		return h, nil
	}
	return segmentHeader{}, errNoHeader
}

func decodeHeaderCopy(f []byte) (h segmentHeader, version uint32, ok bool) {
	le := binary.LittleEndian
	if string(f[:8]) != segmentMagic || sum(logID{}, 0, f[:64]) != le.Uint32(f[64:]) {
		return h, 0, false
	}
	copy(h.log[:], f[16:32])
	h.number, h.length = int64(le.Uint64(f[32:])), int64(le.Uint64(f[40:]))
	h.first, h.prevEnd = le.Uint64(f[48:]), int64(le.Uint64(f[56:]))
	ok = h.number >= 0 && h.length >= minSegment && h.length <= maxSegment && h.prevEnd >= 0
	return h, le.Uint32(f[8:]), ok
}

// homeName is the small file beside the segments: it keeps the log's id and segment length a third time, and the stamp
// of the first segment, by which a copied home is known. After a clean stop it also tells when the last segment was touched, by
// which an old copy that was put back in place is known.
const homeName = "log.home"

type home struct {
	log     logID
	length  int64
	stamp   string
	touched string // of the last clean stop, empty before
}

func (h home) encode() []byte {
	body := fmt.Sprintf("merograph log %s %d %s", hex.EncodeToString(h.log[:]), h.length, h.stamp)
	if h.touched != "" {
		body += "|" + h.touched
	}
	return fmt.Appendf(nil, "%s\n%08x\n", body, sum(logID{}, 0, []byte(body)))
}

func decodeHome(b []byte) (h home, ok bool) {
	body, tail, found := strings.Cut(string(b), "\n")
	if !found || tail != fmt.Sprintf("%08x\n", sum(logID{}, 0, []byte(body))) {
		return h, false
	}
	f := strings.SplitN(body, " ", 5)
	if len(f) != 5 || f[0] != "merograph" || f[1] != "log" {
		return h, false
	}
	id, err := hex.DecodeString(f[2])
	if err != nil || len(id) != len(h.log) {
		return h, false
	}
	copy(h.log[:], id)
	if _, err := fmt.Sscanf(f[3], "%d", &h.length); err != nil {
		return h, false
	}
	h.stamp, h.touched, _ = strings.Cut(f[4], "|")
	return h, h.length >= minSegment && h.length <= maxSegment
}
