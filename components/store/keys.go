package store

import (
	"encoding/binary"
	"fmt"

	"github.com/merograph/merograph/crdt"
	"github.com/merograph/merograph/dag"
	"lukechampine.com/blake3"
)

// The families of records, which are the first byte of a key. docs/formats/store.md has the bytes.
const (
	famAwaited = 'a' // context, name, hash of the key: a write that was replaced before it came
	famBody    = 'b' // context, hash of the key, name: the value of a write beneath the one shown
	famCount   = 'c' // context: entries and awaited names
	famEntry   = 'e' // context, key: the write that is shown
	famFormat  = 'f' // the version of all this
	famPlace   = 'i' // delta: its record in the log
	famMark    = 'm' // where all this stands in the log
	famUnder   = 'u' // as famBody: the stamp of such a write
)

const (
	formatVersion = 2
	idLen         = len(dag.ID{})
	nameLen       = idLen + 4
)

var (
	markKey   = []byte{famMark}
	formatKey = []byte{famFormat}
)

func placeKey(id dag.ID) []byte { return append([]byte{famPlace}, id[:]...) }

func countKey(ctx dag.ID) []byte { return append([]byte{famCount}, ctx[:]...) }

func entryKey(ctx dag.ID, key string) []byte {
	b := make([]byte, 0, 1+idLen+len(key))
	b = append(b, famEntry)
	b = append(b, ctx[:]...)
	return append(b, key...)
}

// A keySum stands for a key of the store where many records name it: one delta names many writes of one key, and each of its
// records must not be as long as the key.
type keySum [32]byte

func sumOf(key string) keySum { return blake3.Sum256([]byte(key)) }

// underPrefix is common to the writes beneath one key.
func underPrefix(fam byte, ctx dag.ID, sum keySum) []byte {
	b := make([]byte, 0, 1+idLen+len(sum)+nameLen)
	b = append(b, fam)
	b = append(b, ctx[:]...)
	return append(b, sum[:]...)
}

func underKey(fam byte, ctx dag.ID, sum keySum, n crdt.Name) []byte {
	return appendName(underPrefix(fam, ctx, sum), n)
}

// awaitedPrefix is common to what is awaited of one delta.
func awaitedPrefix(ctx, delta dag.ID) []byte {
	b := make([]byte, 0, 1+idLen+nameLen+len(keySum{}))
	b = append(b, famAwaited)
	b = append(b, ctx[:]...)
	return append(b, delta[:]...)
}

func awaitedKey(ctx dag.ID, n crdt.Name, sum keySum) []byte {
	b := binary.BigEndian.AppendUint32(awaitedPrefix(ctx, n.Delta), n.Index)
	return append(b, sum[:]...)
}

func appendName(b []byte, n crdt.Name) []byte {
	return binary.BigEndian.AppendUint32(append(b, n.Delta[:]...), n.Index)
}

// after gives the first key that does not begin with prefix and is greater; nil when there is none.
func after(prefix []byte) []byte {
	for n := len(prefix); n > 0; n-- {
		if prefix[n-1] != 0xff {
			out := append([]byte(nil), prefix[:n]...)
			out[n-1]++
			return out
		}
	}
	return nil
}

// A placed is the value of famPlace: where the record is, and whether the delta is folded.
type placed struct {
	at     dag.Place
	folded bool
}

func (p placed) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 13), uint64(p.at.Offset))
	b = binary.BigEndian.AppendUint32(b, uint32(p.at.Size))
	if p.folded {
		return append(b, 1)
	}
	return append(b, 0)
}

func decodePlaced(b []byte) (p placed, err error) {
	if len(b) != 13 {
		return p, broken("a place", len(b), 13)
	}
	p.at = dag.Place{Offset: int64(binary.BigEndian.Uint64(b)), Size: int(binary.BigEndian.Uint32(b[8:]))}
	p.folded = b[12] == 1
	return p, nil
}

const markLen = 44

func encodeMark(m dag.Mark) []byte {
	b := append(make([]byte, 0, markLen), m.Log[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(m.Start))
	b = binary.BigEndian.AppendUint64(b, uint64(m.End))
	b = binary.BigEndian.AppendUint64(b, m.Sequence)
	return binary.BigEndian.AppendUint32(b, m.CRC)
}

func decodeMark(b []byte) (m dag.Mark, err error) {
	if len(b) != markLen {
		return m, broken("the mark", len(b), markLen)
	}
	copy(m.Log[:], b)
	m.Start = int64(binary.BigEndian.Uint64(b[16:]))
	m.End = int64(binary.BigEndian.Uint64(b[24:]))
	m.Sequence = binary.BigEndian.Uint64(b[32:])
	m.CRC = binary.BigEndian.Uint32(b[40:])
	return m, nil
}

// A count is what a context has.
type count struct{ entries, awaited uint64 }

func (c count) encode() []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(make([]byte, 0, 16), c.entries), c.awaited)
}

func decodeCount(b []byte) (c count, err error) {
	if len(b) != 16 {
		return c, broken("a count", len(b), 16)
	}
	return count{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}, nil
}

func broken(what string, have, want int) error {
	return fmt.Errorf("store: %s has %d bytes and not %d: stop the node and remove the folder store of its home, which is derived from the log", what, have, want)
}
