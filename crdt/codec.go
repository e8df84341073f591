package crdt

import (
	"bytes"
	"fmt"

	"github.com/fxamacker/cbor/v2"
)

// The first element of a payload, and the kinds of operations.
const (
	formatVersion = 1

	kindPut    = 1
	kindRemove = 2
	kindInsert = 3
	kindDelete = 4
)

type (
	wireName struct {
		_     struct{} `cbor:",toarray"`
		Delta []byte   // empty: the delta that carries the payload
		Index uint32
	}
	wireRange struct {
		_     struct{} `cbor:",toarray"`
		Delta []byte
		Index uint32
		Count uint32
	}
	wirePut struct {
		_     struct{} `cbor:",toarray"`
		Kind  uint64
		Key   []byte
		Value []byte
		Seen  []wireName
	}
	wireRemove struct {
		_    struct{} `cbor:",toarray"`
		Kind uint64
		Key  []byte
		Seen []wireName
	}
	wireInsert struct {
		_           struct{} `cbor:",toarray"`
		Kind        uint64
		Left, Right *wireName // nil: Edge
		Text        string
	}
	wireDelete struct {
		_      struct{} `cbor:",toarray"`
		Kind   uint64
		Ranges []wireRange
	}
)

var encMode, decMode = modes()

func modes() (cbor.EncMode, cbor.DecMode) {
	eo := cbor.CoreDetEncOptions()
	eo.NilContainers = cbor.NilContainerAsEmpty
	enc, err := eo.EncMode()
	if err != nil {
		panic(err) // the options are constants
	}
	dec, err := cbor.DecOptions{
		IndefLength:       cbor.IndefLengthForbidden,
		TagsMd:            cbor.TagsForbidden,
		MaxNestedLevels:   8,
		MaxArrayElements:  MaxPayload,
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
	}.DecMode()
	if err != nil {
		panic(err)
	}
	return enc, dec
}

// EncodeOps encodes operations as the payload of one delta, in deterministic CBOR. It refuses operations that DecodeOps
// would refuse, with an error that wraps [ErrMalformed], and payloads greater than [MaxPayload]. No operations at all is
// a payload too: that of a delta that changes nothing.
func EncodeOps(ops []Op) ([]byte, error) {
	if err := checkOps(ops); err != nil {
		return nil, err
	}
	b, err := encode(ops)
	if err != nil {
		return nil, err
	}
	if len(b) > MaxPayload {
		return nil, fmt.Errorf("crdt: %d operations take %d bytes, a payload at most %d; split them over several deltas, "+
			"or put the content in a blob: %w", len(ops), len(b), MaxPayload, ErrMalformed)
	}
	return b, nil
}

func encode(ops []Op) ([]byte, error) {
	wire := make([]any, 0, 1+len(ops))
	wire = append(wire, uint64(formatVersion))
	for _, op := range ops {
		switch op := op.(type) {
		case Put:
			wire = append(wire, wirePut{Kind: kindPut, Key: []byte(op.Key), Value: op.Value, Seen: toWire(op.Seen)})
		case Remove:
			wire = append(wire, wireRemove{Kind: kindRemove, Key: []byte(op.Key), Seen: toWire(op.Seen)})
		case Insert:
			wire = append(wire, wireInsert{Kind: kindInsert, Left: originToWire(op.Left), Right: originToWire(op.Right), Text: op.Text})
		case Delete:
			ranges := make([]wireRange, len(op.Ranges))
			for i, r := range op.Ranges {
				ranges[i] = wireRange{Delta: deltaToWire(r.First), Index: r.First.Index, Count: r.Count}
			}
			wire = append(wire, wireDelete{Kind: kindDelete, Ranges: ranges})
		}
	}
	b, err := encMode.Marshal(wire)
	if err != nil {
		return nil, fmt.Errorf("crdt: encode %d operations: %w", len(ops), err)
	}
	return b, nil
}

func deltaToWire(n Name) []byte {
	if n.own() {
		return nil
	}
	return n.Delta[:]
}

func originToWire(n Name) *wireName {
	if n == Edge {
		return nil
	}
	return &wireName{Delta: deltaToWire(n), Index: n.Index}
}

func toWire(names []Name) []wireName {
	out := make([]wireName, len(names))
	for i, n := range names {
		out[i] = wireName{Delta: deltaToWire(n), Index: n.Index}
	}
	return out
}

// DecodeOps decodes a payload. It takes only the bytes that [EncodeOps] gives for some operations: any other encoding of
// the same operations, a malformed operation, a byte too many or too few makes the whole payload bad. The errors wrap
// [ErrMalformed], or [ErrUnknown] for a later version or kind. The operations share no memory with b.
func DecodeOps(b []byte) ([]Op, error) {
	if len(b) > MaxPayload {
		return nil, fmt.Errorf("crdt: payload of %d bytes, at most %d: %w", len(b), MaxPayload, ErrMalformed)
	}
	var items []cbor.RawMessage
	if err := decMode.Unmarshal(b, &items); err != nil {
		return nil, fmt.Errorf("crdt: payload is no array of operations: %w: %w", err, ErrMalformed)
	}
	var version uint64
	if len(items) == 0 || decMode.Unmarshal(items[0], &version) != nil {
		return nil, fmt.Errorf("crdt: payload without a version: %w", ErrMalformed)
	}
	if version != formatVersion {
		return nil, fmt.Errorf("crdt: payload of format %d, this version reads %d: %w", version, formatVersion, ErrUnknown)
	}
	ops := make([]Op, 0, len(items)-1)
	for i, raw := range items[1:] {
		op, err := decodeOp(raw)
		if err != nil {
			return nil, fmt.Errorf("crdt: operation %d: %w", i, err)
		}
		ops = append(ops, op)
	}
	if err := checkOps(ops); err != nil {
		return nil, err
	}
	again, err := encode(ops)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(again, b) {
		return nil, fmt.Errorf("crdt: payload of %d bytes is not in canonical form: %w", len(b), ErrMalformed)
	}
	return ops, nil
}

func decodeOp(raw cbor.RawMessage) (Op, error) {
	var parts []cbor.RawMessage
	var kind uint64
	if err := decMode.Unmarshal(raw, &parts); err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrMalformed)
	}
	if len(parts) == 0 || decMode.Unmarshal(parts[0], &kind) != nil {
		return nil, fmt.Errorf("without a kind: %w", ErrMalformed)
	}
	var op Op
	var err error
	switch kind {
	case kindPut:
		var w wirePut
		if err = decMode.Unmarshal(raw, &w); err == nil {
			var seen []Name
			seen, err = fromWire(w.Seen)
			op = Put{Key: string(w.Key), Value: w.Value, Seen: seen}
		}
	case kindRemove:
		var w wireRemove
		if err = decMode.Unmarshal(raw, &w); err == nil {
			var seen []Name
			seen, err = fromWire(w.Seen)
			op = Remove{Key: string(w.Key), Seen: seen}
		}
	case kindInsert:
		op, err = decodeInsert(raw)
	case kindDelete:
		op, err = decodeDelete(raw)
	default:
		return nil, fmt.Errorf("kind %d: %w", kind, ErrUnknown)
	}
	if err != nil {
		return nil, fmt.Errorf("kind %d: %w: %w", kind, err, ErrMalformed)
	}
	return op, nil
}

func decodeInsert(raw cbor.RawMessage) (Op, error) {
	var w wireInsert
	if err := decMode.Unmarshal(raw, &w); err != nil {
		return nil, err
	}
	op := Insert{Left: Edge, Right: Edge, Text: w.Text}
	var err error
	if w.Left != nil {
		if op.Left, err = nameFromWire(w.Left.Delta, w.Left.Index); err != nil {
			return nil, err
		}
	}
	if w.Right != nil {
		if op.Right, err = nameFromWire(w.Right.Delta, w.Right.Index); err != nil {
			return nil, err
		}
	}
	return op, nil
}

func decodeDelete(raw cbor.RawMessage) (Op, error) {
	var w wireDelete
	if err := decMode.Unmarshal(raw, &w); err != nil {
		return nil, err
	}
	op := Delete{Ranges: make([]Range, len(w.Ranges))}
	for i, r := range w.Ranges {
		first, err := nameFromWire(r.Delta, r.Index)
		if err != nil {
			return nil, err
		}
		op.Ranges[i] = Range{First: first, Count: r.Count}
	}
	return op, nil
}

func nameFromWire(delta []byte, index uint32) (Name, error) {
	n := Name{Index: index}
	if len(delta) != 0 {
		if len(delta) != len(n.Delta) {
			return Name{}, fmt.Errorf("name with a delta id of %d bytes, want %d", len(delta), len(n.Delta))
		}
		copy(n.Delta[:], delta)
		if n.own() {
			return Name{}, fmt.Errorf("name with a delta id of zeros; the delta itself is named by no bytes")
		}
	}
	return n, nil
}

func fromWire(names []wireName) ([]Name, error) {
	var out []Name
	for _, w := range names {
		n, err := nameFromWire(w.Delta, w.Index)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}
